/* Whether an interpreter is really there. */
#include "runtime/processes.h"

#include "base/codec.h"
#include "os/fs.h"
#include "os/spawn.h"
#include "runtime/environ.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PROBE_LIMIT_MS = 10 * 1000,
	PROBE_OUTPUT = 4096,
};

static const char *const *
argv_of(Arena *a, Str binary, const Json *args)
{
	size_t count = json_is(args, JSON_ARRAY) ? args->n : 0;
	const char **argv = arena_array(a, const char *, count + 2);

	argv[0] = str_cstr(a, binary);
	for (size_t i = 0; i < count; i++)
		argv[i + 1] = str_cstr(a, json_as_str(json_at(args, i)));
	return argv;
}

/* False: it had to be killed. */
static bool
wait_for_end(Child *c, ChildEnd *ret)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	bool in_time = poll(&p, 1, PROBE_LIMIT_MS) == 1;

	child_kill_group(c);
	while (!child_reap(c, ret))
		(void)poll(&p, 1, -1);
	return in_time;
}

bool
runtime_probe(Arena *a, Str binary, const Json *args, Str *ret_output, Err *err)
{
	CLEANUP(fd_done) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_done) int out = memfd_create("probe", MFD_CLOEXEC);
	const char *const *argv = argv_of(a, binary, args);
	SpawnSpec spec = { .path = argv[0], .argv = argv, .envp = environ_plain, .cwd = "/" };
	char *text = arena_alloc_raw(a, PROBE_OUTPUT);
	ChildEnd end;
	Child child;
	bool in_time;
	ssize_t n;

	spec.limits.file_size = US_PER_S; /* nobody prints a megabyte to say its version */
	if (null < 0 || out < 0 || fcntl(out, F_SETFL, O_APPEND) < 0)
		return err_sys(err, errno, "probe '%s'", argv[0]);
	spec.in = null;
	spec.out = spec.err = out;
	if (binary.n == 0 || !spawn(&spec, &child, err))
		return binary.n == 0 ? err_set(err, ERR_INVALID, "no binary to probe") : false;
	in_time = wait_for_end(&child, &end);
	n = pread(out, text, PROBE_OUTPUT, 0);
	*ret_output = utf8_clean(a, str_trim((Str){ text, n > 0 ? (size_t)n : 0 }));
	if (!in_time)
		return err_set(err, ERR_TIMEOUT, "'%s' did not end within 10 s", argv[0]);
	if (end.signalled)
		return err_set(err, ERR_INVALID, "'%s' was killed by signal %d", argv[0], end.code);
	if (end.code != 0)
		return err_set(err, ERR_INVALID, "'%s' exited with code %d", argv[0], end.code);
	return true;
}
