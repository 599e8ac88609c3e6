#include "admin/commands.h"

#include "admin/topology.h"
#include "os/fs.h"
#include "store/worker.h"

static bool
workers_read(Tool *t, WorkerDef **ret, size_t *ret_n, Err *err)
{
	CLEANUP(tool_store_done) Store *s = NULL;
	CLEANUP(db_done) Db *db = NULL;

	return tool_store(t, false, &s, err) && db_open(s, &db, err) &&
	       worker_list(db, t->arena, str_of("action"), ret, ret_n, err);
}

/* The broker knows the queues of workers by their ids only, and those stand in the database. */
static void
worker_depths(Tool *t, Bus *bus, const WorkerDef *workers, size_t n, QueueDepth *ret, size_t *at)
{
	static const QueueId own[] = { Q_WORKER_EXECUTIONS, Q_WORKER_CANCEL };

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < countof(own); k++) {
			Err err = { 0 };

			if (bus_depth(bus, t->arena, own[k], workers[i].id, &ret[*at], &err))
				(*at)++;
		}
	}
}

static bool
depths_read(Tool *t, const BusConfig *config, Topology *to, Err *err)
{
	CLEANUP(tool_bus_done) Bus *bus = NULL;
	WorkerDef *workers = NULL;
	size_t workers_n = 0, n;
	QueueDepth *fixed, *all;
	Err why = { 0 };

	if (!bus_open(config, &bus, err) || !bus_depths(bus, t->arena, &fixed, &n, err))
		return false;
	if (config_has(t->config, "database.url") && !workers_read(t, &workers, &workers_n, &why))
		workers_n = 0; /* what the broker says is shown all the same */
	all = arena_array(t->arena, QueueDepth, n + 2 * workers_n);
	memcpy(all, fixed, n * sizeof(*all));
	worker_depths(t, bus, workers, workers_n, all, &n);
	to->depths = all;
	to->depth_count = n;
	return true;
}

bool
bus_topology_run(Tool *t, Err *err)
{
	BusConfig config;
	Topology to;
	Json all;
	bool ok = true;

	if (!tool_config(t, NEEDS_NOTHING, err))
		return false;
	config = tool_bus_config(t);
	to = topology_of(t->arena, &config);
	if (config.url.n > 0 && !tool_bus_local(t))
		ok = depths_read(t, &config, &to, err);
	all = topology_json(&to);
	if (!tool_raw(t, &all))
		topology_print(&to, &t->out);
	return ok;
}

bool
bus_docs_run(Tool *t, Err *err)
{
	Topology to = topology_of(t->arena, NULL);

	(void)err;
	topology_markdown(&to, &t->out);
	return true;
}

bool
bus_migrate_run(Tool *t, Err *err)
{
	Json said = json_object();
	BusConfig config;

	if (!tool_config(t, NEEDS_BUS, err))
		return false;
	config = tool_bus_config(t);
	if (!bus_migrate(&config, err))
		return false;
	json_add(t->arena, &said, "fits", json_bool(true));
	if (!tool_raw(t, &said))
		buf_text(&t->out, tool_bus_local(t) ? "nothing to do: the bus is inside the process\n"
						    : "exchanges, queues and bindings are as this attune needs them\n");
	return true;
}
