#include "runtime/homes.h"

#include "os/fs.h"
#include "os/spawn.h"

#include <stdlib.h>
#include <unistd.h>

/* Not /dev/shm: there actions share memory, so what lies in it is nobody's own. */
static const char *const bases[] = { "/tmp", "/var/tmp" };

Str
homes_file_name(Arena *a, Str worker_name)
{
	char *text = arena_alloc(a, worker_name.n + 1);

	for (size_t i = 0; i < worker_name.n; i++) {
		char c = worker_name.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
			     c == '-' || (c == '.' && i > 0);

		text[i] = plain ? c : '_';
	}
	return worker_name.n == 0 ? str_of("worker") : (Str){ text, worker_name.n };
}

static bool
is_left_over(Str name, const char *prefix)
{
	size_t n = strlen(prefix);
	char *end;
	long pid;

	if (!str_starts(name, str_of(prefix)) || name.n <= n || name.p[n] != '-')
		return false;
	pid = strtol(name.p + n + 1, &end, 10);
	return pid > 0 && *end == '-' && pid != getpid() && !process_alive((pid_t)pid);
}

static void
remove_left_overs(Arena *a, const char *base, const char *prefix)
{
	DirEntry *list;
	size_t n;

	if (!dir_list(a, base, &list, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		if (list[i].dir && is_left_over(list[i].name, prefix))
			(void)tree_remove(str_fmt(a, "%s/%s", base, list[i].name.p).p);
}

static bool
open_in(Arena *a, const char *base, Str worker, Str *ret, Err *err)
{
	const char *prefix = str_fmt(a, "attune-%s", worker.p).p;

	remove_left_overs(a, base, prefix);
	return dir_private(a, base, str_fmt(a, "%s-%ld", prefix, (long)getpid()).p, ret, err);
}

bool
homes_open(Arena *a, const ProcessesConfig *config, Str *ret, Err *err)
{
	Str worker = homes_file_name(a, config->worker_name);

	if (config->run_base.n > 0)
		return open_in(a, str_cstr(a, config->run_base), worker, ret, err);
	for (size_t i = 0; i < countof(bases); i++)
		if (access(bases[i], W_OK | X_OK) == 0 && open_in(a, bases[i], worker, ret, err))
			return true;
	return err_wrap(err, "no folder for the runs");
}
