/* What Prometheus reads: a line for each figure, in its text format. */
#include "api/handlers.h"
#include "api/work.h"
#include "api/workers.h"
#include "http/figures.h"
#include "store/status_read.h"

enum { ALIVE_BEATS = 3 };

/* ---- work ---- */

static bool
add_work(App *app, Arena *a, Buf *b, Err *err)
{
	static const ExecState states[] = { EXEC_REQUESTED, EXEC_SCHEDULING, EXEC_SCHEDULED, EXEC_RUNNING,
		EXEC_CANCELING };
	int64_t live[EXEC_STATES] = { 0 };
	WorkerLoadRow *loads;
	WaitingRow *waiting;
	size_t n, waiting_n;
	Crew c;

	if (!worker_loads(app_db(app), a, &loads, &n, err) ||
	    !waiting_by_reason(app_db(app), a, &waiting, &waiting_n, err) || !crew_read(app, a, (Str){ 0 }, &c, err))
		return false;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < countof(states); k++)
			live[states[k]] += loads[i].live[states[k]];
	figure_family(
	    b, "attune_executions", "gauge", "executions that have not ended, by state, of those given to workers");
	for (size_t k = 1; k < countof(states); k++)
		buf_fmt(b, "attune_executions{status=\"%s\"} %lld\n", exec_state_name(states[k]),
		    (long long)live[states[k]]);
	figure_family(b, "attune_executions_waiting", "gauge", "executions that wait, by reason");
	for (size_t i = 0; i < waiting_n; i++)
		buf_fmt(b, "attune_executions_waiting{reason=\"%.*s\"} %lld\n", STR_ARG(waiting[i].reason),
		    (long long)waiting[i].count);
	figure_family(b, "attune_worker_slots", "gauge", "runs that a worker may have at once");
	for (size_t i = 0; i < c.n; i++)
		buf_fmt(b, "attune_worker_slots{worker=\"%lld\",health=\"%s\"} %lld\n", (long long)c.workers[i].id,
		    worker_health(&c, &c.workers[i]), (long long)c.workers[i].slots);
	figure_family(b, "attune_worker_running", "gauge", "runs that a worker has");
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, "attune_worker_running{worker=\"%lld\"} %lld\n", (long long)loads[i].worker,
		    (long long)load_running(&loads[i]));
	return true;
}

/* Processes that have said lately that they are there. */
static bool
add_roles(App *app, Arena *a, Buf *b, Err *err)
{
	TimeUs since = app_now(app) - ALIVE_BEATS * app->engine->heartbeat;
	bool alone = !str_none(app->engine->boot_id); /* then there is one process, and it is this one */
	RoleInstance *roles;
	size_t n, same;

	if (!role_list(app_db(app), a, alone ? 1 : since, &roles, &n, err))
		return false;
	figure_family(b, "attune_role_processes", "gauge", "processes that are there, by role");
	for (size_t i = 0; i < n; i += same) {
		int64_t alive = 0;

		for (same = 0; i + same < n && str_eq(roles[i + same].role, roles[i].role); same++)
			alive += !alone || str_eq(roles[i + same].process, app->engine->process);
		buf_fmt(b, "attune_role_processes{role=\"%.*s\"} %lld\n", STR_ARG(roles[i].role), (long long)alive);
	}
	return true;
}

/* While the database is away the process itself can still be looked at. */
bool
metrics_show(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Buf b = buf_open(a), work = buf_open(a);
	bool up = add_work(app, a, &work, err) && add_roles(app, a, &work, err);

	if (!up && err->code != ERR_AWAY)
		return false;
	err_clear(err);
	figure_single(&b, "attune_database_up", "gauge", "1 while the database answers", up);
	if (up)
		buf_add(&b, buf_str(&work));
	figure_single(&b, "attune_database_statements_total", "counter", "statements run by this process",
	    (double)store_statements(app->engine->store));
	if (app->sockets != NULL && app->sockets->figures != NULL)
		app->sockets->figures(app->sockets->self, &b);
	figures_process(&b);
	figures_requests(&b, q);
	return res_figures(s, &b);
}
