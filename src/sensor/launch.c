/* How a sensor's process is started: its command, its environment made from nothing, its pipes. */
#include "sensor/inner.h"

#include "os/fs.h"
#include "os/guardian.h"
#include "runtime/environ.h"
#include "runtime/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { ENV_MOST = 120 * 1024 }; /* of one variable: the kernel takes 128 KiB */

typedef struct Launch {
	Keeper *k;
	Ward *w;
	Arena *a;
	Str home, token;
	ProcessesConfig config;
	RunSpec spec;
	Plan plan;
} Launch;

static Str
sensor_dir(const Launch *l)
{
	return str_fmt(l->a, "%.*s/sensors/%.*s", STR_ARG(l->k->config.artifacts_dir), STR_ARG(l->w->want.ref));
}

/* A variable for each member of the configuration, as SDKs read them. */
static void
config_vars(const Launch *l, Json *env)
{
	const Json *config = &l->w->want.config;

	json_add(l->a, env, "ATTUNE_SENSOR_CONFIG", json_str(json_text(l->a, config)));
	for (uint32_t i = 0; i < config->n; i++) {
		Str key = config->members[i].key;
		char *name = arena_alloc(l->a, key.n + 1);

		for (size_t j = 0; j < key.n; j++) {
			char c = key.p[j];

			name[j] = c >= 'a' && c <= 'z'                               ? (char)(c - 'a' + 'A')
				  : (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c
										     : '_';
		}
		json_set_str(l->a, env, str_fmt(l->a, "ATTUNE_SENSOR_CONFIG_%s", name), config->members[i].value);
	}
}

static bool
sensor_vars(const Launch *l, Json *env, Err *err)
{
	const Want *want = &l->w->want;
	Arena *a = l->a;

	config_vars(l, env);
	json_add(a, env, "ATTUNE_SENSOR_ID", json_str(str_fmt(a, "%lld", (long long)want->sensor)));
	json_add(a, env, "ATTUNE_SENSOR_REF", json_str(want->ref));
	json_add(a, env, "ATTUNE_LOG_LEVEL", json_str(l->k->config.log_level));
	if (want->built_in && l->k->config.http_allow != NULL)
		json_add(a, env, "ATTUNE_HTTP_ALLOW", json_str(json_text(a, l->k->config.http_allow)));
	if (want->lines)
		return true;
	if (want->rules_text.n > ENV_MOST)
		return err_set(err, ERR_TOO_LARGE,
		    "its %u rules do not fit into the environment: let it speak in lines (protocol: lines)",
		    want->rules.n);
	json_add(a, env, "ATTUNE_SENSOR_TRIGGERS", json_str(want->rules_text));
	if (!str_none(l->k->config.mq_url)) {
		json_add(a, env, "ATTUNE_MQ_URL", json_str(l->k->config.mq_url));
		json_add(a, env, "ATTUNE_MQ_EXCHANGE", json_cstr("attune.events"));
	}
	return true;
}

static bool
home_make(Launch *l, Err *err)
{
	l->home = str_fmt(l->a, "%.*s/home", STR_ARG(sensor_dir(l)));
	return dirs_make(l->home.p, 0700, err);
}

/* A part of this program: the same file, whatever became of its name since. */
static void
plan_built_in(Launch *l)
{
	const char **argv = arena_array(l->a, const char *, 4);

	argv[0] = "attune";
	argv[1] = "__sensor";
	argv[2] = str_cstr(l->a, l->w->want.entrypoint);
	l->plan = (Plan){ .program = "/proc/self/exe", .argv = argv, .cwd = l->home.p };
	l->plan.places = (Places){ .pack_dir = str_of(""),
		.env_dir = str_of(""),
		.interpreter = str_of(""),
		.manifest_path = str_of(""),
		.action_file = str_of("") };
}

/* Of code that is the entry point itself; an earlier start has left its own, which cannot be written to. */
static bool
plan_files(const Launch *l, Err *err)
{
	for (size_t i = 0; i < l->plan.file_count; i++) {
		(void)unlink(l->plan.files[i].path);
		if (!file_write(l->plan.files[i].path, l->plan.files[i].bytes, 0400, err))
			return false;
	}
	return true;
}

static bool
plan(Launch *l, Err *err)
{
	if (l->w->want.built_in) {
		plan_built_in(l);
		return true;
	}
	if (!plan_make(l->a, &l->config, &l->spec, l->home, &l->plan, err))
		return false;
	if (l->plan.container.engine != NULL)
		return err_set(err, ERR_UNSUPPORTED, "sensors do not run in containers: run it as a program");
	return plan_files(l, err);
}

static bool
pipe_make(int *ret_read, int *ret_write, bool ours_is_read, Err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	(void)fcntl(ends[ours_is_read ? 0 : 1], F_SETFL, O_NONBLOCK); /* ours only */
	*ret_read = ends[0];
	*ret_write = ends[1];
	return true;
}

static bool
spawn_it(Launch *l, const char *const *envp, Err *err)
{
	CLEANUP(fd_done) int in = -1;
	CLEANUP(fd_done) int out = -1;
	CLEANUP(fd_done) int errs = -1;
	Ward *w = l->w;
	SpawnSpec spec = { .path = l->plan.program, .argv = l->plan.argv, .envp = envp, .cwd = l->plan.cwd };

	if (!pipe_make(&w->out, &out, true, err) || !pipe_make(&w->err, &errs, true, err))
		return false;
	if (w->want.lines ? !pipe_make(&in, &w->in, false, err)
			  : (in = fcntl(l->k->null, F_DUPFD_CLOEXEC, 3)) < 0 && !err_sys(err, errno, "stdin"))
		return false;
	spec.in = in;
	spec.out = out;
	spec.err = errs;
	return spawn(&spec, &w->child, err);
}

static void
logs_open(const Launch *l)
{
	const KeeperConfig *c = &l->k->config;
	Arena *a = l->w->run_a;
	Str dir = sensor_dir(l);

	rotated_open(&l->w->out_log, str_fmt(a, "%.*s/stdout.log", STR_ARG(dir)), c->log_max, c->log_files);
	rotated_open(&l->w->err_log, str_fmt(a, "%.*s/stderr.log", STR_ARG(dir)), c->log_max, c->log_files);
}

bool
ward_launch(Keeper *k, Ward *w, Str token, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Launch l = { .k = k, .w = w, .a = a, .token = token };
	Json env = json_object();
	EnvironFacts facts = { .config = &l.config, .spec = &l.spec, .places = &l.plan.places };
	const char *const *envp;

	l.config = (ProcessesConfig){ .packs_base_dir = k->config.packs_base_dir,
		.runtime_envs_dir = k->config.runtime_envs_dir,
		.artifacts_dir = k->config.artifacts_dir,
		.interpreters = k->config.interpreters,
		.api_url = k->config.api_url };
	l.spec = (RunSpec){ .action_ref = w->want.ref,
		.pack_ref = w->want.pack_ref,
		.entrypoint = w->want.entrypoint,
		.folder = "sensors",
		.runtime = w->want.runtime,
		.runtime_config = &w->want.runtime_config,
		.env_vars = &env,
		.api_token = token };
	if (!home_make(&l, err) || !plan(&l, err) || !sensor_vars(&l, &env, err))
		return false;
	arena_reset(w->run_a);
	w->marker = str_fmt(w->run_a, "ATTUNE_SENSOR_RUN=%.*s:%lld:%lld", STR_ARG(k->name), (long long)w->want.sensor,
	    (long long)w->row.restarts);
	facts.home = l.home;
	facts.run_marker = w->marker;
	facts.worker_marker = k->config.guardian == NULL ? (Str){ 0 } : str_of(guardian_marker(k->config.guardian));
	if (!environ_make(a, &facts, &envp, err))
		return false;
	logs_open(&l);
	lines_open(&w->lines, k->e->max_payload + 8 * 1024);
	if (!spawn_it(&l, envp, err))
		return false;
	if (k->config.guardian != NULL)
		guardian_watch(k->config.guardian, w->child.pid);
	return true;
}
