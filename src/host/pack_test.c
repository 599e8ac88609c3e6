/* The tests of a pack's folder, as the server would run them. */
#include "host/confine.h"
#include "host/host.h"
#include "host/inner.h"
#include "os/fs.h"
#include "os/guardian.h"
#include "os/signals.h"
#include "os/thread.h"
#include "packs/pack.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct Bench {
	Host h; /* its configuration, and nothing that is opened by it */
	Str stage;
	Pack core, pack;
	PackTestsConfig config;
	atomic_bool stopping, over;
	Thread thread;
} Bench;

static bool
stage_make(Bench *b, Err *err)
{
	const char *base = getenv("TMPDIR");

	return dir_private(
	    b->h.arena, base == NULL || base[0] != '/' ? "/tmp" : base, "attune-pack-test", &b->stage, err);
}

/* What is in force for `attune up`, or by ATTUNE_CONFIG for a server. A data directory that is not there is not begun by this. */
static bool
configure(Bench *b, Err *err)
{
	const char *named = getenv("ATTUNE_CONFIG");
	ConfigSource source = { .env = environ };
	Host *h = &b->h;

	h->options.up = named == NULL || named[0] == '\0';
	if (h->options.up)
		h->data.path = data_dir_path(h->arena, NULL);
	source.data_dir = h->data.path.p;
	if (!config_load(h->arena, &source, &h->config, err))
		return false;
	if (h->options.up && !file_exists(h->data.path.p) &&
	    !config_set(h->config, "runtime_envs_dir", str_fmt(h->arena, "%s/envs", b->stage.p), "a test", err))
		return false;
	b->config = (PackTestsConfig){ .processes = host_processes_config(h),
		.envs = host_envs_config(h),
		.limit = config_time(h->config, "pack_tests.timeout") };
	return confine_settings(h, &b->config.processes, err);
}

/* A runtime as the core pack describes it; NULL: it does not. */
static const Json *
runtime_config(const Bench *b, const char *ref)
{
	for (size_t i = 0; i < b->core.runtime_count; i++)
		if (str_is(b->core.runtimes[i].ref, ref))
			return &b->core.runtimes[i].execution_config;
	return NULL;
}

static bool
load(Bench *b, const char *dir, Err *err)
{
	if (!pack_load(b->h.arena, str_of(dir), &b->pack, err))
		return false;
	if (!b->pack.tests.enabled)
		return err_set(err, ERR_NOT_FOUND,
		    "pack '%.*s' has no tests: its pack.yaml has no section 'testing', or one that is not enabled",
		    STR_ARG(b->pack.def.ref));
	return true;
}

/* It says how Python and Node are run and what their environments are made of. */
static bool
load_core(Bench *b, Err *err)
{
	Arena *a = b->h.arena;
	Str dir;

	return datadir_core_find(a, config_str(b->h.config, "packs_base_dir"), &dir, err) &&
	       pack_load(a, dir, &b->core, err);
}

/* It lies there under its own name, whatever its folder is called. */
static bool
lay_out(Bench *b, const char *dir, Err *err)
{
	Arena *a = b->h.arena;
	char real[PATH_MAX];
	Str packs = str_fmt(a, "%s/packs", b->stage.p);

	if (!dirs_make(packs.p, 0700, err))
		return false;
	if (realpath(dir, real) == NULL ||
	    symlink(real, str_fmt(a, "%s/%.*s", packs.p, STR_ARG(b->pack.def.ref)).p) < 0)
		return err_sys(err, errno, "lay out '%s'", dir);
	return true;
}

static void
heed_signals(void *self)
{
	enum { LOOK_MS = 100 };
	Bench *b = self;

	while (!atomic_load(&b->over))
		if (signals_wait(b->h.signals, LOOK_MS * US_PER_MS) != 0)
			atomic_store(&b->stopping, true);
}

static bool
run(Bench *b, Json *ret, Err *err)
{
	Arena *a = b->h.arena;
	PackTestsAsk ask = { .pack_ref = b->pack.def.ref,
		.pack_version = b->pack.def.version,
		.packs_dir = str_fmt(a, "%s/packs", b->stage.p),
		.stage = b->stage,
		.tests = &b->pack.tests,
		.python = runtime_config(b, "core.python"),
		.nodejs = runtime_config(b, "core.nodejs") };
	TestCounts counts;

	if (!thread_start(&b->thread, "signals", heed_signals, b, err))
		return false;
	*ret = pack_tests_run(a, &b->config, &ask, &b->stopping, &counts);
	atomic_store(&b->over, true);
	thread_join(&b->thread);
	return !atomic_load(&b->stopping) || err_set(err, ERR_BUSY, "the tests were interrupted");
}

bool
host_pack_test(Arena *a, const char *dir, Json *ret, Err *err)
{
	Bench b = { .h = { .arena = a, .data = { .lock = -1 }, .host_name = str_of("local") } };
	Str marker = str_fmt(a, "ATTUNE_WORKER_RUN=%.*s", STR_ARG(uuid_text(a, uuid_new(clock_wall(clock_real())))));
	bool ok;

	if (!load(&b, dir, err) || !signals_open(&b.h.signals, err))
		return false;
	ok = guardian_start(marker.p, &b.h.guardian, err) && stage_make(&b, err) && configure(&b, err) &&
	     load_core(&b, err) && lay_out(&b, dir, err) && run(&b, ret, err);
	if (!str_none(b.stage))
		(void)tree_remove(b.stage.p);
	if (b.h.guardian != NULL)
		guardian_stop(b.h.guardian);
	signals_close(b.h.signals);
	return ok;
}
