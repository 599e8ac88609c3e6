#include "os/guardian.h"
#include "os/spawn.h"

#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const char marker[] = "GUARD_TEST=incarnation-1";

/* A worker with a guardian and children that hold `out`: one plain, one that called setsid. Prints a byte per child. */
static void
worker_main(int out, bool orderly)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", marker, NULL };
	static const char *const argv[] = { "sh", "-c",
		"trap '' TERM INT HUP; setsid sh -c 'trap \"\" TERM; printf y; exec sleep 1000' & printf x; "
		"sleep 1000",
		NULL };
	SpawnSpec spec = { .path = "/bin/sh", .argv = argv, .envp = env, .in = 0, .out = out, .err = 2 };
	Guardian *g;
	Err err = { 0 };
	Child c;

	if (!guardian_start(marker, &g, &err) || !spawn(&spec, &c, &err))
		_exit(1);
	guardian_watch(g, c.pid);
	if (orderly) {
		guardian_stop(g);
		if (write(out, "z", 1) != 1)
			_exit(1);
	}
	for (;;)
		pause();
}

static pid_t
start_worker(bool orderly, int *ret_fd)
{
	int ends[2];
	pid_t pid;

	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		worker_main(ends[1], orderly);
	close(ends[1]);
	*ret_fd = ends[0];
	return pid;
}

/* The end of the pipe: nobody holds it any more. */
static void
check_all_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	CHECK_INT(poll(&p, 1, 60000), 1);
	CHECK_INT(read(fd, &byte, 1), 0);
	close(fd);
}

static void
read_bytes(int fd, int count)
{
	char byte;

	for (int i = 0; i < count; i++)
		CHECK_INT(read(fd, &byte, 1), 1);
}

TEST(nothing_remains_of_a_worker_that_was_killed)
{
	int fd;
	pid_t pid = start_worker(false, &fd);

	read_bytes(fd, 2);
	CHECK(child_tree_alive(0, marker));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	check_all_gone(fd);
	CHECK(!child_tree_alive(0, marker));
}

TEST(an_orderly_stop_kills_nobody)
{
	int fd;
	pid_t pid = start_worker(true, &fd);

	read_bytes(fd, 3);
	CHECK(child_tree_alive(0, marker));
	child_signal_tree(0, marker, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	check_all_gone(fd);
}

TEST(a_guardian_is_deaf_to_what_a_terminal_sends_and_small)
{
	Guardian *g;
	Err err = { 0 };

	CHECK_OK(guardian_start("A=b", &g, &err), err);
	CHECK_STR(str_of(guardian_marker(g)), str_of("A=b"));
	for (pid_t p = 2; p < 40000; p += 1)
		guardian_watch(g, 1); /* beyond its table: no harm */
	guardian_forget(g, 1);
	guardian_stop(g);
	guardian_stop(NULL);
}
