#include "base/config.h"

#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A folder of its own for each test, an environment, and the sources that a role or `attune up` would give. */
typedef struct Place {
	Arena *a;
	char dir[64];
	char *env[16];
	size_t env_n;
	ConfigSource src;
} Place;

static Place *
place_open(void)
{
	Arena *a = arena_open();
	Place *p = arena_new(a, Place);

	p->a = a;
	snprintf(p->dir, sizeof(p->dir), "/tmp/attune-config-XXXXXX");
	CHECK(mkdtemp(p->dir) != NULL);
	p->src = (ConfigSource){ .dir = p->dir, .env = p->env };
	return p;
}

static void
place_done(Place **p)
{
	static const char *const names[] = { "config.yaml", "config.development.yaml", "config.prod.yaml",
		"other.yaml" };
	Arena *a = (*p)->a;

	for (size_t i = 0; i < countof(names); i++)
		unlink(str_fmt(a, "%s/%s", (*p)->dir, names[i]).p);
	CHECK(rmdir((*p)->dir) == 0);
	arena_close(a);
}

static const char *
place_file(Place *p, const char *name, const char *text)
{
	const char *path = str_fmt(p->a, "%s/%s", p->dir, name).p;
	FILE *f = fopen(path, "we");

	CHECK(f != NULL);
	CHECK(fputs(text, f) >= 0);
	CHECK(fclose(f) == 0);
	return path;
}

static void
place_env(Place *p, const char *variable)
{
	CHECK(p->env_n + 1 < countof(p->env));
	p->env[p->env_n++] = arena_copy(p->a, variable, strlen(variable) + 1);
}

static Config *
loaded(Place *p)
{
	Config *c = NULL;
	Err err = { 0 };

	CHECK_OK(config_load(p->a, &p->src, &c, &err), err);
	return c;
}

/* The sentence with which loading fails, less the folder of the test. */
static Str
refusal(Place *p)
{
	Config *c = NULL;
	Err err = { 0 };
	Buf b = buf_open(p->a);
	Str text, dir = str_fmt(p->a, "%s/", p->dir);
	size_t at;

	CHECK(!config_load(p->a, &p->src, &c, &err));
	CHECK(c == NULL);
	text = str_copy(p->a, str_of(err.text));
	while (str_find(text, dir, &at)) {
		buf_add(&b, str_sub(text, 0, at));
		text = str_sub(text, at + dir.n, text.n);
	}
	buf_add(&b, text);
	return buf_str(&b);
}

static Str
refusal_of_file(const char *text)
{
	static char kept[ERR_TEXT_MAX];
	CLEANUP(place_done) Place *p = place_open();
	Str got;

	place_file(p, "config.yaml", text);
	got = refusal(p);
	snprintf(kept, sizeof(kept), "%.*s", STR_ARG(got));
	return str_of(kept);
}

static Str
refusal_of_variable(const char *variable)
{
	static char kept[ERR_TEXT_MAX];
	CLEANUP(place_done) Place *p = place_open();
	Str got;

	place_env(p, variable);
	got = refusal(p);
	snprintf(kept, sizeof(kept), "%.*s", STR_ARG(got));
	return str_of(kept);
}

TEST(every_default_of_the_table_is_a_legal_value)
{
	CLEANUP(place_done) Place *p = place_open();
	Config *c = loaded(p);
	const char *const *warnings;

	CHECK_STR(config_str(c, "server.host"), str_of("127.0.0.1"));
	CHECK_INT(config_int(c, "server.port"), 8080);
	CHECK(!config_bool(c, "server.enable_cors"));
	CHECK(!config_bool(c, "demo"));
	CHECK_INT(config_time(c, "worker.heartbeat_interval"), 10 * (int64_t)US_PER_S);
	CHECK_INT(config_int(c, "worker.inline_output_bytes"), 4096);
	CHECK_INT(config_int(c, "events.max_payload_kb"), 1024);
	CHECK_INT(config_int(c, "retention.days"), 30);
	CHECK(!config_has(c, "retention.max_rows"));
	CHECK(!config_has(c, "database.url"));
	CHECK(config_cstr(c, "message_queue.url") == NULL);
	CHECK_STR(config_str(c, "message_queue.queue_type"), str_of("classic"));
	CHECK_STR(config_str(c, "artifacts_dir"), str_of("/var/lib/attune/artifacts"));
	CHECK_INT(config_json(c, "worker.labels")->kind, JSON_OBJECT);
	CHECK_STR(str_of(config_origin(c, "server.port")), str_of("default"));
	CHECK_INT((int64_t)config_warnings(c, &warnings), 0);
}

