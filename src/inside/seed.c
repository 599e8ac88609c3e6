/* Stands before the main() of the program into which it is preloaded. Before main() is called, all of it is let go of. */
#include "inside/seed.h"

#include "inside/inner.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*Main)(int argc, char **argv, char **envp);
typedef int (*Start)(
    Main run, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*loader_fini)(void), void *stack);

__attribute__((visibility("default"))) int __libc_start_main(
    Main run, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*loader_fini)(void), void *stack);

static Main interpreter;

static int
stand(int argc, char **argv, char **envp)
{
	const char *how = getenv("ATTUNE_SEED");
	Grown g;

	if (how == NULL)
		return interpreter(argc, argv, envp);
	seed_begin();
	if (strcmp(how, SEED_NOW) != 0) {
		(void)unsetenv("ATTUNE_SEED"); /* what it starts is none */
		(void)unsetenv("LD_PRELOAD");
		return interpreter(argc, argv, environ);
	}
	g = seed_serve(&(Around){ 0 });
	program_invocation_name = g.argv[0];
	program_invocation_short_name = strrchr(g.argv[0], '/') == NULL ? g.argv[0] : strrchr(g.argv[0], '/') + 1;
	return interpreter(g.argc, g.argv, g.envp);
}

/* Of the same name as the C library's, which calls main(): so ours is called instead. */
int
__libc_start_main(
    Main run, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*loader_fini)(void), void *stack)
{
	Start next;

	*(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
	if (next == NULL)
		_exit(CANNOT_RUN);
	interpreter = run;
	return next(stand, argc, argv, init, fini, loader_fini, stack);
}
