#include "os/foreground.h"

#include "os/fs.h"
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A person's editor, played by functions of a shell; EDITED_BY is who waits for it. */

typedef struct Desk {
	Arena *a;
	Str dir;
	struct sigaction before;
} Desk;

static void
waits(Desk *d, pid_t pid)
{
	setenv("EDITED_BY", str_fmt(d->a, "%d", (int)pid).p, 1);
}

static Desk
desk_open(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	Desk d = { .a = arena_open() };
	Err err = { 0 };

	sigaction(SIGINT, &usual, &d.before); /* it is ignored in what a shell runs aside */
	CHECK_OK(dir_private(d.a, "/tmp", "edit-test", &d.dir, &err), err);
	setenv("TMPDIR", d.dir.p, 1);
	waits(&d, getpid());
	return d;
}

/* Nothing is left of what was edited. */
static void
desk_close(Desk *d)
{
	unsetenv("TMPDIR");
	sigaction(SIGINT, &d->before, NULL);
	CHECK_INT(rmdir(d->dir.p), 0);
	arena_close(d->a);
}

static bool
edit(Desk *d, const char *function, Str *text, Err *err)
{
	Edit e = { .editor = str_fmt(d->a, "f() { %s; }; f", function).p, .name = "a.yaml", .most = 100 };

	return foreground_edit(d->a, &e, text, err);
}

TEST(what_is_typed_to_interrupt_an_editor_is_the_editors_alone)
{
	Desk d = desk_open();
	Str text = str_of("a: 1\n");
	Err err = { 0 };

	CHECK_OK(edit(&d, "kill -INT $EDITED_BY; kill -QUIT $EDITED_BY; echo b: 2 >>\"$1\"", &text, &err), err);
	CHECK_STR(text, str_of("a: 1\nb: 2\n"));
	CHECK(!edit(&d, "kill -INT $$", &text, &err));
	CHECK(str_ends(str_of(err.text), str_of("was ended by signal 2")));
	desk_close(&d);
}

TEST(who_is_ended_while_somebody_edits_leaves_no_file)
{
	Desk d = desk_open();
	Str text = str_of("password: x\n");
	Err err = { 0 };
	pid_t child = fork();
	int status;

	if (child == 0) {
		waits(&d, getpid());
		_exit(edit(&d, "kill -TERM $EDITED_BY; kill -HUP $EDITED_BY", &text, &err) ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status));
	desk_close(&d);
}
