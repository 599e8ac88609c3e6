/* Starting and stopping the roles of this process. */
#include "host/inner.h"

#include "base/log.h"
#include "host/confine.h"
#include "os/signals.h"
#include "os/thread.h"
#include "runtime/homes.h"

#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

static Str
worker_name(const Host *h)
{
	Str name = config_str(h->config, "worker.name");

	return str_none(name) || name.n == 0 ? str_fmt(h->arena, "worker-%.*s", STR_ARG(h->host_name)) : name;
}

static Str
api_url(const Host *h)
{
	Str given = config_str(h->config, "server.public_url");
	Str host = config_str(h->config, "server.host");
	int port = h->api != NULL ? api_port(h->api) : (int)config_int(h->config, "server.port");

	if (!str_none(given) && given.n > 0)
		return given;
	if (str_is(host, "0.0.0.0"))
		host = str_of("127.0.0.1");
	return str_fmt(
	    h->arena, "%s://%.*s:%d", config_has(h->config, "server.tls_cert") ? "https" : "http", STR_ARG(host), port);
}

/* A run that cannot have its pipes would fail through no fault of its own: so no more are begun than the limit has room for. With
 * the API in the same process, half of it is for connections. */
static int64_t
slots_possible(const Host *h)
{
	enum {
		OWN = 64,
		OF_RUN = 8
	}; /* descriptors: of the process; of a run two pipes, two files, its process and its cgroup */
	int64_t wanted = config_int(h->config, "worker.max_concurrent_tasks"), room;
	struct rlimit r = { 0 };

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= (rlim_t)INT32_MAX)
		return wanted;
	room = ((int64_t)r.rlim_cur / (h->api != NULL ? 2 : 1) - OWN) / OF_RUN;
	if (room < 1)
		room = 1;
	if (wanted <= room)
		return wanted;
	log_warn(
	    "worker.max_concurrent_tasks is %lld, but %lld open files allow only %lld runs at once: raise the limit "
	    "(ulimit -n, LimitNOFILE=)",
	    (long long)wanted, (long long)r.rlim_cur, (long long)room);
	return room;
}

/* The networks that core.http_request may call although they are not public. */
static bool
reach_read(Host *h, Reach *ret, Err *err)
{
	const Json *list = config_json(h->config, "worker.http_request_allow");
	size_t n = json_is(list, JSON_ARRAY) ? list->n : 0;
	Network *allowed = arena_array(h->arena, Network, n + 1);

	for (size_t i = 0; i < n; i++)
		if (!network_parse(json_as_str(&list->items[i]), &allowed[i]))
			return err_set(err, ERR_INVALID,
			    "worker.http_request_allow: '%.*s' is no address or network like 10.0.0.0/8",
			    STR_ARG(json_as_str(&list->items[i])));
	*ret = (Reach){ .allowed = allowed, .n = n };
	return true;
}

ProcessesConfig
host_processes_config(Host *h)
{
	const Config *c = h->config;

	return (ProcessesConfig){
		.clock = clock_real(),
		.packs_base_dir = host_absolute(h->arena, config_str(c, "packs_base_dir")),
		.runtime_envs_dir = host_absolute(h->arena, config_str(c, "runtime_envs_dir")),
		.artifacts_dir = host_absolute(h->arena, config_str(c, "artifacts_dir")),
		.worker_name = worker_name(h),
		.api_url = api_url(h),
		.interpreters = { .path = config_str(c, "worker.path"),
		    .named = config_json(c, "worker.interpreters") },
		.stdout_max = (size_t)config_int(c, "worker.max_stdout_bytes"),
		.stderr_max = (size_t)config_int(c, "worker.max_stderr_bytes"),
		.spill_max = (size_t)config_int(c, "worker.max_output_artifact_bytes"),
		.inline_output = (size_t)config_int(c, "worker.inline_output_bytes"),
		.kill_grace = 5 * US_PER_S,
		.guardian = h->guardian,
		.seeds = config_bool(c, "worker.keep_loaded"),
		.warm = config_bool(c, "worker.warm"),
	};
}

