#include "os/spawn.h"
#include "os/fs.h"

#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const plain_env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "SHLVL=1", "MARK=one", NULL };

typedef struct Ran {
	ChildEnd end;
	Str output;
} Ran;

static ChildEnd
wait_end(Child *c)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	ChildEnd end;

	while (!child_reap(c, &end))
		(void)poll(&p, 1, -1);
	return end;
}

static SpawnSpec
shell(const char *text, const char **room)
{
	room[0] = "sh";
	room[1] = "-c";
	room[2] = text;
	room[3] = NULL;
	return (SpawnSpec){ .path = "/bin/sh", .argv = room, .envp = plain_env };
}

static Ran
run(Arena *a, SpawnSpec spec)
{
	CLEANUP(fd_done) int out = memfd_create("out", MFD_CLOEXEC);
	CLEANUP(fd_done) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	Err err = { 0 };
	Child c;
	Ran got;

	spec.in = null;
	spec.out = spec.err = out;
	CHECK_OK(spawn(&spec, &c, &err), err);
	got.end = wait_end(&c);
	CHECK_INT(lseek(out, 0, SEEK_SET), 0);
	CHECK_OK(file_read(a, str_fmt(a, "/proc/self/fd/%d", out).p, 1000000, &got.output, &err), err);
	return got;
}

static Ran
run_shell(Arena *a, const char *text)
{
	const char *argv[4];

	return run(a, shell(text, argv));
}

static size_t
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

TEST(a_child_leads_its_own_session_without_our_descriptors_signals_and_privileges)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(fd_done) int leak = open("/dev/null", O_RDONLY); /* deliberately without close-on-exec */
	sigset_t set, old;
	Ran r;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	r = run_shell(a, "grep -E 'SigBlk|SigIgn|NoNewPrivs' /proc/self/status; ls /proc/$$/fd; "
			 "set -- $(cat /proc/$$/stat); echo $(($1 == $5)) $(($1 == $6))");
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	CHECK_INT(r.end.code, 0);
	CHECK_STR(
	    r.output, str_of("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nNoNewPrivs:\t1\n0\n1\n2\n1 1\n"));
}

TEST(the_environment_is_exactly_what_was_given)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const argv[] = { "env", NULL };
	Ran r = run(a, (SpawnSpec){ .path = "env", .argv = argv, .envp = plain_env });

	CHECK_STR(r.output, str_of("PATH=/usr/local/bin:/usr/bin:/bin\nSHLVL=1\nMARK=one\n"));
}

TEST(exit_codes_and_signals_are_told_apart)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Ran r = run_shell(a, "exit 7");

	CHECK(!r.end.signalled);
	CHECK_INT(r.end.code, 7);
	r = run_shell(a, "kill -9 $$");
	CHECK(r.end.signalled);
	CHECK_INT(r.end.code, SIGKILL);
}

TEST(what_cannot_be_executed_is_an_error_with_its_reason_and_leaves_nothing)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const argv[] = { "x", NULL };
	static const char *const bad[] = { "/nowhere/x", "no-such-program-at-all", "/etc/passwd", "/tmp" };
	size_t before = open_descriptors();
	Err err = { 0 };
	Child c;

	for (size_t i = 0; i < countof(bad); i++) {
		SpawnSpec spec = { .path = bad[i], .argv = argv, .envp = plain_env, .in = 0, .out = 1, .err = 2 };

		CHECK(!spawn(&spec, &c, &err));
		CHECK_INT(err.code, ERR_SYS);
		CHECK(strstr(err.text, bad[i]) != NULL);
	}
	SpawnSpec nowhere = {
		.path = "/bin/true", .argv = argv, .envp = plain_env, .cwd = "/nowhere", .out = 1, .err = 2
	};
	CHECK(!spawn(&nowhere, &c, &err));
	CHECK_INT(open_descriptors(), before);
}

TEST(limits_hold_in_the_child)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const char *argv[4];
	SpawnSpec spec = shell("ulimit -n; ulimit -f", argv);
	Ran r;

	spec.limits = (SpawnLimits){ .files = 64, .file_size = 1024 * 1024 };
	r = run(a, spec);
	CHECK_STR(r.output, str_of("64\n2048\n"));
}

