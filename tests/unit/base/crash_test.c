#include "base/crash.h"

#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int
status_of(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child);
	return status;
}

TEST(a_process_dies_at_the_named_pass_of_a_point_and_not_before)
{
	char log[] = "/tmp/attune-crash-XXXXXX";
	char text[100] = "";
	int fd = mkstemp(log), status;
	pid_t child = fork();

	if (child == 0) {
		setenv("ATTUNE_CRASH_POINT", "create.after_commit:3", 1);
		setenv("ATTUNE_CRASH_LOG", log, 1);
		crash_from_env();
		for (int i = 1; i <= 5; i++) {
			crash_point("create.before_commit");
			crash_point("create.after_commit");
			if (i == 3)
				_exit(7);
		}
		_exit(0);
	}
	status = status_of(child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	CHECK_STR(str_of(text), str_of("create.before_commit\ncreate.after_commit\n"));
	close(fd);
	unlink(log);
}

TEST(an_unlisted_point_aborts)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		fclose(stderr);
		setenv("ATTUNE_CRASH_POINT", "no.such_point", 1);
		crash_from_env();
		_exit(0);
	}
	status = status_of(child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void
note(void *self, const char *name)
{
	*(const char **)self = name;
}

TEST(a_hook_sees_every_point_until_it_is_taken_away)
{
	const char *const *names;
	const char *seen = NULL;
	size_t n;

	names = crash_points(&n);
	CHECK(n >= 25);
	crash_hook(note, &seen);
	for (size_t i = 0; i < n; i++) {
		crash_point(names[i]);
		CHECK(seen == names[i]);
	}
	seen = NULL;
	crash_hook(NULL, NULL);
	crash_point(names[0]);
	CHECK(seen == NULL);
}
