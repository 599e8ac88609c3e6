#include "base/config.h"

static const char *const log_levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const log_formats[] = { "auto", "json", "pretty", NULL };
static const char *const queue_types[] = { "classic", "quorum", NULL };
static const char *const retention_policies[] = { "versions", "days", "hours", "minutes", NULL };
static const char *const sandboxes[] = { "off", "standard", "strict", NULL };
static const char *const transports[] = { "auto", "file", "http", NULL };

const char *const setting_kind_names[SETTING_KINDS] = {
	[SETTING_STRING] = "string",
	[SETTING_INT] = "integer",
	[SETTING_BOOL] = "true/false",
	[SETTING_SECONDS] = "duration",
	[SETTING_LIST] = "list",
	[SETTING_MAP] = "map",
	[SETTING_ENUM] = "one of",
	[SETTING_OBJECT] = "mapping",
	[SETTING_ARRAY] = "list of mappings",
};

enum { PORT_MAX = 65535, DAY = 86400, YEAR = 366 * DAY, BYTES_MAX = 1 << 30, MANY = 1000000000 };

static bool
all_of(Str s, const char *chars)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr(chars, s.p[i]) == NULL)
			return false;
	return s.n > 0;
}

/* It becomes part of a file name. */
static bool
is_plain_name(Str s)
{
	return all_of(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
}

/* It becomes part of SQL, where names cannot be bound. */
static bool
is_schema_name(Str s)
{
	return all_of(s, "abcdefghijklmnopqrstuvwxyz0123456789_") && !(s.p[0] >= '0' && s.p[0] <= '9');
}

static bool
starts_with_one(Str s, const char *const *heads)
{
	for (; *heads != NULL; heads++)
		if (str_starts(s, str_of(*heads)))
			return true;
	return s.n == 0; /* an empty URL is a missing one, which has its own sentence */
}

static bool
is_database_url(Str s)
{
	static const char *const heads[] = { "postgresql://", "postgres://", "sqlite:", NULL };

	return starts_with_one(s, heads);
}

static bool
is_bus_url(Str s)
{
	static const char *const heads[] = { "amqp://", "amqps://", "local:", NULL };

	return starts_with_one(s, heads);
}

static bool
is_http_url(Str s)
{
	static const char *const heads[] = { "http://", "https://", NULL };

	return starts_with_one(s, heads);
}

static bool
is_path(Str s)
{
	return s.n > 0 && s.p[0] == '/' && memchr(s.p, '\0', s.n) == NULL;
}

static bool
is_cgroup(Str s)
{
	return str_is(s, "auto") || str_is(s, "off") || is_path(s);
}

static const char http_wants[] = "a URL that starts with http:// or https://";

const Setting settings[] = {
	{ "service_name", SETTING_STRING, "attune", "name of this installation in logs" },
	{ "environment", SETTING_STRING, "development",
	    "also names the second file that is read, `config.{environment}.yaml`", .check = is_plain_name,
	    .wants = "a name of letters, digits, '-' and '_'" },
	{ "demo", SETTING_BOOL, "false", "enables the rule `core.timer_echo` of the core pack" },
	{ "packs_base_dir", SETTING_STRING, "/opt/attune/packs", "folder of pack folders, loaded at start",
	    .def_up = "{data}/packs" },
	{ "runtime_envs_dir", SETTING_STRING, "/opt/attune/runtime_envs", "environments built for packs",
	    .def_up = "{data}/runtime_envs" },
	{ "artifacts_dir", SETTING_STRING, "/var/lib/attune/artifacts", "output, results and files of runs",
	    .def_up = "{data}/artifacts" },

	{ "database.url", SETTING_STRING, NULL, "`postgresql://…`, or `sqlite:PATH` for `attune up`",
	    .def_up = "sqlite:{data}/attune.db", .flags = SETTING_URL, .check = is_database_url,
	    .wants = "a URL that starts with postgresql:// or sqlite:" },
	{ "database.schema", SETTING_STRING, "attune", "PostgreSQL schema that holds the tables", .min = 1, .max = 63,
	    .check = is_schema_name, .wants = "a name of lower-case letters, digits and '_'" },
	{ "database.max_connections", SETTING_INT, "50", "connections of one process at most", .min = 1, .max = 10000 },
	{ "database.min_connections", SETTING_INT, "5", "connections are opened when a thread needs one", .max = 10000,
	    .flags = SETTING_IGNORED },
	{ "database.connect_timeout", SETTING_SECONDS, "30", "for one attempt to connect", .min = 1, .max = 3600 },
	{ "database.idle_timeout", SETTING_SECONDS, "600", "connections belong to threads and stay open", .max = YEAR,
	    .flags = SETTING_IGNORED },
	{ "database.log_statements", SETTING_BOOL, "false", "logs every statement, at level debug" },

	{ "message_queue.url", SETTING_STRING, NULL, "`amqp://…` or `amqps://…`, or `local:` for `attune up`",
	    .def_up = "local:", .flags = SETTING_URL, .check = is_bus_url,
	    .wants = "a URL that starts with amqp://, amqps:// or local:" },
	{ "message_queue.queue_type", SETTING_ENUM, "classic", "`quorum` for clusters of brokers",
	    .names = queue_types },
	{ "message_queue.management_url", SETTING_STRING, NULL,
	    "management API of the broker, for the full listing of `attune bus topology`", .check = is_http_url,
	    .wants = http_wants, .flags = SETTING_URL },
	{ "message_queue.exchange", SETTING_STRING, "attune", "exchanges have fixed names", .flags = SETTING_IGNORED },
	{ "message_queue.enable_dlq", SETTING_BOOL, "true", "dead letters are always kept", .flags = SETTING_IGNORED },
	{ "message_queue.message_ttl", SETTING_SECONDS, "3600", "messages wait as long as their rows", .max = YEAR,
	    .flags = SETTING_IGNORED },
	{ "message_queue.rabbitmq.exchanges", SETTING_OBJECT, "{}",
	    "other names for exchanges: `{events: {name: …}, executions: …, notifications: …}`" },
	{ "message_queue.rabbitmq.queues", SETTING_OBJECT, "{}",
	    "other names for queues: `{enforcements: {name: …}, …}`" },
	{ "message_queue.rabbitmq.*", SETTING_OBJECT, "{}", "connection and channel are set by the URL and by Attune",
	    .flags = SETTING_IGNORED | SETTING_REST },

	{ "server.host", SETTING_STRING, "127.0.0.1", "address to listen on", .min = 1, .max = 255 },
	{ "server.port", SETTING_INT, "8080", "0 takes any free one", .max = PORT_MAX },
	{ "server.public_url", SETTING_STRING, NULL,
	    "where actions and sensors reach the API; else made of host and port", .check = is_http_url,
	    .wants = http_wants },
	{ "server.request_timeout", SETTING_SECONDS, "30", "for one request", .min = 1, .max = 3600 },
	{ "server.max_body_size", SETTING_INT, "10485760", "largest request body", .min = 1024, .max = BYTES_MAX,
	    .unit = "bytes" },
	{ "server.enable_cors", SETTING_BOOL, "false", "lets pages of other origins use the API" },
	{ "server.cors_origins", SETTING_LIST, "", "the origins that may, when CORS is on" },
	{ "server.tls_cert", SETTING_STRING, NULL, "PEM file of the certificate chain; turns TLS on" },
	{ "server.tls_key", SETTING_STRING, NULL, "PEM file of its key" },
	{ "server.rate_limit.per_address", SETTING_INT, "0",
	    "requests a second from one address; 0: any number; public reads are not counted, but those of links are",
	    .max = MANY },
	{ "server.rate_limit.per_token", SETTING_INT, "0", "requests a second with one token; 0: any number",
	    .max = MANY },
	{ "server.rate_limit.burst_seconds", SETTING_INT, "5", "so many seconds' worth may come at once", .min = 1,
	    .max = 3600 },
	{ "server.plain_http", SETTING_BOOL, "false", "lets the API listen beyond this machine without TLS" },
	{ "server.trusted_proxies", SETTING_LIST, "", "addresses or networks whose `X-Forwarded-For` counts" },

	{ "log.level", SETTING_ENUM, "info", "least level that is written", .names = log_levels },
	{ "log.format", SETTING_ENUM, "auto", "`auto` is `pretty` on a terminal, else `json`", .names = log_formats },
	{ "log.console", SETTING_BOOL, "true", "with a file: to standard error as well" },
	{ "log.file", SETTING_STRING, NULL, "file to append to" },

	{ "security.jwt_secret", SETTING_STRING, NULL, "signs tokens; `attune up` makes its own",
	    .flags = SETTING_SECRET },
	{ "security.jwt_access_expiration", SETTING_SECONDS, "3600", "life of an access token", .min = 1, .max = YEAR },
	{ "security.jwt_refresh_expiration", SETTING_SECONDS, "604800", "life of a refresh token", .min = 1,
	    .max = YEAR },
	{ "security.encryption_key", SETTING_STRING, NULL, "encrypts stored keys, 32 characters or more", .min = 32,
	    .max = 4096, .flags = SETTING_SECRET },
	{ "security.encryption_keys_old", SETTING_LIST, "",
	    "further keys that stored values may bear: earlier ones, and the next one before it takes over",
	    .flags = SETTING_SECRET },
	{ "security.enable_auth", SETTING_BOOL, "true", "asks callers of the API who they are" },
	{ "security.allow_self_registration", SETTING_BOOL, "false", "lets anybody make an identity" },
	{ "security.login_page.show_local_login", SETTING_BOOL, "true", "on the login page of the web UI" },
	{ "security.login_page.show_oidc_login", SETTING_BOOL, "true", "likewise" },
	{ "security.login_page.show_ldap_login", SETTING_BOOL, "true", "likewise" },
	{ "security.oidc", SETTING_OBJECT, NULL, "OpenID Connect provider" },
	{ "security.ldap", SETTING_OBJECT, NULL, "LDAP server" },

	{ "worker.name", SETTING_STRING, NULL, "else `ATTUNE_WORKER_NAME`, else `worker-` and the host name", .min = 1,
	    .max = 255 },
	{ "worker.worker_type", SETTING_STRING, "local", "else `ATTUNE_WORKER_TYPE`", .min = 1, .max = 64 },
	{ "worker.runtimes", SETTING_LIST, NULL,
	    "only these runtimes are offered; `ATTUNE_WORKER_RUNTIMES` wins; else all that are found" },
	{ "worker.path", SETTING_STRING, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	    "where interpreters are looked for, and `PATH` of actions; the worker's own does not count", .min = 1,
	    .max = 4096 },
	{ "worker.interpreters", SETTING_MAP, "",
	    "programs that are taken for those a runtime names, such as `python3: /opt/python/bin/python3`" },
	{ "worker.runtime_id", SETTING_INT, NULL, "deprecated single runtime of the worker", .flags = SETTING_IGNORED },
	{ "worker.host", SETTING_STRING, NULL, "host name in the worker's row; else the machine's" },
	{ "worker.port", SETTING_INT, NULL, "port in the worker's row", .max = PORT_MAX },
	{ "worker.capabilities", SETTING_OBJECT, NULL, "added to what the worker finds out about itself" },
	{ "worker.labels", SETTING_MAP, "", "for `worker_selector` and `worker_affinity`" },
	{ "worker.taints", SETTING_ARRAY, "[]",
	    "`[{key, value, effect}]`; keeps away work that does not tolerate them" },
	{ "worker.max_concurrent_tasks", SETTING_INT, "10", "runs at once", .min = 1, .max = 10000 },
	{ "worker.heartbeat_interval", SETTING_SECONDS, "10", "a worker is stale after three times this", .min = 1,
	    .max = 3600 },
	{ "worker.task_timeout", SETTING_SECONDS, "300", "time limit where action, task and request name none",
	    .min = 1, .max = YEAR },
	{ "worker.probe_patience_ms", SETTING_INT, "200",
	    "the start waits this long for interpreters to say their versions; slower ones are offered once they have",
	    .min = 1, .max = 10000, .unit = "ms" },
	{ "worker.max_stdout_bytes", SETTING_INT, "10485760", "standard output of a run at most", .min = 1,
	    .max = BYTES_MAX, .unit = "bytes" },
	{ "worker.max_stderr_bytes", SETTING_INT, "10485760", "standard error of a run at most", .min = 1,
	    .max = BYTES_MAX, .unit = "bytes" },
	{ "worker.max_output_artifact_bytes", SETTING_INT, "104857600",
	    "of output beyond these, all is kept as an artifact up to this, for each stream; 0: none is",
	    .max = BYTES_MAX, .unit = "bytes" },
	{ "worker.inline_output_bytes", SETTING_INT, "4096", "output up to this is kept in the row; 0: always in files",
	    .max = 1 << 20, .unit = "bytes" },
	{ "worker.sandbox", SETTING_ENUM, "standard", "of actions that name none: what they may reach",
	    .names = sandboxes },
	{ "worker.sandbox_minimum", SETTING_ENUM, "off", "no action gets less than this, whatever it names",
	    .names = sandboxes },
	{ "worker.sandbox_read", SETTING_LIST, "", "paths that actions may read besides the system's" },
	{ "worker.max_memory_mb", SETTING_INT, "0", "memory of a run that names no limit; 0: any amount", .max = MANY,
	    .unit = "MiB" },
	{ "worker.max_processes", SETTING_INT, "512", "processes of a run that names no limit; 0: any number",
	    .max = MANY },
	{ "worker.max_open_files", SETTING_INT, "4096",
	    "open files of each process of a run that names no limit; 0: any", .max = MANY },
	{ "worker.max_disk_mb", SETTING_INT, "10240",
	    "what a run that names no limit may write into the folders that are its own; 0: any amount", .max = MANY,
	    .unit = "MiB" },
	{ "worker.disk_reserve_mb", SETTING_INT, NULL,
	    "with less free space where runs write, the worker takes no new ones and ends the one that fills it; else "
	    "256, or a tenth of a smaller file system; 0: never",
	    .max = MANY, .unit = "MiB" },
	{ "worker.cgroup", SETTING_STRING, "auto",
	    "where runs get a cgroup each: `auto` is below the worker's own, or the path of one that was made for it; "
	    "`off`",
	    .check = is_cgroup, .wants = "auto, off, or an absolute path" },
	{ "worker.run_dir", SETTING_STRING, NULL,
	    "where runs get their private folders, else `/tmp`; a tmpfs is fastest, but not `/dev/shm`",
	    .check = is_path, .wants = "an absolute path" },
	{ "worker.execution_log_retention_policy", SETTING_ENUM, "days", "unit of the limit below",
	    .names = retention_policies },
	{ "worker.execution_log_retention_limit", SETTING_INT, "7",
	    "how long logs of runs are kept, where action and pack say nothing", .min = 1, .max = MANY },
	{ "worker.http_request_allow", SETTING_LIST, "",
	    "private, local or reserved networks that `core.http_request` and `core.poll_http` may call, such as "
	    "`10.0.0.0/8`" },
	{ "worker.shutdown_timeout", SETTING_SECONDS, "30", "what runs may take to end after SIGTERM", .max = DAY },
	{ "worker.stream_logs", SETTING_BOOL, "true", "output can always be followed", .flags = SETTING_IGNORED },

	{ "worker.keep_loaded", SETTING_BOOL, "true",
	    "of each shell, perl or Python that was used lately one process stays loaded, and runs are copies of it: "
	    "to "
	    "actions nothing "
	    "is different" },
	{ "worker.warm", SETTING_BOOL, "false",
	    "Python actions are forks of interpreters that have started already, and Node's processes are started "
	    "ahead, where "
	    "that can be" },
	{ "environments.build_timeout", SETTING_SECONDS, "600", "for building the environment of a pack", .min = 1,
	    .max = DAY },
	{ "environments.pip.index_url", SETTING_STRING, NULL, "where pip finds packages, instead of its own default",
	    .check = is_http_url, .wants = http_wants, .flags = SETTING_URL },
	{ "environments.pip.find_links", SETTING_LIST, "", "folders or pages with wheels, for pip" },
	{ "environments.pip.offline", SETTING_BOOL, "false", "pip asks no index: only what `find_links` has" },
	{ "environments.npm.registry", SETTING_STRING, NULL, "where npm finds packages, instead of its own default",
	    .check = is_http_url, .wants = http_wants, .flags = SETTING_URL },
	{ "environments.npm.offline", SETTING_BOOL, "false", "npm asks no registry: files and its cache only" },
	{ "environments.variables", SETTING_MAP, "",
	    "what else installers have in their environment, such as `HTTPS_PROXY`" },

	{ "sensor.worker_name", SETTING_STRING, NULL, "name in the sensor's row; else `sensor-` and the host name",
	    .min = 1, .max = 255 },
	{ "sensor.host", SETTING_STRING, NULL, "host name in the sensor's row; else the machine's" },
	{ "sensor.runtimes", SETTING_LIST, NULL, "runtimes offered to sensors; `ATTUNE_SENSOR_RUNTIMES` wins" },
	{ "sensor.labels", SETTING_MAP, "", "for `worker_selector` of sensors" },
	{ "sensor.taints", SETTING_ARRAY, "[]", "`[{key, value, effect}]`" },
	{ "sensor.max_concurrent_sensors", SETTING_INT, NULL, "sensor processes at once; none: no limit", .min = 1,
	    .max = 100000 },
	{ "sensor.heartbeat_interval", SETTING_SECONDS, "30", "sign of life in the sensor's row", .min = 1,
	    .max = 3600 },
	{ "sensor.restart_delay", SETTING_SECONDS, "5",
	    "a sensor that failed starts again after this, after twice as long the next time, and so on", .max = DAY },
	{ "sensor.restart_delay_max", SETTING_SECONDS, "300", "at the longest", .max = DAY },
	{ "sensor.poll_interval", SETTING_SECONDS, "30", "given to sensors that poll", .min = 1, .max = DAY },
	{ "sensor.sensor_timeout", SETTING_SECONDS, "30", "for one poll of a sensor", .min = 1, .max = DAY },
	{ "sensor.shutdown_timeout", SETTING_SECONDS, "30", "what sensors may take to end", .max = DAY },

	{ "executor.scheduled_timeout", SETTING_SECONDS, "300", "an execution without a worker fails after this",
	    .min = 1, .max = YEAR },
	{ "executor.timeout_check_interval", SETTING_SECONDS, "60", "the sweeper has its own pace", .min = 1,
	    .max = DAY, .flags = SETTING_IGNORED },
	{ "executor.enable_timeout_monitor", SETTING_BOOL, "true", "waiting work is always watched",
	    .flags = SETTING_IGNORED },

	{ "events.max_payload_kb", SETTING_INT, "1024", "largest event", .min = 1, .max = 1 << 16, .unit = "KiB" },

	{ "artifacts.transport", SETTING_ENUM, "auto", "how workers store artifacts", .names = transports },
	{ "artifacts.max_upload_size", SETTING_INT, "104857600", "largest artifact", .min = 1, .max = INT64_C(1) << 40,
	    .unit = "bytes" },
	{ "artifacts.flush_interval_ms", SETTING_INT, "500", "output of a run becomes visible this often", .min = 1,
	    .max = 600000, .unit = "ms" },
	{ "artifacts.sensor_log_max_bytes", SETTING_INT, "10485760", "a sensor's log is rotated at this size",
	    .min = 1024, .max = BYTES_MAX, .unit = "bytes" },
	{ "artifacts.sensor_log_max_files", SETTING_INT, "4", "rotated logs that are kept", .min = 1, .max = 1000 },

	{ "notifier.host", SETTING_STRING, "127.0.0.1", "address to listen on", .min = 1, .max = 255 },
	{ "notifier.port", SETTING_INT, "8081", "`attune up` serves `/ws` on `server.port`", .max = PORT_MAX },
	{ "notifier.max_connections", SETTING_INT, "10000", "WebSocket clients at once", .min = 1, .max = 1000000 },

	{ "metrics.host", SETTING_STRING, "127.0.0.1", "address on which a process shows its figures", .min = 1,
	    .max = 255 },
	{ "metrics.port", SETTING_INT, "0",
	    "`GET /metrics` there, without a token, for roles that have no port; each process needs its own. 0: none",
	    .max = PORT_MAX },

	{ "agent.binary_dir", SETTING_STRING, NULL, "folder of the agent binaries that the API hands out" },
	{ "agent.bootstrap_token", SETTING_STRING, NULL, "what an agent shows to get one", .flags = SETTING_SECRET },

	{ "pack_registry.enabled", SETTING_BOOL, "true", "packs may be installed from indices" },
	{ "pack_registry.indices", SETTING_ARRAY, "[]", "`[{url, priority, enabled, name, headers}]`" },
	{ "pack_registry.cache_enabled", SETTING_BOOL, "true", "keeps fetched indices" },
	{ "pack_registry.cache_ttl", SETTING_SECONDS, "3600", "for this long", .max = YEAR },
	{ "pack_registry.timeout", SETTING_SECONDS, "120", "for one download", .min = 1, .max = DAY },
	{ "pack_registry.verify_checksums", SETTING_BOOL, "true", "refuses what does not match its checksum" },
	{ "pack_registry.allowed_source_hosts", SETTING_LIST, "", "hosts packs may come from; empty: any" },
	{ "pack_registry.allow_http", SETTING_BOOL, "false", "allows sources without TLS" },

	{ "pack_tests.timeout", SETTING_SECONDS, "600", "for all tests of a pack together", .min = 1, .max = 3000 },

	{ "pack_upload.max_size_bytes", SETTING_INT, "104857600", "an uploaded pack, as it is sent", .min = 1024,
	    .max = INT64_C(1) << 40, .unit = "bytes" },
	{ "pack_upload.max_extracted_size_bytes", SETTING_INT, "104857600", "an uploaded pack, unpacked", .min = 1,
	    .max = INT64_C(1) << 40, .unit = "bytes" },
	{ "pack_upload.max_file_count", SETTING_INT, "10000", "its files", .min = 1, .max = 10000000 },
	{ "pack_upload.max_per_entry_size_bytes", SETTING_INT, "52428800", "one of its files", .min = 1,
	    .max = INT64_C(1) << 40, .unit = "bytes" },
	{ "pack_upload.allow_symlinks", SETTING_BOOL, "false", "allows links inside it" },

	{ "retention.enabled", SETTING_BOOL, "true", "removes old rows and files" },
	{ "retention.days", SETTING_INT, "30", "age of what is removed; null keeps for ever", .min = 1, .max = 36500,
	    .unit = "days", .flags = SETTING_NULL },
	{ "retention.max_rows", SETTING_INT, NULL, "rows of a table beyond this are removed; null: no limit", .min = 1,
	    .max = INT64_C(1) << 40 },
	{ "retention.check_interval", SETTING_SECONDS, "3600", "how often old rows are looked for", .min = 1,
	    .max = YEAR },
	{ "retention.batch_size", SETTING_INT, "1000", "rows removed in one step", .min = 1, .max = 1000000 },
	{ "retention.dry_run", SETTING_BOOL, "false", "counts only" },
	{ "retention.targets", SETTING_OBJECT, "{}", "`{executions: {max_age_seconds: …}, …}`, where a table differs" },
	{ "retention.advisory_lock_key", SETTING_INT, "7821001", "the lease has its own name", .max = INT64_MAX,
	    .flags = SETTING_IGNORED },

	{ "maintenance.stuck_execution_seconds", SETTING_SECONDS, "3600", "an execution without progress is reported",
	    .min = 1, .max = YEAR },
	{ "maintenance.execution_remediation_seconds", SETTING_SECONDS, "7200", "and put right after this", .min = 1,
	    .max = YEAR },
	{ "maintenance.stuck_queue_seconds", SETTING_SECONDS, "900", "a queue item without progress is reported",
	    .min = 1, .max = YEAR },
	{ "maintenance.queue_remediation_seconds", SETTING_SECONDS, "1800", "and put right after this", .min = 1,
	    .max = YEAR },
	{ "maintenance.admission_remediation_seconds", SETTING_SECONDS, "1800", "a slot held by nobody is freed",
	    .min = 1, .max = YEAR },
	{ "maintenance.retention_lag_alert_seconds", SETTING_SECONDS, "86400",
	    "retention that falls behind is reported", .min = 1, .max = YEAR },
	{ "maintenance.alert_limit_per_cycle", SETTING_INT, "25", "reports at once", .min = 1, .max = 100000 },
	{ "maintenance.alert_cooldown_seconds", SETTING_SECONDS, "3600", "before the same is reported again",
	    .max = YEAR },
	{ "maintenance.artifact_cleanup_batch_size", SETTING_INT, "100", "files removed in one step", .min = 1,
	    .max = 100000 },
};
const size_t setting_count = countof(settings);

/* Spellings of earlier configurations. */
static const struct {
	const char *from;
	const char *to;
} aliases[] = {
	{ "artifacts.max_files", "artifacts.sensor_log_max_files" },
	{ "maintenance.admission_remediation", "maintenance.admission_remediation_seconds" },
	{ "maintenance.alert_cooldown", "maintenance.alert_cooldown_seconds" },
	{ "maintenance.execution_remediation", "maintenance.execution_remediation_seconds" },
	{ "maintenance.queue_remediation", "maintenance.queue_remediation_seconds" },
	{ "maintenance.retention_lag_alert", "maintenance.retention_lag_alert_seconds" },
	{ "maintenance.stuck_execution", "maintenance.stuck_execution_seconds" },
	{ "maintenance.stuck_queue", "maintenance.stuck_queue_seconds" },
	{ "retention.batch", "retention.batch_size" },
	{ "retention.check_interval_seconds", "retention.check_interval" },
	{ "sensor.timeout", "sensor.sensor_timeout" },
};

/* Requests ask for settings too: most names differ in their first letter, and are not measured. */
static bool
is_named(Str key, const char *name)
{
	return key.n > 0 && key.p[0] == name[0] && str_is(key, name);
}

int
setting_find(Str key)
{
	for (size_t i = 0; i < countof(aliases); i++)
		if (is_named(key, aliases[i].from))
			key = str_of(aliases[i].to);
	for (size_t i = 0; i < setting_count; i++)
		if (is_named(key, settings[i].key))
			return (int)i;
	return -1;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance, row by row; the texts are keys, so short. */
static size_t
distance(Arena *a, Str x, Str y)
{
	size_t *row = arena_array(a, size_t, y.n + 1);

	for (size_t j = 0; j <= y.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= x.n; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= y.n; j++) {
			size_t swap = corner + (x.p[i - 1] == y.p[j - 1] ? 0 : 1);

			corner = row[j];
			row[j] = smaller(swap, smaller(row[j], row[j - 1]) + 1);
		}
	}
	return row[y.n];
}

static Str
last_part(Str key)
{
	for (size_t i = key.n; i > 0; i--)
		if (key.p[i - 1] == '.')
			return str_sub(key, i, key.n);
	return key;
}

/* Every word of the given name is in the known one: max_tasks, max_concurrent_tasks. */
static bool
words_within(Str given, Str known)
{
	Str word, other;

	while (str_cut(&given, '_', &word)) {
		Str rest = known;
		bool found = false;

		while (!found && str_cut(&rest, '_', &other))
			found = str_eq(word, other);
		if (!found)
			return false;
	}
	return true;
}

/* How far a key is from a known key or section; whole words count for more than letters. */
static size_t
key_distance(Arena *a, Str key, Str known)
{
	ArenaMark mark = arena_mark(a);
	size_t d = distance(a, key, known);

	arena_rewind(a, mark);
	if (str_eq(last_part(key), last_part(known)))
		return smaller(d, 2); /* the right name in the wrong section */
	if (words_within(last_part(key), last_part(known)))
		return smaller(d, 3);
	return d;
}

Str
setting_nearest(Arena *a, Str key)
{
	Str nearest = str_of(settings[0].key);
	size_t least = SIZE_MAX;

	key = str_sub(key, 0, 200);
	for (size_t i = 0; i < setting_count; i++) {
		Str known = str_of(settings[i].key);

		if (settings[i].flags & SETTING_REST)
			continue;
		/* sections are candidates too, so every cut at a dot counts */
		for (size_t n = 1; n <= known.n; n++) {
			Str part = str_sub(known, 0, n);
			size_t d = n < known.n && known.p[n] != '.' ? SIZE_MAX : key_distance(a, key, part);

			if (d < least) {
				least = d;
				nearest = part;
			}
		}
	}
	return nearest;
}

static void
markdown_default(Buf *b, const Setting *s)
{
	if (s->def == NULL && s->def_up == NULL)
		buf_text(b, "none");
	else if (s->def == NULL)
		buf_fmt(b, "none; `attune up`: `%s`", s->def_up);
	else if (s->def[0] == '\0')
		buf_text(b, "empty");
	else
		buf_fmt(b, "`%s`", s->def);
	if (s->def != NULL && s->def_up != NULL)
		buf_fmt(b, "; `attune up`: `%s`", s->def_up);
}

static void
markdown_kind(Buf *b, const Setting *s)
{
	buf_text(b, setting_kind_names[s->kind]);
	for (const char *const *name = s->names; name != NULL && *name != NULL; name++)
		buf_fmt(b, "%s `%s`", name == s->names ? "" : ",", *name);
	if (s->unit != NULL)
		buf_fmt(b, ", %s", s->unit);
	if (s->min != 0 || s->max != 0)
		buf_fmt(b, ", %s%lld to %lld%s", s->kind == SETTING_STRING ? "length " : "", (long long)s->min,
		    (long long)s->max, s->kind == SETTING_SECONDS ? " s" : "");
	if (s->flags & SETTING_SECRET)
		buf_text(b, ", secret");
}

Str
settings_markdown(Arena *a)
{
	Buf b = buf_open(a);

	buf_text(&b, "| key | kind | default | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < setting_count; i++) {
		const Setting *s = &settings[i];

		buf_fmt(&b, "| `%s` | ", s->key);
		markdown_kind(&b, s);
		buf_text(&b, " | ");
		markdown_default(&b, s);
		buf_fmt(&b, " | %s%s |\n", s->flags & SETTING_IGNORED ? "*accepted, no effect:* " : "", s->help);
	}
	return buf_str(&b);
}
