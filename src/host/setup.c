/* Configuration, log, store, bus: what a process needs before its roles. */
#include "host/inner.h"

#include "api/rule_messages.h"
#include "base/log.h"
#include "engine/register.h"
#include "http/listen.h"
#include "os/fs.h"
#include "packs/pack.h"
#include "store/change.h"
#include "store/migrate.h"
#include "store/rule.h"
#include "store/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

static size_t
options_of(const Host *h, ConfigOption *ret)
{
	size_t n = 0;

	if (h->options.port != NULL)
		ret[n++] = (ConfigOption){ "server.port", h->options.port, "option --port" };
	if (h->options.log_level != NULL)
		ret[n++] = (ConfigOption){ "log.level", h->options.log_level, "option --log-level" };
	if (h->options.name != NULL && (h->options.roles & 1u << ROLE_WORKER) != 0)
		ret[n++] = (ConfigOption){ "worker.name", h->options.name, "option --name" };
	if (h->options.demo)
		ret[n++] = (ConfigOption){ "demo", "true", "option --demo" };
	return n;
}

static bool
log_start(const Host *h, Err *err)
{
	static const char *const formats[] = { "auto", "pretty", "json" };
	LogConfig log = { .level = LOG_INFO,
		.file = config_cstr(h->config, "log.file"),
		.console = config_bool(h->config, "log.console") };
	Str format = config_str(h->config, "log.format");

	if (!log_level_parse(config_str(h->config, "log.level"), &log.level))
		return err_set(err, ERR_INVALID, "log.level must be debug, info, warn or error");
	for (size_t i = 0; i < countof(formats); i++)
		if (str_is(format, formats[i]))
			log.format = (LogFormat)i;
	return log_open(&log, err);
}

/* There is no default secret: processes that work together are given the same. */
static bool
secrets_given(const Host *h, Err *err)
{
	static const char *const keys[] = { "security.jwt_secret", "security.encryption_key" };

	for (size_t i = 0; i < countof(keys); i++)
		if (!config_has(h->config, keys[i]))
			return err_set(err, ERR_INVALID,
			    "%s is not set: give every role the same one, in its configuration or as "
			    "ATTUNE__SECURITY__%s",
			    keys[i], i == 0 ? "JWT_SECRET" : "ENCRYPTION_KEY");
	return true;
}

/* Looked at before anything is made: what fails later has said the first password already. */
static bool
port_is_free(const Host *h, Err *err)
{
	int64_t port = config_int(h->config, "server.port");
	int fd, unused;

	if ((h->options.roles & 1u << ROLE_API) == 0 || port == 0)
		return true;
	if (!listen_open(config_str(h->config, "server.host"), (int)port, &fd, &unused, err))
		return err_wrap(err, "api");
	close(fd);
	return true;
}

/* Else each run would say so, one by one. */
static bool
artifacts_kept(const Host *h, Err *err)
{
	Str dir = config_str(h->config, "artifacts_dir");

	if ((h->options.roles & (1u << ROLE_API | 1u << ROLE_WORKER)) == 0)
		return true;
	if (!dirs_make(str_cstr(h->arena, dir), 0750, err))
		return err_wrap(err, "artifacts_dir");
	return access(str_cstr(h->arena, dir), W_OK | X_OK) == 0 ||
	       err_sys(err, errno, "artifacts_dir: '%.*s' cannot be written", STR_ARG(dir));
}

bool
host_config(Host *h, Err *err)
{
	ConfigOption options[4];
	ConfigSource source = { .file = h->options.config_file,
		.env = environ,
		.needs_store = true,
		.needs_bus = true,
		.options = options };
	const char *const *warnings;
	size_t n;

	source.option_count = options_of(h, options);
	if (h->options.up)
		source.data_dir = data_dir_path(h->arena, h->options.data_dir).p;
	if (!config_load(h->arena, &source, &h->config, err) ||
	    (h->options.up && !datadir_open(h->arena, h->options.data_dir, &h->data, err)) || !port_is_free(h, err))
		return false;
	if (h->options.up ? !datadir_secrets(h->arena, &h->data, h->config, err) : !secrets_given(h, err))
		return false;
	if (!log_start(h, err) || !artifacts_kept(h, err))
		return false;
	n = config_warnings(h->config, &warnings);
	for (size_t i = 0; i < n; i++)
		log_warn("%s", warnings[i]);
	if (h->data.rekeyed)
		log_warn("'%s/encryption_key' was not there beside a database: a new one is made, and what was sealed "
			 "with the old "
			 "one cannot be read until that is named in security.encryption_keys_old",
		    h->data.path.p);
	return true;
}

/* ---- store ---- */

static bool
store_start(Host *h, Err *err)
{
	StoreConfig config = {
		.url = config_str(h->config, "database.url"),
		.schema = config_str(h->config, "database.schema"),
		.connect_timeout = config_time(h->config, "database.connect_timeout"),
	};
	int applied = 0;

	if (!store_open(&config, &h->store, err))
		return false;
	if (h->options.no_migrate)
		return migrate_check(h->store, err);
	if (!migrate(h->store, clock_wall(clock_real()), &applied, err))
		return false;
	if (applied > 0)
		log_info("database brought up to date: %d migrations", applied);
	return true;
}

