/* Called by runtime/forkserver.py, with the interpreter's lock. */
#include "inside/inner.h"

#include <dlfcn.h>

__attribute__((visibility("default"))) size_t attune_serve(char **ret_text, int *ret_argc);

/* Comes back in each child: the text of the arguments and of the environment behind them. */
size_t
attune_serve(char **ret_text, int *ret_argc)
{
	Around around;
	Grown g;

	*(void **)&around.before = dlsym(RTLD_DEFAULT, "PyOS_BeforeFork");
	*(void **)&around.parent = dlsym(RTLD_DEFAULT, "PyOS_AfterFork_Parent");
	*(void **)&around.child = dlsym(RTLD_DEFAULT, "PyOS_AfterFork_Child");
	g = seed_serve(&around);
	*ret_text = g.text;
	*ret_argc = g.argc;
	return g.size;
}
