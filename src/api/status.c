#include "api/workers.h"

#include "api/handlers.h"
#include "api/view.h"
#include "store/execution_read.h"

enum { ROLES_SINCE = 3600, SILENT_BEATS = 3 };

/* Embedded, there is one process, and it is this one: rows of others are of earlier starts. */
static const char *
role_state(const App *app, const RoleInstance *r, TimeUs now)
{
	if (!str_none(app->engine->boot_id))
		return str_eq(r->process, app->engine->process) ? "active" : NULL;
	return now - r->last_seen <= SILENT_BEATS * app->engine->heartbeat ? "active" : "silent";
}

static bool
add_roles(App *app, Arena *a, Json *o, Err *err)
{
	TimeUs now = app_now(app), since = str_none(app->engine->boot_id) ? now - ROLES_SINCE * (TimeUs)US_PER_S : 1;
	Json all = json_array();
	RoleInstance *roles;
	size_t n;

	if (!role_list(app_db(app), a, since, &roles, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *state = role_state(app, &roles[i], now);
		Json r = json_object();

		if (state == NULL)
			continue;
		json_add(a, &r, "role", json_str(roles[i].role));
		json_add(a, &r, "name", json_str(roles[i].process));
		json_add(a, &r, "process", json_str(roles[i].process));
		json_add(a, &r, "host", json_str(roles[i].host));
		json_add(a, &r, "pid", json_int(roles[i].pid));
		json_add(a, &r, "since", json_time(a, roles[i].started));
		json_add(a, &r, "state", json_cstr(state));
		json_push(a, &all, r);
	}
	json_add(a, o, "roles", all);
	return true;
}

static Json
runtime_names(const WorkerDef *w)
{
	const Json *names = json_get(&w->capabilities, "runtimes");

	return json_is(names, JSON_ARRAY) ? *names : json_array();
}

static bool
add_workers(App *app, Arena *a, Json *o, Err *err)
{
	Json all = json_array();
	Crew c;

	if (!crew_read(app, a, str_of("action"), &c, err))
		return false;
	for (size_t i = 0; i < c.n; i++) {
		const WorkerDef *w = &c.workers[i];
		const WorkerLoadRow *l = crew_load(&c, w->id);
		Json r = json_object();

		json_add(a, &r, "id", json_int(w->id));
		json_add(a, &r, "name", json_str(w->name));
		json_add(a, &r, "status", json_cstr(worker_health(&c, w)));
		json_add(a, &r, "slots", json_int(w->slots));
		json_add(a, &r, "running", json_int(load_running(l)));
		json_add(a, &r, "assigned", json_int(load_active(l)));
		json_add(a, &r, "runtimes", runtime_names(w));
		json_add(a, &r, "last_seen", json_time(a, w->last_heartbeat));
		json_push(a, &all, r);
	}
	json_add(a, o, "workers", all);
	return true;
}

/* A broker that is away does not hide the rest: the queues are null then. */
static void
add_queues(App *app, Arena *a, Json *o)
{
	Json all = json_array();
	QueueDepth *queues;
	size_t n = 0;

	if (!bus_depths(app->engine->bus, a, &queues, &n, NULL)) {
		json_add(a, o, "queues", json_null());
		return;
	}
	for (size_t i = 0; i < n; i++) {
		Json r = json_object();

		json_add(a, &r, "name", json_str(queues[i].name));
		json_add(a, &r, "messages", json_int(queues[i].messages));
		json_add(a, &r, "consumers", json_int(queues[i].consumers));
		json_push(a, &all, r);
	}
	json_add(a, o, "queues", all);
}

static bool
add_waiting(App *app, Arena *a, Json *o, Err *err)
{
	Json all = json_array();
	WaitingRow *rows;
	size_t n;

	if (!waiting_by_reason(app_db(app), a, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Json r = json_object();

		json_add(a, &r, "reason", json_str(rows[i].reason));
		json_add(a, &r, "count", json_int(rows[i].count));
		json_add(a, &r, "oldest_id", json_id(rows[i].oldest_id));
		json_add(a, &r, "oldest_at", json_time(a, rows[i].oldest_at));
		json_add(a, &r, "detail", json_str(rows[i].detail));
		json_push(a, &all, r);
	}
	json_add(a, o, "waiting", all);
	return true;
}

static bool
add_executions(App *app, Arena *a, Json *o, Err *err)
{
	int64_t counts[EXEC_STATES];
	Json all = json_object();
	bool capped;

	if (!execution_counts_capped(app_db(app), a, counts, &capped, err))
		return false;
	for (ExecState s = EXEC_NONE + 1; s < EXEC_STATES; s++)
		if (counts[s] > 0)
			json_add(a, &all, exec_state_name(s), json_int(counts[s]));
	json_add(a, o, "executions", all);
	json_add(a, o, "executions_capped", json_bool(capped)); /* more are completed than were counted */
	return true;
}

bool
status_show(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json o = json_object();

	if (!add_roles(app, a, &o, err) || !add_workers(app, a, &o, err) || !add_waiting(app, a, &o, err) ||
	    !add_executions(app, a, &o, err))
		return false;
	add_queues(app, a, &o);
	return res_data(s, 200, o, NULL);
}