TEST(no_key_is_in_the_table_twice)
{
	for (size_t i = 0; i < setting_count; i++) {
		CHECK_INT(setting_find(str_of(settings[i].key)), (int64_t)i);
		CHECK(settings[i].help[0] != '\0');
		CHECK(settings[i].kind != SETTING_ENUM || settings[i].names != NULL);
		CHECK(settings[i].check == NULL || settings[i].wants != NULL);
	}
}

TEST(files_environment_and_options_win_in_that_order)
{
	CLEANUP(place_done) Place *p = place_open();
	const ConfigOption options[] = { { "server.port", "4", "option --port" } };
	Config *c;

	place_file(
	    p, "config.yaml", "server:\n  port: 1\n  host: a\nlog:\n  level: debug\nworker: {task_timeout: 5}\n");
	place_file(p, "config.development.yaml", "# more\nserver:\n  host: b\n  port: 2\nlog: {format: json}\n");
	place_env(p, "ATTUNE__SERVER__PORT=3");
	place_env(p, "ATTUNE__LOG__FORMAT=pretty");
	p->src.options = options;
	p->src.option_count = countof(options);
	c = loaded(p);
	CHECK_INT(config_int(c, "server.port"), 4);
	CHECK_STR(str_of(config_origin(c, "server.port")), str_of("option --port"));
	CHECK_STR(config_str(c, "log.format"), str_of("pretty"));
	CHECK_STR(str_of(config_origin(c, "log.format")), str_of("environment ATTUNE__LOG__FORMAT"));
	CHECK_STR(config_str(c, "server.host"), str_of("b"));
	CHECK_STR(str_of(config_origin(c, "server.host")), str_fmt(p->a, "file %s/config.development.yaml:3", p->dir));
	CHECK_STR(str_of(config_origin(c, "log.level")), str_fmt(p->a, "file %s/config.yaml:5", p->dir));
	/* flow style has no line of its own */
	CHECK_STR(str_of(config_origin(c, "worker.task_timeout")), str_fmt(p->a, "file %s/config.yaml", p->dir));
}

TEST(the_second_file_is_that_of_the_environment)
{
	CLEANUP(place_done) Place *p = place_open();
	Config *c;

	place_file(p, "config.yaml", "environment: prod\n");
	place_file(p, "config.prod.yaml", "service_name: second\n");
	c = loaded(p);
	CHECK_STR(config_str(c, "service_name"), str_of("second"));
	place_env(p, "ATTUNE__ENVIRONMENT=development");
	c = loaded(p);
	CHECK_STR(config_str(c, "service_name"), str_of("attune"));
	CHECK_STR(config_str(c, "environment"), str_of("development"));
}

TEST(an_environment_that_is_a_path_is_refused)
{
	CHECK_STR(refusal_of_variable("ATTUNE__ENVIRONMENT=../../etc/x"),
	    str_of("environment ATTUNE__ENVIRONMENT: 'environment' must be a name of letters, digits, '-' "
		   "and '_', not "
		   "\"../../etc/x\""));
}

TEST(a_named_file_replaces_the_others_and_must_exist)
{
	CLEANUP(place_done) Place *p = place_open();

	place_file(p, "config.yaml", "service_name: first\n");
	p->src.file = place_file(p, "other.yaml", "log: {level: warn}\n");
	CHECK_STR(config_str(loaded(p), "service_name"), str_of("attune"));
	p->src.file = NULL;
	place_env(p, str_fmt(p->a, "ATTUNE_CONFIG=%s/other.yaml", p->dir).p);
	CHECK_STR(config_str(loaded(p), "log.level"), str_of("warn"));
	CHECK_STR(config_str(loaded(p), "service_name"), str_of("attune"));
	p->src.file = "/nowhere/c.yaml";
	CHECK_STR(refusal(p), str_of("configuration file '/nowhere/c.yaml' does not exist"));
}