static bool
worker_role_start(Host *h, Err *err)
{
	const Config *c = h->config;
	ProcessesConfig p = host_processes_config(h);
	WorkerConfig w = {
		.name = p.worker_name,
		.host = h->host_name,
		.type = config_str(c, "worker.worker_type"),
		.slots = slots_possible(h),
		.task_timeout = config_time(c, "worker.task_timeout"),
		.shutdown_timeout = config_time(c, "worker.shutdown_timeout"),
		.labels = config_json(c, "worker.labels"),
		.taints = config_json(c, "worker.taints"),
		.runtimes = config_json(c, "worker.runtimes"),
		.interpreters = p.interpreters,
		.patience = config_int(c, "worker.probe_patience_ms") * US_PER_MS,
		.keep_policy = config_str(c, "worker.execution_log_retention_policy"),
		.keep_limit = config_int(c, "worker.execution_log_retention_limit"),
		.show_output = config_bool(c, "demo"),
		.access = h->access,
		.heartbeat = str_none(h->engine.boot_id) ? h->engine.heartbeat : 0,
		.cores = sysconf(_SC_NPROCESSORS_ONLN),
		.quick_at_once = true,
	};

	p.envs = h->envs = host_envs(h);
	if (!reach_read(h, &p.reach, err) || !confine_settings(h, &p, err) || !processes_open(&p, &h->starter, err))
		return err_wrap(err, "worker");
	w.starter = h->starter;
	w.envs = h->envs;
	w.envs_dir = p.runtime_envs_dir;
	w.isolation = confine_say(h);
	w.strict = str_none(sandbox_strict_missing(h->arena));
	return worker_start(&h->engine, &w, &h->worker, err) &&
	       broom_start(&h->engine,
		   str_fmt(h->arena, "%s/%s", p.artifacts_dir.p, homes_file_name(h->arena, p.worker_name).p),
		   sweep_run_folders, &h->run_broom, err);
}

static bool
executor_role_start(Host *h, Err *err)
{
	return executor_start(&h->engine, &h->executor, err);
}

/* Where an operator has named no broker, sensors are told of none. */
static Str
broker_url(const Host *h)
{
	return bus_is_local(h->bus) ? (Str){ 0 } : config_str(h->config, "message_queue.url");
}

static bool
sensor_role_start(Host *h, Err *err)
{
	const Config *c = h->config;
	Str host = config_str(c, "sensor.host");
	KeeperConfig k = {
		.host = str_none(host) || host.n == 0 ? h->host_name : host,
		.packs_base_dir = host_absolute(h->arena, config_str(c, "packs_base_dir")),
		.runtime_envs_dir = host_absolute(h->arena, config_str(c, "runtime_envs_dir")),
		.artifacts_dir = host_absolute(h->arena, config_str(c, "artifacts_dir")),
		.api_url = api_url(h),
		.interpreters = { .path = config_str(c, "worker.path"),
		    .named = config_json(c, "worker.interpreters") },
		.mq_url = broker_url(h),
		.log_level = config_str(c, "log.level"),
		.http_allow = config_json(c, "worker.http_request_allow"),
		.runtimes = config_json(c, "sensor.runtimes"),
		.labels = config_json(c, "sensor.labels"),
		.taints = config_json(c, "sensor.taints"),
		.most =
		    config_has(c, "sensor.max_concurrent_sensors") ? config_int(c, "sensor.max_concurrent_sensors") : 0,
		.log_max = (size_t)config_int(c, "artifacts.sensor_log_max_bytes"),
		.log_files = config_int(c, "artifacts.sensor_log_max_files"),
		.restart_delay = config_time(c, "sensor.restart_delay"),
		.restart_delay_max = config_time(c, "sensor.restart_delay_max"),
		.shutdown_timeout = config_time(c, "sensor.shutdown_timeout"),
		.lease = 3 * h->engine.heartbeat,
		.access = h->access,
		.guardian = h->guardian,
	};

	return keeper_start(&h->engine, &k, &h->keeper, err) &&
	       sensor_start(&h->engine, (SensorNews){ keeper_wake, h->keeper }, &h->sensor, err);
}

static bool
notifier_role_start(Host *h, Err *err)
{
	NotifierConfig config = {
		.engine = &h->engine,
		.config = h->config,
		.hub = h->hub,
		.gate = { .admit = doorman_admit, .self = h->doorman },
		.serves = (h->options.roles & 1u << ROLE_API) == 0,
	};

	return notifier_start(&config, &h->notifier, err);
}

static void
on_bound(void *self, int port)
{
	Host *h = self;
	Str *url = &h->pack_tests.processes.api_url;

	host_token_leave(h, port);
	if (str_none(config_str(h->config, "server.public_url"))) /* the configured port may be 0 */
		*url = str_fmt(
		    h->arena, "%s://127.0.0.1:%d", config_has(h->config, "server.tls_cert") ? "https" : "http", port);
}

