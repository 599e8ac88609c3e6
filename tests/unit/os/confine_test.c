/* Walls and filters of real children: what is refused, and that the rest goes on working. */
#include "test.h"

#include "os/fs.h"
#include "os/launcher.h"
#include "os/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const system_places[] = { "/usr", "/bin", "/lib", "/lib64", "/etc", "/proc" };

static void
allow(int ruleset, const char *path, Allow what)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	Err err = { 0 };

	if (fd >= 0)
		CHECK_OK(walls_allow(ruleset, fd, what, &err), err);
	fd_done(&fd);
}

static int
ruleset_of(const char *own)
{
	int ruleset = -1;
	Err err = { 0 };

	CHECK_OK(walls_open(false, &ruleset, &err), err);
	for (size_t i = 0; i < countof(system_places); i++)
		allow(ruleset, system_places[i], ALLOW_READ);
	allow(ruleset, "/dev/null", ALLOW_DEVICE);
	allow(ruleset, own, ALLOW_OWN);
	return ruleset;
}

static int
end_of(Child *c)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	ChildEnd end;

	CHECK(poll(&p, 1, 60000) == 1);
	CHECK(child_reap(c, &end));
	return end.signalled ? 128 + end.code : end.code;
}

static SpawnSpec
shell(const char *const *argv)
{
	static const char *const envp[] = { "PATH=/usr/bin:/bin", NULL };

	return (SpawnSpec){ .path = argv[0], .argv = argv, .envp = envp, .in = 0, .out = 2, .err = 2 };
}

static int
run_confined(const char *code, const Confine *c)
{
	const char *const argv[] = { "/bin/sh", "-c", code, NULL };
	SpawnSpec spec = shell(argv);
	Child child;
	Err err = { 0 };

	spec.confine = *c;
	CHECK_OK(spawn(&spec, &child, &err), err);
	return end_of(&child);
}

/* Exits 0 when the call was refused with EPERM, 1 when it was let through or failed otherwise. */
static int
run_call(const char *call, const Confine *c)
{
	char code[1024];

	snprintf(code, sizeof(code),
	    "exec python3 -c '\nimport ctypes,sys,socket,os\nl=ctypes.CDLL(None,use_errno=True)\n"
	    "def call(*a):\n r=l.syscall(*a)\n return ctypes.get_errno() if r<0 else 0\nsys.exit(%s)'",
	    call);
	return run_confined(code, c);
}

TEST(what_reaches_into_the_kernel_or_other_processes_is_refused)
{
	static const char *const calls[] = { "call(101,16,os.getppid(),0,0)!=1", /* ptrace attach */
		"call(165,b\"x\",b\"/\",b\"tmpfs\",0,0)!=1", "call(272,0x10000000)!=1", "call(321,0,0,0)!=1",
		"call(250,0,-3,0,0)!=1", "call(56,0x10000000|17,0,0,0,0)!=1", "call(435,0,0)!=38", "call(425,1,0)!=38",
		"call(302,os.getppid(),7,0,0)!=1", "call(310,os.getppid(),0,0,0,0,0)!=1",
		"call(16,0,0x5412,b\"x\")!=1" };
	Confine c = { .on = true, .ruleset = -1, .filter = filter_of(FILTER_STANDARD) };

#ifndef __x86_64__
	return; /* the numbers above are of one processor */
#endif
	CHECK(c.filter != NULL);
	for (size_t i = 0; i < countof(calls); i++) {
		int code = run_call(calls[i], &c);

		if (code != 0)
			fprintf(stderr, "  not refused: %s\n", calls[i]);
		CHECK_INT(code, 0);
	}
	CHECK_INT(run_call("0 if socket.socket(socket.AF_INET,socket.SOCK_DGRAM) else 1", &c), 0);
	CHECK_INT(run_confined("(exit 3) | cat; sleep 0; exit 7", &c), 7);
}

