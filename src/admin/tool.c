#include "admin/tool.h"

#include "os/fs.h"

#include <stdlib.h>

extern char **environ;

bool
tool_raw(Tool *t, const Json *v)
{
	return out_raw(&t->way, v);
}

bool
tool_config(Tool *t, unsigned needs, Err *err)
{
	const char *named = getenv("ATTUNE_CONFIG");
	bool file = t->config_file != NULL || (named != NULL && named[0] != '\0');
	ConfigSource source = {
		.file = t->config_file,
		.env = environ,
		.needs_store = (needs & NEEDS_STORE) != 0,
		.needs_bus = (needs & NEEDS_BUS) != 0,
	};

	t->dir = file && t->data_dir == NULL ? (Str){ 0 } : data_dir_path(t->arena, t->data_dir);
	source.data_dir = t->dir.p;
	return config_load(t->arena, &source, &t->config, err);
}

static bool
database_there(const Tool *t, Str url, Err *err)
{
	static const char scheme[] = "sqlite:";
	Str path = str_sub(url, strlen(scheme), url.n);

	if (!str_starts(url, str_of(scheme)) || file_exists(str_cstr(t->arena, path)))
		return true;
	return err_set(err, ERR_NOT_FOUND,
	    "there is no database '%.*s' yet: `attune up` and `attune db migrate` make it; another place is named by "
	    "--data-dir DIR, "
	    "servers by -c FILE",
	    STR_ARG(path));
}

bool
tool_store(Tool *t, bool make, Store **ret, Err *err)
{
	StoreConfig config = {
		.url = config_str(t->config, "database.url"),
		.schema = config_str(t->config, "database.schema"),
		.connect_timeout = config_time(t->config, "database.connect_timeout"),
	};

	return (make || database_there(t, config.url, err)) && store_open(&config, ret, err);
}

void
tool_store_done(Store **s)
{
	if (*s != NULL)
		store_close(*s);
}

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
names_read(const Tool *t, const char *section, const BusName *names, size_t n, Str *ret)
{
	const Json *given = config_json(t->config, section);

	for (size_t i = 0; i < n; i++)
		ret[names[i].id] = json_get_text(json_get(given, names[i].key), "name");
}

BusConfig
tool_bus_config(const Tool *t)
{
	BusConfig config = {
		.url = config_str(t->config, "message_queue.url"),
		.process = str_of("attune-tool"),
		.quorum = str_is(config_str(t->config, "message_queue.queue_type"), "quorum"),
		.management_url = config_str(t->config, "message_queue.management_url"),
		.clock = clock_real(),
	};

	names_read(t, "message_queue.rabbitmq.exchanges", exchange_keys, countof(exchange_keys), config.exchange);
	names_read(t, "message_queue.rabbitmq.queues", queue_keys, countof(queue_keys), config.queue);
	return config;
}

void
tool_bus_done(Bus **b)
{
	bus_close(*b);
}

bool
tool_bus_local(const Tool *t)
{
	return str_starts(config_str(t->config, "message_queue.url"), str_of("local:"));
}

bool
tool_hold(Tool *t, int *ret_fd, pid_t *ret_holder, Err *err)
{
	*ret_fd = -1;
	*ret_holder = 0;
	if (str_none(t->dir))
		return true;
	if (!dirs_make(t->dir.p, 0700, err) ||
	    !lock_take(str_fmt(t->arena, "%s/attune.lock", t->dir.p).p, ret_fd, ret_holder, err))
		return err_wrap(err, "data directory '%s'", t->dir.p);
	return true;
}
