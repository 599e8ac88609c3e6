#include "os/foreground.h"

#include "os/fs.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Held {
	struct sigaction interrupt, quit;
	sigset_t mask;
} Held;

/* What is typed to interrupt the editor is not for us, and what ends us waits until the file is gone. */
static void
hold(Held *h)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigaction(SIGINT, &ignore, &h->interrupt);
	sigaction(SIGQUIT, &ignore, &h->quit);
	pthread_sigmask(SIG_BLOCK, &ends, &h->mask);
}

static void
release(const Held *h)
{
	sigaction(SIGINT, &h->interrupt, NULL);
	sigaction(SIGQUIT, &h->quit, NULL);
	pthread_sigmask(SIG_SETMASK, &h->mask, NULL);
}

static char *
own(Arena *a, const char *text)
{
	return arena_copy(a, text, strlen(text) + 1);
}

/* A command line of a shell with one more word behind it, with signals as they were before they were held. */
static int
start(Arena *a, const char *command, const char *word, const Held *h, pid_t *ret)
{
	char *argv[] = { own(a, "sh"), own(a, "-c"), own(a, str_fmt(a, "%s \"$1\"", command).p), own(a, "sh"),
		own(a, word), NULL };
	posix_spawnattr_t attr;
	sigset_t usual;
	int why;

	sigemptyset(&usual);
	if (h->interrupt.sa_handler != SIG_IGN)
		sigaddset(&usual, SIGINT);
	if (h->quit.sa_handler != SIG_IGN)
		sigaddset(&usual, SIGQUIT);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &usual);
	posix_spawnattr_setsigmask(&attr, &h->mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	why = posix_spawn(ret, "/bin/sh", NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	return why;
}

static bool
run(Arena *a, const char *command, const char *word, const Held *h, Err *err)
{
	int why, status = 0;
	pid_t pid;

	why = start(a, command, word, h, &pid);
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

static bool
edit_in(Arena *a, const Edit *e, const char *dir, const Held *h, Str *text, Err *err)
{
	const char *path = str_fmt(a, "%s/%s", dir, e->name).p;

	return file_write(path, *text, 0600, err) && run(a, e->editor, path, h, err) &&
	       file_read(a, path, e->most, text, err);
}

bool
foreground_edit(Arena *a, const Edit *e, Str *text, Err *err)
{
	const char *base = getenv("TMPDIR");
	Held held;
	Str dir;
	bool ok;

	hold(&held);
	ok = dir_private(a, base == NULL || base[0] != '/' ? "/tmp" : base, "attune-edit", &dir, err);
	if (ok) {
		ok = edit_in(a, e, dir.p, &held, text, err);
		(void)tree_remove(dir.p);
	}
	release(&held);
	return ok;
}