TEST(descriptors_low_and_crossed_arrive_in_their_places)
{
	const char *argv[4];
	SpawnSpec spec = shell("echo out; echo err >&2", argv);
	int keep1 = fcntl(1, F_DUPFD_CLOEXEC, 10), keep2 = fcntl(2, F_DUPFD_CLOEXEC, 10);
	int out = memfd_create("o", MFD_CLOEXEC), errs = memfd_create("e", MFD_CLOEXEC);
	char text[8] = { 0 };
	Err err = { 0 };
	bool ok;
	Child c;

	dup2(out, 2); /* stdout of the child is our 2, stderr our 1 */
	dup2(errs, 1);
	spec.in = 0;
	spec.out = 2;
	spec.err = 1;
	ok = spawn(&spec, &c, &err);
	dup2(keep1, 1);
	dup2(keep2, 2);
	CHECK_OK(ok, err);
	wait_end(&c);
	CHECK_INT(pread(out, text, 7, 0), 4);
	CHECK_STR(str_of(text), str_of("out\n"));
	CHECK_INT(pread(errs, text, 7, 0), 4);
	CHECK_STR(str_of(text), str_of("err\n"));
	close(keep1);
	close(keep2);
	close(out);
	close(errs);
}

/* Starts text, which prints a line when it is ready, and waits for that. */
static Child
start_ready(const char *text, const char *const *envp, int *ret_pipe)
{
	const char *argv[4];
	SpawnSpec spec = shell(text, argv);
	Err err = { 0 };
	int ends[2];
	char byte;
	Child c;

	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	spec.envp = envp;
	spec.in = 0;
	spec.out = ends[1];
	spec.err = 2;
	CHECK_OK(spawn(&spec, &c, &err), err);
	close(ends[1]);
	CHECK_INT(read(ends[0], &byte, 1), 1);
	*ret_pipe = ends[0];
	return c;
}

TEST(a_tree_is_killed_with_what_ignores_TERM_and_what_called_setsid)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "TREE=tree-test:1", NULL };
	Child c;
	char rest[8];
	int fd;

	c = start_ready("trap '' TERM; setsid sh -c 'trap \"\" TERM; echo x; sleep 1000' & sleep 1000", env, &fd);
	CHECK(child_tree_alive(c.pid, NULL));
	CHECK(child_tree_alive(0, "TREE=tree-test:1"));
	CHECK(!child_tree_alive(0, "TREE=tree-test:"));
	CHECK(!child_tree_alive(0, "TREE=tree-test:12"));
	child_signal_tree(c.pid, "TREE=tree-test:1", SIGTERM);
	child_signal_tree(c.pid, "TREE=tree-test:1", SIGKILL);
	CHECK(wait_end(&c).signalled);
	while (read(fd, rest, sizeof(rest)) > 0) /* ends when the last holder of the pipe is gone */
		;
	CHECK(!child_tree_alive(c.pid, "TREE=tree-test:1"));
	close(fd);
}

static size_t
count_of(const char *text, size_t n, char what)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += text[i] == what;
	return count;
}

/* Who cleans up when it is told to end would begin twice: once by its group, once by its session or its marker. */
TEST(everyone_of_a_tree_is_told_to_end_once)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "TREE=tree-test:once", NULL };
	char said[400];
	size_t n = 0;
	ssize_t got;
	Child c;
	int fd;

	c = start_ready("trap 'printf a' TERM; setsid sh -c 'trap \"printf b\" TERM; printf x; "
			"while :; do sleep 0.01; printf .; done' & while :; do sleep 0.01; printf .; done",
	    env, &fd);
	child_signal_tree(c.pid, "TREE=tree-test:once", SIGTERM);
	for (; n < sizeof(said); n += (size_t)got) {
		got = read(fd, said + n, sizeof(said) - n);
		CHECK(got > 0);
	}
	child_signal_tree(c.pid, "TREE=tree-test:once", SIGKILL);
	CHECK(wait_end(&c).signalled);
	CHECK_INT(count_of(said, n, 'a'), 1);
	CHECK_INT(count_of(said, n, 'b'), 1);
	close(fd);
}

/* In the middle of it a process shows no environment: whoever looked just then did not find it, and it lived on. */
TEST(a_process_that_becomes_another_program_is_found_by_its_marker_at_every_moment)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "TREE=tree-test:exec", NULL };
	const char *room[4];
	SpawnSpec spec = shell("again='exec sh -c \"$again\"'; export again; eval \"$again\"", room);
	CLEANUP(fd_done) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	Err err = { 0 };
	Child c;

	spec.envp = env;
	spec.in = spec.out = spec.err = null;
	CHECK_OK(spawn(&spec, &c, &err), err);
	for (int i = 0; i < 3000; i++)
		if (!child_tree_alive(0, "TREE=tree-test:exec"))
			test_fail(__FILE__, __LINE__, "look %d did not find it", i);
	child_signal_tree(0, "TREE=tree-test:exec", SIGKILL);
	CHECK(wait_end(&c).signalled);
}

TEST(a_hundred_children_leave_no_descriptor)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	size_t before;

	(void)run_shell(a, ":");
	before = open_descriptors();
	for (int i = 0; i < 100; i++)
		CHECK_INT(run_shell(a, ":").end.code, 0);
	CHECK_INT(open_descriptors(), before);
}
