#include "os/foreground.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

static char *
own(Arena *a, const char *text)
{
	return arena_copy(a, text, strlen(text) + 1);
}

bool
foreground_run(Arena *a, const char *command, const char *word, Err *err)
{
	char *argv[] = { own(a, "sh"), own(a, "-c"), own(a, str_fmt(a, "%s \"$1\"", command).p), own(a, "sh"),
		own(a, word), NULL };
	int why, status = 0;
	pid_t pid;

	why = posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ);
	if (why != 0)
		return err_sys(err, why, "start '%s'", command);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "wait for '%s'", command);
	if (WIFSIGNALED(status))
		return err_set(err, ERR_SYS, "'%s' was ended by signal %d", command, WTERMSIG(status));
	return WEXITSTATUS(status) == 0 ||
	       err_set(err, ERR_SYS, "'%s' ended with exit code %d", command, WEXITSTATUS(status));
}