TEST(up_reads_its_data_directory_and_not_the_working_directory)
{
	CLEANUP(place_done) Place *p = place_open();
	Config *c;

	p->src = (ConfigSource){
		.dir = "/nowhere", .env = p->env, .data_dir = p->dir, .needs_store = true, .needs_bus = true
	};
	place_env(p, "ATTUNE_API_URL=http://elsewhere:1");
	c = loaded(p);
	CHECK_STR(config_str(c, "database.url"), str_fmt(p->a, "sqlite:%s/attune.db", p->dir));
	CHECK_STR(config_str(c, "message_queue.url"), str_of("local:"));
	CHECK_STR(config_str(c, "artifacts_dir"), str_fmt(p->a, "%s/artifacts", p->dir));
	CHECK(!config_has(c, "server.public_url"));

	place_file(p, "config.yaml", "server: {port: 9}\n");
	CHECK_INT(config_int(loaded(p), "server.port"), 9);
	/* what a role of the distributed world would read is not read */
	p->src.data_dir = "/nowhere";
	p->src.dir = p->dir;
	CHECK_INT(config_int(loaded(p), "server.port"), 8080);
}

TEST(an_unknown_key_is_refused_with_the_nearest_known_one)
{
	CHECK_STR(refusal_of_file("worker:\n  # how many\n  max_concurent_tasks: 3\n"),
	    str_of("config.yaml:3: unknown key 'worker.max_concurent_tasks': did you mean "
		   "'worker.max_concurrent_tasks'?"));
	CHECK_STR(refusal_of_file("wroker: {name: x}\n"),
	    str_of("config.yaml:1: unknown key 'wroker': did you mean 'worker'?"));
	CHECK_STR(refusal_of_file("max_concurrent_tasks: 3\n"),
	    str_of("config.yaml:1: unknown key 'max_concurrent_tasks': did you mean "
		   "'worker.max_concurrent_tasks'?"));
	CHECK_STR(refusal_of_file("security: {login_page: {show_oidc: true}}\n"),
	    str_of("config.yaml: unknown key 'security.login_page.show_oidc': did you mean "
		   "'security.login_page.show_oidc_login'?"));
	CHECK_STR(refusal_of_variable("ATTUNE__WORKER__MAX_TASKS=3"),
	    str_of("environment: unknown variable 'ATTUNE__WORKER__MAX_TASKS': did you mean "
		   "'ATTUNE__WORKER__MAX_CONCURRENT_TASKS'?"));
	CHECK_STR(refusal_of_variable("ATTUNE__=3"), refusal_of_variable("ATTUNE__=4"));
}

TEST(a_line_is_that_of_the_key_in_its_own_section)
{
	CHECK_STR(
	    refusal_of_file("sensor:\n  host: a\nworker:\n    labels:\n        port: x\n    host: b\n    port: c\n"),
	    str_of("config.yaml:7: 'worker.port' must be a whole number, from 0 to 65535, not \"c\""));
}

