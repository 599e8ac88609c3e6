#include "runtime/probe.h"

#include "base/clock.h"
#include "base/codec.h"
#include "os/fs.h"
#include "runtime/container.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PROBE_OUTPUT = 4096,
	FILE_MOST = 1000 * 1000, /* nobody prints a megabyte to say its version */
};

static const char *const *
argv_of(Arena *a, Str program, const Json *args)
{
	size_t count = json_is(args, JSON_ARRAY) ? args->n : 0;
	const char **argv = arena_array(a, const char *, count + 2);

	argv[0] = str_cstr(a, program);
	for (size_t i = 0; i < count; i++)
		argv[i + 1] = str_cstr(a, json_as_str(json_at(args, i)));
	return argv;
}

static bool
start(Arena *a, Probe *p, const Interpreters *in)
{
	CLEANUP(fd_done) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const char *path = str_fmt(a, "PATH=%.*s", STR_ARG(interpreters_search_path(in))).p;
	const char *const env[] = { path, "HOME=/", "LANG=C", "LC_CTYPE=C.UTF-8", "TZ=UTC", "SHLVL=1", NULL };
	SpawnSpec spec = { .path = p->argv[0], .argv = p->argv, .envp = env, .cwd = "/" };

	if (container_engine(p->argv[0])) /* the one that runs will be given to is to be asked */
		spec.envp = container_client(a, in, env);
	spec.limits.file_size = FILE_MOST;
	p->out = memfd_create("probe", MFD_CLOEXEC);
	if (null < 0 || p->out < 0 || fcntl(p->out, F_SETFL, O_APPEND) < 0)
		return err_sys(&p->err, errno, "probe '%s'", p->argv[0]);
	spec.in = null;
	spec.out = spec.err = p->out;
	return spawn(&spec, &p->child, &p->err);
}

void
probe_start(Arena *a, Probe *p, const Interpreters *in, Str binary, const Json *args)
{
	Str program = interpreter_find(a, in, binary);

	*p = (Probe){ .out = -1 };
	p->argv = argv_of(a, str_none(program) ? binary : program, args);
	if (binary.n == 0)
		err_set(&p->err, ERR_INVALID, "no binary to probe");
	else if (str_none(program))
		err_set(&p->err, ERR_NOT_FOUND, "'%.*s' is not in %.*s", STR_ARG(binary),
		    STR_ARG(interpreters_search_path(in)));
	else
		p->running = start(a, p, in);
}

/* False: it had to be killed. */
static bool
wait_for_end(Child *c, TimeUs until, ChildEnd *ret)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	TimeUs left = until - clock_mono(clock_real());
	bool in_time = poll(&p, 1, left > 0 ? (int)(left / US_PER_MS) : 0) == 1;

	child_kill_group(c);
	while (!child_reap(c, ret))
		(void)poll(&p, 1, -1);
	return in_time;
}

void
probe_end(Arena *a, Probe *p, TimeUs until)
{
	char *text = arena_alloc_raw(a, PROBE_OUTPUT);
	ChildEnd end = { 0 };
	bool in_time;
	ssize_t n = 0;

	p->output = str_of("");
	if (p->running) {
		in_time = wait_for_end(&p->child, until, &end);
		n = pread(p->out, text, PROBE_OUTPUT, 0);
		p->output = utf8_clean(a, str_trim((Str){ text, n > 0 ? (size_t)n : 0 }));
		p->code = end.code;
		if (!in_time)
			err_set(&p->err, ERR_TIMEOUT, "'%s' did not end in time", p->argv[0]);
		else if (end.signalled)
			err_set(&p->err, ERR_INVALID, "'%s' was killed by signal %d", p->argv[0], end.code);
	}
	p->running = false;
	fd_done(&p->out);
}