/* ---- bus ---- */

typedef struct BusName {
	const char *key; /* in the configuration */
	int id;
} BusName;

static const BusName exchange_keys[] = {
	{ "events", EX_EVENTS },
	{ "executions", EX_EXECUTIONS },
	{ "notifications", EX_NOTIFICATIONS },
};

static const BusName queue_keys[] = {
	{ "enforcements", Q_ENFORCEMENTS },
	{ "execution_requests", Q_REQUESTS },
	{ "execution_status", Q_STATUS },
	{ "execution_completed", Q_COMPLETED },
	{ "inquiry_responses", Q_INQUIRY },
};

static void
names_read(const Host *h, const char *section, const BusName *names, size_t n, Str *ret)
{
	const Json *given = config_json(h->config, section);

	for (size_t i = 0; i < n; i++)
		ret[names[i].id] = json_get_text(json_get(given, names[i].key), "name");
}

/* A letter nobody can read, in a world without a broker, is a row. */
static bool
dead_keep(void *self, const DeadLetter *d)
{
	Host *h = self;
	Db *db;
	Arena *a;
	Err err = { 0 };
	DeadRow row;
	bool ok;

	if (!db_open(h->store, &db, &err))
		return false;
	a = arena_open();
	row = (DeadRow){ .message_id = uuid_text(a, d->id),
		.queue = d->queue,
		.routing_key = d->key,
		.reason = d->reason,
		.body = d->body,
		.created = d->at };
	ok = db_begin(db, &err) && dead_insert(db, a, &row, &err) && db_commit(db, &err);
	if (!ok) {
		db_rollback(db);
		log_error("a dead letter could not be kept: %s", err.text);
	}
	arena_close(a);
	db_close(db);
	return ok;
}

static bool
bus_start(Host *h, Err *err)
{
	BusConfig config = {
		.url = config_str(h->config, "message_queue.url"),
		.process = h->engine.process,
		.quorum = str_is(config_str(h->config, "message_queue.queue_type"), "quorum"),
		.management_url = config_str(h->config, "message_queue.management_url"),
		.clock = clock_real(),
	};

	names_read(h, "message_queue.rabbitmq.exchanges", exchange_keys, countof(exchange_keys), config.exchange);
	names_read(h, "message_queue.rabbitmq.queues", queue_keys, countof(queue_keys), config.queue);
	if (!bus_open(&config, &h->bus, err))
		return false;
	if (bus_is_local(h->bus))
		bus_keep_dead(h->bus, dead_keep, h);
	return true;
}

/* ---- engine ---- */

/* A commit may have left something waiting, and somebody may wait for a run that has just ended. */
static void
on_moved(void *self, const Outbox *out)
{
	Host *h = self;

	if (h->executor != NULL)
		executor_arm(h->executor);
	for (size_t i = 0; h->api != NULL && i < out->n; i++)
		if (out->msgs[i].kind == MSG_EXECUTION_COMPLETED)
			api_wake(h->api, out->msgs[i].item.id);
}

static void
on_due(void *self, TimeUs at)
{
	Host *h = self;

	if (h->executor != NULL)
		executor_due(h->executor, at);
}

static Str
process_name(Host *h)
{
	char host[256] = "localhost";

	gethostname(host, sizeof(host) - 1);
	h->host_name = str_copy(h->arena, str_of(host));
	if (h->options.name != NULL)
		return str_of(h->options.name);
	return str_fmt(h->arena, "%s-%s-%d", h->options.command, host, (int)getpid());
}

static bool
retention_targets(const Json *given, RetainPlan *plan, Err *err)
{
	for (size_t i = 0; json_is(given, JSON_OBJECT) && i < given->n; i++) {
		const Json *age = json_get(&given->members[i].value, "max_age_seconds");
		RetainTarget t;

		if (!retain_target_of(given->members[i].key, &t))
			return err_set(err, ERR_INVALID, "'retention.targets' has no target '%.*s'",
			    STR_ARG(given->members[i].key));
		if (age == NULL || (age->kind != JSON_NULL && json_as_int(age, -1) < 0))
			return err_set(err, ERR_INVALID,
			    "'retention.targets.%s' needs max_age_seconds: a number of seconds, or null to keep for "
			    "ever",
			    retain_target_name(t));
		plan->max_age[t] = age->kind == JSON_NULL ? RETAIN_FOR_EVER : json_as_int(age, 0);
	}
	return true;
}