TEST(a_wrong_value_is_refused_with_what_is_wanted)
{
	static const struct {
		const char *yaml;
		const char *want;
	} cases[] = {
		{ "server:\n  port: 70000\n", "'server.port' must be a whole number, from 0 to 65535, not 70000" },
		{ "server:\n  port: 80.5\n", "'server.port' must be a whole number, from 0 to 65535, not 80.5" },
		{ "server:\n  port:\n", "'server.port' must be a whole number, from 0 to 65535, not null" },
		{ "log:\n  level: loud\n", "'log.level' must be one of debug, info, warn, error, not \"loud\"" },
		{ "log:\n  console: 7\n", "'log.console' must be true or false, not 7" },
		{ "worker:\n  task_timeout: soon\n", "'worker.task_timeout' must be a number of seconds, or "
						     "a duration like 5s, 10m, 1h, from 1 to "
						     "31622400, not \"soon\"" },
		{ "worker:\n  task_timeout: 0.5\n", "'worker.task_timeout' must be a number of seconds, or a "
						    "duration like 5s, 10m, 1h, from 1 to "
						    "31622400, not 0.5" },
		{ "worker:\n  taints: [a]\n", "'worker.taints' must be a list of mappings, not this array" },
		{ "worker:\n  labels: [a]\n", "'worker.labels' must be a mapping of names to texts, not this array" },
		{ "server:\n  cors_origins: {a: b}\n",
		    "'server.cors_origins' must be a list of texts, not this object" },
		{ "service_name:\n  a: b\n",
		    "'service_name' must be text (in quotes if it looks like a number), not this object" },
		{ "database:\n  schema: a;drop\n", "'database.schema' must be a name of lower-case letters, "
						   "digits and '_' of 1 to 63 characters, not "
						   "\"a;drop\"" },
		{ "database:\n  url: mysql://u:hidden@h/d\n",
		    "'database.url' must be a URL that starts with postgresql:// or sqlite:, not "
		    "\"mysql://u:***@h/d\"" },
		{ "security:\n  encryption_key: hidden\n", "'security.encryption_key' must be text (in "
							   "quotes if it looks like a number) of 32 to 4096 "
							   "characters, not what was given" },
		{ "server: 5\n", "'server' must be a mapping of settings" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		Str got = refusal_of_file(cases[i].yaml), place;

		CHECK(str_cut(&got, ' ', &place));
		CHECK_STR(got, str_of(cases[i].want));
		CHECK(str_starts(place, str_of("config.yaml:")));
	}
}

TEST(a_file_that_is_no_mapping_or_no_yaml_is_refused)
{
	CHECK_STR(refusal_of_file("- 1\n"),
	    str_of("config.yaml: a configuration is a mapping of sections, as in `server: {port: 8080}`"));
	CHECK(str_starts(refusal_of_file("server: {port: 1\n"), str_of("config.yaml")));
	CHECK(str_starts(refusal_of_file("log: {level: info}\nlog: {level: warn}\n"), str_of("config.yaml")));
}

TEST(an_empty_file_and_an_empty_section_change_nothing)
{
	CLEANUP(place_done) Place *p = place_open();

	place_file(p, "config.yaml", "# nothing yet\n");
	CHECK_INT(config_int(loaded(p), "server.port"), 8080);
	place_file(p, "config.yaml", "server:\n  # port: 1\nworker:\n  labels:\n  name:\n");
	CHECK_INT(config_int(loaded(p), "server.port"), 8080);
	CHECK_INT(config_json(loaded(p), "worker.labels")->n, 0);
	CHECK(!config_has(loaded(p), "worker.name"));
}

TEST(values_of_the_environment_become_the_wanted_kind)
{
	CLEANUP(place_done) Place *p = place_open();
	Config *c;

	place_env(p, "ATTUNE__SERVER__ENABLE_CORS=TRUE");
	place_env(p, "ATTUNE__SERVER__CORS_ORIGINS=http://a, http://b,");
	place_env(p, "ATTUNE__WORKER__TASK_TIMEOUT=2m");
	place_env(p, "ATTUNE__WORKER__SHUTDOWN_TIMEOUT=0.25");
	place_env(p, "ATTUNE__WORKER__LABELS=a=1,b=x=y");
	place_env(p, "ATTUNE__WORKER__LABELS__ZONE=north");
	place_env(p, "ATTUNE__WORKER__TAINTS=[{key: gpu, effect: NoSchedule}]");
	place_env(p, "ATTUNE__SECURITY__OIDC__ENABLED=true");
	place_env(p, "ATTUNE__RETENTION__DAYS=null");
	place_env(p, "ATTUNE__LOG__FILE=");
	c = loaded(p);
	CHECK(config_bool(c, "server.enable_cors"));
	CHECK_STR(json_text(p->a, config_json(c, "server.cors_origins")), str_of("[\"http://a\",\"http://b\"]"));
	CHECK_INT(config_time(c, "worker.task_timeout"), 120 * (int64_t)US_PER_S);
	CHECK_INT(config_time(c, "worker.shutdown_timeout"), 250000);
	CHECK_STR(
	    json_text(p->a, config_json(c, "worker.labels")), str_of("{\"a\":\"1\",\"b\":\"x=y\",\"zone\":\"north\"}"));
	CHECK_STR(
	    json_text(p->a, config_json(c, "worker.taints")), str_of("[{\"key\":\"gpu\",\"effect\":\"NoSchedule\"}]"));
	CHECK_STR(json_text(p->a, config_json(c, "security.oidc")), str_of("{\"enabled\":true}"));
	CHECK(!config_has(c, "retention.days"));
	CHECK(!config_has(c, "log.file"));
}

TEST(a_variable_that_is_no_utf8_is_refused)
{
	static const char *const bad[] = { "ATTUNE__LOG__FILE=a\xff", "ATTUNE__WORKER__LABELS__\xc3=x",
		"ATTUNE__WORKER__LABELS__ZONE=\xed\xa0\x80", "ATTUNE_WORKER_NAME=\xff" };

	for (size_t i = 0; i < countof(bad); i++)
		CHECK(str_find(refusal_of_variable(bad[i]), str_of("valid UTF-8"), NULL));
}

TEST(plain_names_fill_gaps_or_win_as_documented)
{
	CLEANUP(place_done) Place *p = place_open();
	Config *c;

	place_file(
	    p, "config.yaml", "worker: {name: from-file, capabilities: {runtimes: [shell]}, runtimes: [node]}\n");
	place_env(p, "ATTUNE_WORKER_NAME=from-env");
	place_env(p, "ATTUNE_WORKER_TYPE=container");
	place_env(p, "ATTUNE_API_URL=http://api:8080");
	c = loaded(p);
	CHECK_STR(config_str(c, "worker.name"), str_of("from-file"));
	CHECK_STR(config_str(c, "worker.worker_type"), str_of("container"));
	CHECK_STR(config_str(c, "server.public_url"), str_of("http://api:8080"));
	CHECK_STR(json_text(p->a, config_json(c, "worker.runtimes")), str_of("[\"node\"]"));
	place_env(p, "ATTUNE_WORKER_RUNTIMES=shell,python");
	CHECK_STR(json_text(p->a, config_json(loaded(p), "worker.runtimes")), str_of("[\"shell\",\"python\"]"));
}

TEST(runtimes_inside_capabilities_are_the_same_list)
{
	CLEANUP(place_done) Place *p = place_open();

	place_file(p, "config.yaml", "worker:\n  capabilities:\n    runtimes: [shell]\n");
	CHECK_STR(json_text(p->a, config_json(loaded(p), "worker.runtimes")), str_of("[\"shell\"]"));
}

TEST(keys_without_effect_are_accepted_with_a_warning)
{
	CLEANUP(place_done) Place *p = place_open();
	const char *const *warnings;
	Config *c;

	place_file(p, "config.yaml",
	    "message_queue:\n  message_ttl: 60\n  rabbitmq:\n    prefetch_count: 10\n    dead_letter: "
	    "{enabled: true}\n"
	    "    queues:\n      enforcements: {name: mine}\n");
	place_env(p, "ATTUNE__MESSAGE_QUEUE__RABBITMQ__HEARTBEAT=5");
	c = loaded(p);
	CHECK_INT((int64_t)config_warnings(c, &warnings), 4);
	CHECK_STR(str_of(warnings[0]), str_fmt(p->a,
					   "%s/config.yaml:2: 'message_queue.message_ttl' is accepted but "
					   "has no effect: messages wait as "
					   "long as their rows",
					   p->dir));
	CHECK_STR(json_text(p->a, config_json(c, "message_queue.rabbitmq.queues")),
	    str_of("{\"enforcements\":{\"name\":\"mine\"}}"));
	CHECK(json_path(config_json(c, "message_queue.rabbitmq.*"), str_of("dead_letter.enabled")) != NULL);
}

TEST(older_spellings_mean_the_same_setting)
{
	CLEANUP(place_done) Place *p = place_open();

	place_file(p, "config.yaml", "maintenance: {stuck_queue: 5}\nretention: {batch: 6}\n");
	CHECK_INT(config_time(loaded(p), "maintenance.stuck_queue_seconds"), 5 * (int64_t)US_PER_S);
	CHECK_INT(config_int(loaded(p), "retention.batch_size"), 6);
}

TEST(a_missing_message_queue_is_one_clear_sentence)
{
	CLEANUP(place_done) Place *p = place_open();

	p->src.needs_store = p->src.needs_bus = true;
	CHECK_STR(refusal(p),
	    str_of("'database.url' is not set: give it in the configuration file (-c FILE) or as "
		   "ATTUNE__DATABASE__URL=postgresql://USER:PASSWORD@HOST:5432/attune; `attune up` needs none"));
	place_env(p, "ATTUNE__DATABASE__URL=postgresql://localhost/attune");
	CHECK_STR(
	    refusal(p), str_of("'message_queue.url' is not set: give it in the configuration file (-c FILE) or as "
			       "ATTUNE__MESSAGE_QUEUE__URL=amqp://USER:PASSWORD@HOST:5672; `attune up` needs none"));
	p->src.needs_bus = false;
	CHECK_STR(config_str(loaded(p), "database.url"), str_of("postgresql://localhost/attune"));
}

TEST(a_role_alone_refuses_what_lives_in_one_process)
{
	CLEANUP(place_done) Place *p = place_open();

	p->src.needs_store = p->src.needs_bus = true;
	place_env(p, "ATTUNE__DATABASE__URL=sqlite:/tmp/x.db");
	CHECK_STR(
	    refusal(p), str_of("environment ATTUNE__DATABASE__URL: 'database.url' is 'sqlite:/tmp/x.db', which only "
			       "`attune up` can use: "
			       "run `attune up`, or give a server like postgresql://USER:PASSWORD@HOST:5432/attune"));
	p->env_n = 0;
	place_env(p, "ATTUNE__DATABASE__URL=postgres://h/d");
	place_env(p, "ATTUNE__MESSAGE_QUEUE__URL=local:");
	CHECK(str_starts(
	    refusal(p), str_of("environment ATTUNE__MESSAGE_QUEUE__URL: 'message_queue.url' is 'local:', which only")));
	p->src.data_dir = p->dir; /* up may mix */
	CHECK_STR(config_str(loaded(p), "database.url"), str_of("postgres://h/d"));
}

TEST(half_a_pair_is_refused)
{
	CHECK_STR(refusal_of_file("server:\n  tls_key: k.pem\n"),
	    str_of("config.yaml:2: 'server.tls_key' is set but 'server.tls_cert' is not: give both or neither"));
}

TEST(secrets_and_passwords_are_stars_in_public)
{
	CLEANUP(place_done) Place *p = place_open();
	Config *c;

	place_file(p, "config.yaml",
	    "database: {url: 'postgresql://u:hid@den@h/d?password=hidden&x=1'}\nsecurity:\n  jwt_secret: "
	    "hidden\n"
	    "  oidc: {client_id: a, client_secret: hidden, nested: {bind_password: hidden}}\n"
	    "pack_registry: {indices: [{url: 'https://u:hidden@h/i', headers: {Authorization: hidden}}]}\n"
	    "message_queue: {url: 'amqp://u:hidden@h', rabbitmq: {password: hidden}}\n");
	c = loaded(p);
	for (size_t i = 0; i < setting_count; i++) {
		Json v = config_public(p->a, c, &settings[i]);
		size_t at;

		CHECK(!str_find(json_text(p->a, &v), str_of("hid"), &at) || json_is(&v, JSON_NULL));
	}
	CHECK_STR(config_str(c, "security.jwt_secret"), str_of("hidden"));
	CHECK_STR(url_starred(p->a, str_of("host=h password='a\\' b' user=u")), str_of("host=h password=*** user=u"));
	CHECK_STR(url_starred(p->a, str_of("postgresql:///d?user=a")), str_of("postgresql:///d?user=a"));
	CHECK_STR(url_starred(p->a, str_of("amqp://u@h:5672")), str_of("amqp://u@h:5672"));
	CHECK_STR(url_starred(p->a, str_of("amqp://u:a/b@h:5672/v")), str_of("amqp://u:***@h:5672/v"));
	CHECK_STR(url_starred(p->a, str_of("x password='open")), str_of("x password=***"));
}

TEST(a_later_value_takes_the_place_of_an_earlier_one)
{
	CLEANUP(place_done) Place *p = place_open();
	Config *c = loaded(p);
	Err err = { 0 };

	CHECK_OK(config_set(c, "server.port", str_of("1234"), "bound", &err), err);
	CHECK_INT(config_int(c, "server.port"), 1234);
	CHECK_STR(str_of(config_origin(c, "server.port")), str_of("bound"));
	CHECK(!config_set(c, "server.port", str_of("x"), "bound", &err));
	CHECK_INT(config_int(c, "server.port"), 1234);
}

TEST(asking_for_an_unknown_key_aborts)
{
	CLEANUP(place_done) Place *p = place_open();
	Config *c = loaded(p);

	for (int kind = 0; kind < 2; kind++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			CHECK(freopen("/dev/null", "w", stderr) != NULL);
			signal(SIGABRT, SIG_DFL);
			(void)(kind == 0 ? config_int(c, "server.prot") : config_int(c, "server.host"));
			_exit(0);
		}
		CHECK(pid > 0);
		CHECK_INT(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

/* ---- what the tree holds -------------------------------------------------------------------------------------- */

static Str
tree_file(Arena *a, const char *name)
{
	const char *path = str_fmt(a, "%s/%s", ATTUNE_SOURCE_ROOT, name).p;
	FILE *f = fopen(path, "re");
	char *room = arena_alloc_raw(a, 1 << 20);
	size_t n;

	if (f == NULL)
		test_fail(__FILE__, __LINE__, "cannot open %s", path);
	n = fread(room, 1, 1 << 20, f);
	fclose(f);
	return str_copy(a, (Str){ room, n });
}

TEST(the_documented_table_is_that_of_the_settings)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str doc = tree_file(a, "docs/configuration.md"), table = settings_markdown(a);
	size_t at;

	CHECK(str_find(doc, str_of("| key | kind |"), &at)); /* after a change: attune config docs */
	CHECK_STR(str_sub(doc, at, doc.n), table);
}

TEST(the_development_file_serves_roles_run_by_hand)
{
	CLEANUP(place_done) Place *p = place_open();
	const char *const *warnings;
	Config *c;

	p->src.needs_store = p->src.needs_bus = true;
	p->src.file = str_fmt(p->a, "%s/config.development.yaml", ATTUNE_SOURCE_ROOT).p;
	c = loaded(p);
	CHECK_INT((int64_t)config_warnings(c, &warnings), 0);
	CHECK_STR(config_str(c, "database.url"), str_of("postgresql://attune:attune@localhost:5432/attune"));
	CHECK_STR(config_str(c, "message_queue.url"), str_of("amqp://guest:guest@localhost:5672"));
}

/* Takes the mark off "  # key: value" lines, so that the commented defaults are checked as well. */
static Str
uncommented(Arena *a, Str text)
{
	Buf b = buf_open(a);
	Str line, bare, word;

	while (str_cut(&text, '\n', &line)) {
		bare = str_trim(line);
		word = str_starts(bare, str_of("# ")) ? str_sub(bare, 2, bare.n) : (Str){ 0 };
		if (word.n > 0 && str_cut(&word, ':', &bare) && bare.n > 0 && !str_none(word)) {
			size_t at, plain = 0;

			for (at = 0; at < bare.n; at++)
				plain += bare.p[at] == ' ' || bare.p[at] == '/' ? 1 : 0;
			if (plain == 0 && str_find(line, str_of("# "), &at)) {
				buf_add(&b, str_sub(line, 0, at));
				line = str_sub(line, at + 2, line.n);
			}
		}
		buf_add(&b, line);
		buf_char(&b, '\n');
	}
	return buf_str(&b);
}

TEST(the_example_file_loads_and_shows_every_section)
{
	CLEANUP(place_done) Place *p = place_open();
	const char *const *warnings;
	Str text = tree_file(p->a, "config.example.yaml");

	p->src.needs_store = p->src.needs_bus = true;
	p->src.file = str_fmt(p->a, "%s/config.example.yaml", ATTUNE_SOURCE_ROOT).p;
	CHECK_INT((int64_t)config_warnings(loaded(p), &warnings), 0);
	for (size_t i = 0; i < setting_count; i++) {
		Str key = str_of(settings[i].key), section;
		size_t at;

		CHECK(str_cut(&key, '.', &section));
		if (!str_find(text, str_fmt(p->a, "%.*s:", STR_ARG(section)), &at))
			test_fail(__FILE__, __LINE__, "config.example.yaml does not show %.*s", STR_ARG(section));
	}
	p->src.file = place_file(p, "other.yaml", uncommented(p->a, text).p);
	CHECK_INT((int64_t)config_warnings(loaded(p), &warnings), 0);
	CHECK_INT(config_int(loaded(p), "retention.max_rows"), 10000000);
}