TEST(under_the_strict_filter_only_streams_of_tcp_can_be_made)
{
	Confine c = { .on = true, .ruleset = -1, .filter = filter_of(FILTER_STRICT) };

#ifndef __x86_64__
	return;
#endif
	CHECK_INT(run_call("call(41,2,1,0)", &c), 0);
	CHECK_INT(run_call("call(41,10,0x80001,6)", &c), 0);
	CHECK_INT(run_call("call(41,16,3,0)", &c), 0);
	CHECK_INT(run_call("call(41,2,2,0)", &c), EACCES);
	CHECK_INT(run_call("call(41,2,3,1)", &c), EACCES);
	CHECK_INT(run_call("call(41,2,1,262)", &c), EACCES);
	CHECK_INT(run_call("call(41,1,1,0)", &c), EACCES);
	CHECK_INT(run_call("call(41,17,3,0)", &c), EACCES);
	CHECK_INT(run_call("call(41,16,3,9)", &c), EACCES);
	CHECK_INT(run_call("call(53,1,1,0,(ctypes.c_int*2)())", &c), 0); /* a pair of its own */
	CHECK_INT(run_call("call(44,0,b\"\",0,0x20000000,0,0)", &c), EPERM);
}

TEST(files_that_were_not_allowed_cannot_be_read_nor_made)
{
	Arena *a = arena_open();
	Str own, other;
	Err err = { 0 };
	Confine c = { .on = true };

	CHECK_OK(dir_private(a, "/tmp", "own", &own, &err), err);
	CHECK_OK(dir_private(a, "/tmp", "other", &other, &err), err);
	CHECK_OK(file_write(str_fmt(a, "%s/secret", other.p).p, str_of("x"), 0600, &err), err);
	if (walls_version() == 0) { /* the honest refusal */
		CHECK(!walls_open(false, &c.ruleset, &err));
		CHECK(err.code == ERR_SYS);
	} else {
		c.ruleset = ruleset_of(own.p);
		CHECK_INT(run_confined(str_fmt(a, "cat %s/secret 2>/dev/null", other.p).p, &c), 1);
		CHECK_INT(run_confined(str_fmt(a, "echo x 2>/dev/null > %s/new", other.p).p, &c), 2);
		CHECK_INT(run_confined("ls /tmp 2>/dev/null", &c), 2);
		CHECK_INT(
		    run_confined(
			str_fmt(a, "cd %s && mkdir d && echo x > d/f && mv d/f g && rm g && ls -a >/dev/null", own.p).p,
			&c),
		    0);
		CHECK_INT(run_confined(str_fmt(a, "kill -0 %d 2>/dev/null", (int)getpid()).p, &c),
		    walls_version() >= WALLS_SCOPES ? 1 : 0);
		CHECK_INT(run_confined(str_fmt(a, "cat /proc/%d/environ >/dev/null 2>&1", (int)getpid()).p, &c), 1);
		CHECK_INT(run_confined("cat /proc/self/environ >/dev/null", &c), 0);
		close(c.ruleset);
	}
	CHECK(tree_remove(own.p) && tree_remove(other.p));
	arena_close(a);
}

TEST(the_children_of_a_launcher_have_its_filter_and_nobody_else)
{
	static const char *const argv[] = { "/bin/sh", "-c", "grep -q 'Seccomp:.2' /proc/self/status", NULL };
	SpawnSpec spec = shell(argv);
	Launcher *l;
	Child child;
	Err err = { 0 };

	spec.confine = (Confine){ .on = true, .ruleset = -1, .inherits = true };
	CHECK_OK(launcher_open(filter_of(FILTER_STANDARD), &l, &err), err);
	for (int i = 0; i < 5; i++) {
		CHECK_OK(launcher_spawn(l, &spec, &child, &err), err);
		CHECK_INT(end_of(&child), filter_of(FILTER_STANDARD) == NULL);
	}
	spec.path = "/nonexistent";
	CHECK(!launcher_spawn(l, &spec, &child, &err));
	launcher_close(l);
	spec.path = argv[0];
	err_clear(&err);
	CHECK_OK(spawn(&spec, &child, &err), err);
	CHECK_INT(end_of(&child), 1);
}

TEST(root_keeps_only_what_it_needs_for_its_own_files)
{
	const char *wanted = geteuid() == 0 ? "00000000800005fb" : "0000000000000000";
	Confine c = { .on = true, .ruleset = -1, .filter = filter_of(FILTER_STANDARD) };
	char code[128];

	snprintf(code, sizeof(code), "grep -q '^CapEff:.*%s$' /proc/self/status", wanted);
	CHECK_INT(run_confined(code, &c), 0);
	CHECK_INT(run_confined("head -c 1 /proc/kcore >/dev/null 2>&1", &c), 1);
}