static bool
retention_read(Host *h, Err *err)
{
	enum { DAY = 86400, AUDIT_DAYS = 90 };
	const Config *c = h->config;
	RetainPlan *plan = &h->engine.keep;

	*plan = (RetainPlan){ .enabled = config_bool(c, "retention.enabled"),
		.dry_run = config_bool(c, "retention.dry_run"),
		.every = config_time(c, "retention.check_interval") / US_PER_S,
		.step = config_int(c, "retention.batch_size"),
		.lock_key = config_int(c, "retention.advisory_lock_key"),
		.max_rows = config_has(c, "retention.max_rows") ? config_int(c, "retention.max_rows") : 0 };
	for (size_t i = 0; i < RETAIN_TARGETS; i++)
		plan->max_age[i] =
		    config_has(c, "retention.days") ? config_int(c, "retention.days") * DAY : RETAIN_FOR_EVER;
	h->engine.log_policy = config_str(c, "worker.execution_log_retention_policy");
	h->engine.log_limit = config_int(c, "worker.execution_log_retention_limit");
	plan->max_age[RETAIN_AUDIT_EVENTS] = AUDIT_DAYS * (int64_t)DAY;
	return retention_targets(config_json(c, "retention.targets"), plan, err);
}

static bool
vault_start(Host *h, Err *err)
{
	Vault *vault;

	if (!vault_open(h->arena, config_str(h->config, "security.encryption_key"),
		config_json(h->config, "security.encryption_keys_old"), &vault, err))
		return false;
	h->engine.vault = vault;
	return true;
}

bool
host_engine(Host *h, Err *err)
{
	Engine *e = &h->engine;

	*e = (Engine){
		.clock = clock_real(),
		.process = process_name(h),
		.heartbeat = config_time(h->config, "worker.heartbeat_interval"),
		.scheduled_timeout = config_time(h->config, "executor.scheduled_timeout"),
		.max_payload = (size_t)config_int(h->config, "events.max_payload_kb") * 1024,
		.moved = on_moved,
		.due = on_due,
		.moved_self = h,
	};
	if (!retention_read(h, err) || !vault_start(h, err) || !store_start(h, err) || !bus_start(h, err))
		return false;
	e->store = h->store;
	e->bus = h->bus;
	e->announces = !bus_is_local(h->bus);
	/* `up` may be given a server and a broker, and then is one process among others */
	if (h->options.up && store_kind(h->store) == STORE_SQLITE && bus_is_local(h->bus))
		e->boot_id = h->data.boot_id;
	e->defs = defs_open();
	e->live = liveness_open(e->boot_id, e->heartbeat);
	return uow_open(e, &h->uow, err);
}

/* ---- packs ---- */

static void
say_pack(const RegisterResult *r)
{
	for (size_t i = 0; i < r->problem_count; i++) {
		const PackProblem *p = &r->problems[i];

		log_line(p->fatal ? LOG_ERROR : LOG_WARN, NULL, 0, "pack '%.*s': %.*s:%u:%u: %.*s", STR_ARG(r->folder),
		    STR_ARG(p->file), p->line, p->column, STR_ARG(p->text));
	}
	for (size_t i = 0; i < r->report.warning_count; i++)
		log_warn("pack '%.*s': %.*s", STR_ARG(r->folder), STR_ARG(r->report.warnings[i]));
	if (!str_none(r->problem))
		log_error("pack '%.*s' is not loaded, what was there before stays: %.*s", STR_ARG(r->folder),
		    STR_ARG(r->problem));
	else if (!r->unchanged)
		log_info("pack '%.*s' loaded: %zu new, %zu changed, %zu removed", STR_ARG(r->ref), r->report.created,
		    r->report.updated, r->report.deleted);
}

static bool
packs_load(Host *h, Str dir, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	RegisterResult *results;
	size_t n;

	if (!register_all(h->uow->db, a, dir, clock_wall(clock_real()), &results, &n, err))
		return err_wrap(err, "load packs");
	for (size_t i = 0; i < n; i++)
		say_pack(&results[i]);
	return true;
}

bool
host_packs(Host *h, Err *err)
{
	Str dir = config_str(h->config, "packs_base_dir");

	if (!datadir_core_pack(h->arena, dir, err))
		return false;
	return packs_load(h, dir, err);
}

/* ---- the demo ---- */

/* Its first tick comes at once: timers count from one interval ago, and a moment. */
bool
host_demo(Host *h, Err *err)
{
	static const char ref[] = "core.timer_echo";
	enum { MOMENT_US = 250 * US_PER_MS };
	Uow *u = h->uow;
	RuleDef rule;
	TimeUs interval;

	if (!uow_begin(u, err) || !rule_get_ref(u->db, u->arena, str_of(ref), &rule, err))
		return err_wrap(err, "demo");
	if (rule.enabled)
		return uow_commit(u, &points_create, err); /* goes on where an earlier run ended */
	interval = json_as_int(json_get(&rule.trigger_params, "interval"), 10) * US_PER_S;
	if (!rule_set_enabled(u->db, u->arena, rule.ref, true, u->now, err) ||
	    !rule_set_anchor(u->db, u->arena, rule.id, u->now - interval + MOMENT_US, u->now, err))
		return err_wrap(err, "demo");
	rule.enabled = true;
	out_rule(u, MSG_RULE_ENABLED, &rule);
	return uow_commit(u, &points_create, err);
}