static bool
api_role_start(Host *h, Err *err)
{
	ApiConfig config = { .engine = &h->engine,
		.config = h->config,
		.hub = h->hub,
		.access = h->access,
		.pack_tests = &h->pack_tests,
		.bound = on_bound,
		.self = h };

	h->pack_tests = (PackTestsConfig){ .processes = host_processes_config(h),
		.envs = host_envs_config(h),
		.limit = config_time(h->config, "pack_tests.timeout") };
	if (!confine_settings(h, &h->pack_tests.processes, err))
		return err_wrap(err, "api");
	if (h->notifier != NULL)
		config.sockets = (Sockets){ notifier_open, notifier_stats, notifier_figures, h->notifier };

	return api_start(&config, &h->api, err) && broom_start(&h->engine, config_str(h->config, "artifacts_dir"),
						       sweep_artifact_files, &h->artifact_broom, err);
}

typedef struct RoleRow {
	Role role;
	bool (*start)(Host *h, Err *err);
} RoleRow;

/* The one that listens comes before the one that speaks; the API opens its port early, for the worker tells it to actions. */
static const RoleRow role_rows[] = {
	{ ROLE_EXECUTOR, executor_role_start },
	{ ROLE_NOTIFIER, notifier_role_start },
	{ ROLE_API, api_role_start },
	{ ROLE_WORKER, worker_role_start },
	{ ROLE_SENSOR, sensor_role_start },
};

/* Those who watch hear of all changes by one reader. */
static bool
hub_start(Host *h, Err *err)
{
	bool notifier = (h->options.roles & 1u << ROLE_NOTIFIER) != 0;
	HubConfig config = { .engine = &h->engine, .queue = notifier ? Q_NOTIFIER_CHANGES : Q_API_CHANGES };

	if (!notifier && (h->options.roles & 1u << ROLE_API) == 0)
		return true;
	return hub_open(&config, &h->hub, err);
}

bool
host_roles(Host *h, Err *err)
{
	const unsigned watchful = 1u << ROLE_API | 1u << ROLE_SENSOR | 1u << ROLE_EXECUTOR;

	if (!hub_start(h, err))
		return false;
	if ((h->options.roles & watchful) != 0 && !windows_start(&h->engine, &h->windows, err))
		return false;
	for (size_t i = 0; i < countof(role_rows); i++) {
		if ((h->options.roles & 1u << role_rows[i].role) == 0)
			continue;
		if (!role_rows[i].start(h, err))
			return err_wrap(err, "%s", role_names[role_rows[i].role]);
	}
	return meter_start(&h->engine, h->config, h->options.roles, &h->meter, err) &&
	       presence_start(&h->engine, h->options.roles, h->host_name, &h->presence, err);
}

/* ---- stopping ---- */

typedef struct Hurry {
	Host *h;
	Thread thread;
	atomic_bool over;
} Hurry;

/* A second signal, while the first is obeyed. */
static void
hurry_wait(void *arg)
{
	enum { LOOK_US = 100 * US_PER_MS };
	Hurry *y = arg;

	while (!atomic_load(&y->over)) {
		if (signals_wait(y->h->signals, LOOK_US) <= 0)
			continue;
		log_warn("second signal: running actions are killed now");
		worker_hurry(y->h->worker);
	}
}

static void
worker_role_stop(Host *h)
{
	Hurry y = { .h = h };
	Err err = { 0 };

	if (h->worker == NULL)
		return;
	if (!thread_start(&y.thread, "signals", hurry_wait, &y, &err))
		log_warn("a second signal will not be noticed: %s", err.text);
	worker_drain(h->worker);
	atomic_store(&y.over, true);
	thread_join(&y.thread);
	worker_close(h->worker);
	h->worker = NULL;
}

/* What brings new work goes first, the executor last: it takes back what the worker gives back. */
void
host_roles_stop(Host *h)
{
	Executor *x;
	Api *api;

	meter_stop(h->meter);
	h->meter = NULL;
	broom_stop(h->run_broom);
	broom_stop(h->artifact_broom);
	h->run_broom = h->artifact_broom = NULL;
	sensor_stop(h->sensor);
	h->sensor = NULL;
	keeper_stop(h->keeper);
	h->keeper = NULL;
	worker_role_stop(h);
	if (h->starter != NULL)
		h->starter->close(h->starter);
	h->starter = NULL;
	envs_close(h->envs);
	h->envs = NULL;
	notifier_stop(h->notifier);
	h->notifier = NULL;
	api = h->api;
	h->api = NULL;
	api_stop(api, 5 * US_PER_S);
	windows_stop(h->windows);
	h->windows = NULL;
	x = h->executor;
	h->executor = NULL;
	executor_stop(x);
	hub_close(h->hub);
	h->hub = NULL;
	presence_stop(h->presence);
	h->presence = NULL;
}
