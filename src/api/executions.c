#include "api/page.h"

#include "api/body.h"
#include "api/given.h"
#include "api/handlers.h"
#include "api/reveal.h"
#include "api/work.h"
#include "base/names.h"
#include "engine/rerun.h"
#include "model/placement.h"
#include "store/execution_read.h"

enum { LIST_DEFAULT = 20, BY_DEFAULT = 50, PAGE_MOST = 100, WAIT_MOST = 60 };

static const char by_api[] = "api";

/* ---- lists ---- */

static bool
status_of(Arena *a, Str text, ExecState *ret, Err *err)
{
	*ret = exec_state_of(str_lower(a, text));
	return *ret != EXEC_NONE || err_set(err, ERR_INVALID,
					"'%.*s' is not a status of executions: requested, scheduling, scheduled, "
					"running, completed, failed, "
					"canceling, cancelled, timeout or abandoned",
					STR_ARG(text));
}

static bool
filter_read(Req *q, ExecFilter *f, Err *err)
{
	Str status = req_query(q, "status");

	*f = (ExecFilter){
		.action_ref = req_query(q, "action_ref"),
		.rule_ref = req_query(q, "rule_ref"),
		.trigger_ref = req_query(q, "trigger_ref"),
		.pack = req_query(q, "pack_name"),
		.result_contains = req_query(q, "result_contains"),
	};
	if (!str_none(status) && !status_of(req_arena(q), status, &f->status, err))
		return false;
	return query_id(q, "executor", &f->executor, err) && query_id(q, "enforcement", &f->enforcement, err) &&
	       query_id(q, "parent", &f->parent, err) &&
	       req_query_bool(q, "top_level_only", false, &f->top_level_only, err);
}

static bool
list_answer(App *app, Req *q, Res *s, const Page *page, const ExecFilter *f, Err *err)
{
	Scope scope = app_scope(app, req_arena(q), "executions:read");
	ExecFilter seen = *f;
	Slice slice;
	SliceOut out;

	seen.scope = &scope;
	if (!page_slice(req_arena(q), page, &slice, err) ||
	    !execution_list(app_db(app), req_arena(q), &seen, &slice, &out, err))
		return false;
	return answer_slice(q, s, page, &out);
}

bool
executions_list(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, LIST_DEFAULT, PAGE_MOST);
	ExecFilter f;

	return filter_read(q, &f, err) && list_answer(app, q, s, &page, &f, err);
}

bool
executions_by_status(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, BY_DEFAULT, PAGE_MOST);
	ExecFilter f = { 0 };

	page.totals = true;
	return status_of(req_arena(q), req_param(q, "status"), &f.status, err) &&
	       list_answer(app, q, s, &page, &f, err);
}

/* ---- one ---- */

/* May the caller do this to the run? Who may do it to all need not look. */
static bool
execution_reach(App *app, Arena *a, Id id, const char *right, Err *err)
{
	Target t;
	Json e;

	if (app_scope(app, a, right).all)
		return true;
	if (!execution_show(app_db(app), a, id, &e, err))
		return false;
	t = target_of_json(&e, "action_ref");
	return reach(app, right, &t, err);
}

/* The end of the run wakes the request: at once in its own process, elsewhere when it is announced. An announcement may get lost
 * with the broker, so it also looks by itself now and then. */
static TimeUs
look_again(const App *app, TimeUs now, TimeUs deadline)
{
	enum { PAUSE_US = US_PER_S };

	if (bus_is_local(app->engine->bus))
		return deadline;
	return now + PAUSE_US < deadline ? now + PAUSE_US : deadline;
}

/* Sleeps until the run has ended or the time asked for is over; *ret_asleep: there is no answer yet. */
static bool
wait_for_end(App *app, Req *q, Res *s, Id id, bool *ret_asleep, Err *err)
{
	TimeUs now = clock_mono(clock_real()), deadline;
	int64_t seconds;
	ExecState status;

	*ret_asleep = false;
	if (!req_query_int(q, "wait_seconds", 0, &seconds, err))
		return false;
	if (seconds <= 0)
		return true;
	deadline = req_began(q) + (seconds > WAIT_MOST ? WAIT_MOST : seconds) * US_PER_S;
	if (now >= deadline)
		return true;
	if (!execution_status(app_db(app), req_arena(q), id, &status, err))
		return false;
	*ret_asleep = !exec_terminal(status);
	now = clock_mono(clock_real()); /* the look itself may have taken long */
	return !*ret_asleep || res_wait(s, id, look_again(app, now, deadline));
}

static bool
one_answer(App *app, Req *q, Res *s, int status, Id id, Err *err)
{
	Json e;

	if (!execution_show(app_db(app), req_arena(q), id, &e, err))
		return false;
	return res_data(s, status, e, NULL);
}

bool
execution_get(App *app, Req *q, Res *s, Err *err)
{
	bool asleep;
	Json e;
	Id id;

	if (!req_id(q, "id", &id, err) || !execution_reach(app, req_arena(q), id, "executions:read", err) ||
	    !wait_for_end(app, q, s, id, &asleep, err))
		return false;
	return asleep || (execution_show(app_db(app), req_arena(q), id, &e, err) &&
			     reveal_config(app, q, SECRET_OF_EXECUTION, id, "executions:decrypt", &e, err) &&
			     res_data(s, 200, e, NULL));
}

/* ---- asking for a run ---- */

static const BodyField execute_fields[] = {
	{ "action_ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "parameters", FIELD_MAP, 0 },
	{ "env_vars", FIELD_MAP, 0 },
	{ "timeout_seconds", FIELD_NUMBER | FIELD_POSITIVE, 0 },
	{ "worker_selector", FIELD_MAP, 0 },
	{ "worker_tolerations", FIELD_ITEMS, 0 },
	{ "worker_affinity", FIELD_MAP, 0 },
	{ "permission_set_refs", FIELD_REFS, 0 },
	{ "priority", FIELD_NUMBER, 0 },
	{ "artifact_retention_policy", FIELD_TEXT, 16 },
	{ "artifact_retention_limit", FIELD_NUMBER | FIELD_POSITIVE, 0 },
	{ "start_at", FIELD_TEXT, 64 },
	{ "delay", FIELD_ANY, 0 },
};

typedef struct ExecuteWork {
	ExecutionIn in;
	ExecutionOut out;
} ExecuteWork;

static const Json *
given(const Json *body, const char *key)
{
	const Json *v = json_get(body, key);

	return json_is_null(v) ? NULL : v;
}

/* Labels, tolerations and affinity of this run alone. */
static bool
placement_read(Arena *a, Json *body, Err *err)
{
	static const char *const keys[] = { "worker_selector", "worker_tolerations", "worker_affinity" };
	Placement p = { json_null(), json_null(), json_null() };
	Json *parts[] = { &p.selector, &p.tolerations, &p.affinity };

	for (size_t i = 0; i < countof(keys); i++)
		body_json(body, keys[i], parts[i]);
	if (!placement_tidy(a, &p, err))
		return false;
	for (size_t i = 0; i < countof(keys); i++)
		if (given(body, keys[i]) != NULL)
			json_set(a, body, keys[i], *parts[i]);
	return true;
}

/* No parameters and an empty object are the same. */
static const Json *
given_some(const Json *body, const char *key)
{
	const Json *v = given(body, key);

	return v != NULL && v->n == 0 ? NULL : v;
}

static const TimeUs later_most = 366 * 24 * 3600LL * US_PER_S;

static bool
delay_read(const Json *v, TimeUs *ret)
{
	int64_t seconds;

	if (v->kind == JSON_STRING && str_to_int(json_as_str(v), &seconds) && seconds <= later_most / US_PER_S)
		*ret = seconds * US_PER_S;
	else if (v->kind == JSON_STRING)
		return duration_parse(json_as_str(v), ret);
	else if (json_is_number(v) && json_as_real(v, -1) <= (double)(later_most / US_PER_S))
		*ret = (TimeUs)(json_as_real(v, -1) * US_PER_S);
	else
		return false;
	return true;
}

/* When it is to begin, by the wall clock; 0: at once. */
static bool
later_read(const Json *body, TimeUs now, TimeUs *ret, Err *err)
{
	const Json *at = given(body, "start_at"), *delay = given(body, "delay");
	TimeUs wait = 0;

	*ret = 0;
	if (at != NULL && delay != NULL)
		return err_set(err, ERR_VALIDATION, "Validation failed: start_at and delay: give one of them");
	if (at != NULL && !time_parse(json_as_str(at), ret))
		return err_set(
		    err, ERR_VALIDATION, "Validation failed: start_at: must be a time like 2030-01-31T08:00:00Z");
	if (delay != NULL && !delay_read(delay, &wait))
		return err_set(
		    err, ERR_VALIDATION, "Validation failed: delay: must be seconds, or a text like 10s, 5m or 2h");
	if (wait < 0 || wait > later_most || *ret > now + later_most)
		return err_set(err, ERR_VALIDATION, "Validation failed: %s: must be within the next 366 days",
		    at != NULL ? "start_at" : "delay");
	if (wait > 0)
		*ret = now + wait;
	return true;
}

/* How long the artifacts are kept that this run makes: a policy is nothing without its limit. */
static bool
keeping_read(const Json *body, ExecutionIn *in, Err *err)
{
	static const char *const policies[] = { "versions", "days", "hours", "minutes" };

	in->artifact_policy = json_get_text(body, "artifact_retention_policy");
	in->artifact_limit = json_as_int(json_get(body, "artifact_retention_limit"), 0);
	if (!str_none(in->artifact_policy) && name_index(policies, countof(policies), in->artifact_policy) < 0)
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: artifact_retention_policy: '%.*s' is not known: versions, days, hours, minutes",
		    STR_ARG(in->artifact_policy));
	if (!str_none(in->artifact_policy) && in->artifact_limit == 0)
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: artifact_retention_limit: is missing: artifact_retention_policy needs it");
	return true;
}

static bool
execute_read(Req *q, TimeUs now, Json *body, ExecutionIn *in, Err *err)
{
	if (!body_read(q, execute_fields, countof(execute_fields), body, err) ||
	    !placement_read(req_arena(q), body, err))
		return false;
	*in = (ExecutionIn){
		.action_ref = json_get_text(body, "action_ref"),
		.params = given_some(body, "parameters"),
		.env_vars = given_some(body, "env_vars"),
		.worker_selector = given(body, "worker_selector"),
		.worker_tolerations = given(body, "worker_tolerations"),
		.worker_affinity = given(body, "worker_affinity"),
		.permission_set_refs = given(body, "permission_set_refs"),
		.timeout_seconds = json_as_int(json_get(body, "timeout_seconds"), 0),
		.correlation = trace_parent(req_header(q, "traceparent")),
		.by = str_of(by_api),
	};
	return body_priority(body, &in->priority, err) && keeping_read(body, in, err) &&
	       later_read(body, now, &in->due, err);
}

static bool
execute_work(App *app, void *self, Err *err)
{
	ExecuteWork *w = self;

	if (!app->held)
		uow_last(app->uow, &points_create);
	return execution_create(app->uow, &w->in, &w->out, err);
}

/* Says whether it could be asked for, and changes nothing. */
static bool
dry_run(App *app, Req *q, Res *s, const ExecutionIn *in, Err *err)
{
	Json o = json_object();
	bool ok = uow_begin(app->uow, err) && execution_check(app->uow, in, err);

	uow_abort(app->uow);
	if (!ok)
		return false;
	json_add(req_arena(q), &o, "valid", json_bool(true));
	json_add(req_arena(q), &o, "action_ref", json_str(in->action_ref));
	return res_data(s, 200, o, NULL);
}

/* On whose behalf it runs: the caller's; what a run asks for belongs to it, and to whom it runs for. */
static bool
execute_as(App *app, Req *q, ExecutionIn *in, Err *err)
{
	const Caller *c = app_caller(app);
	Target t = { .ref = in->action_ref, .pack_ref = ref_pack(in->action_ref), .asked = in->action_ref };

	in->executor = c->identity;
	in->parent = c->execution;
	return reach(app, "actions:execute", &t, err) && delegate_refs(app, req_arena(q), in->permission_set_refs, err);
}

bool
execution_execute(App *app, Req *q, Res *s, Err *err)
{
	ExecuteWork w = { 0 };
	bool dry;
	Json body;

	if (!req_query_bool(q, "dry_run", false, &dry, err) || !execute_read(q, app_now(app), &body, &w.in, err) ||
	    !execute_as(app, q, &w.in, err))
		return false;
	if (dry)
		return dry_run(app, q, s, &w.in, err);
	return app_work(app, &points_create, execute_work, &w, err) && one_answer(app, q, s, 201, w.out.id, err);
}

/* ---- cancelling ---- */

static bool
cancel_work(App *app, void *self, Err *err)
{
	ExecState status;

	return execution_cancel(app->uow, *(const Id *)self, str_of(by_api), &status, err);
}

/* It may move in the very moment: the guard then says so, and what it is now decides. */
static bool
cancel_surely(App *app, Id id, Err *err)
{
	for (int i = 0; i < 5; i++) {
		if (app_work(app, &points_cancel, cancel_work, &id, err))
			return true;
		if (err->code != ERR_STALE)
			return false;
	}
	return false;
}

bool
execution_stop(App *app, Req *q, Res *s, Err *err)
{
	Id id;

	return req_id(q, "id", &id, err) && execution_reach(app, req_arena(q), id, "executions:cancel", err) &&
	       cancel_surely(app, id, err) && one_answer(app, q, s, 200, id, err);
}

/* ---- once more; not now ---- */

typedef struct OneWork {
	Id id, made;
	bool hold;
} OneWork;

static bool
retry_work(App *app, void *self, Err *err)
{
	OneWork *w = self;

	return execution_retry(app->uow, w->id, str_of(by_api), &w->made, err);
}

/* Whoever may run its action may run it again, with the secrets it had: it sees no more of them than before. */
static bool
may_again(App *app, Req *q, Id id, Err *err)
{
	ExecLive e;
	Target t;
	bool seen;

	if (!execution_reach(app, req_arena(q), id, "executions:read", err) || !uow_begin(app->uow, err))
		return false;
	seen = execution_peek(app_db(app), req_arena(q), id, &e, err);
	uow_abort(app->uow);
	if (!seen)
		return false;
	t = (Target){ .ref = e.action_ref, .pack_ref = ref_pack(e.action_ref), .asked = e.action_ref };
	return reach(app, "actions:execute", &t, err);
}

bool
execution_again(App *app, Req *q, Res *s, Err *err)
{
	OneWork w = { 0 };

	return req_id(q, "id", &w.id, err) && may_again(app, q, w.id, err) &&
	       app_work(app, &points_create, retry_work, &w, err) && one_answer(app, q, s, 201, w.made, err);
}

typedef struct RerunWork {
	Id id, made;
	Json from; /* names of tasks */
} RerunWork;

static bool
rerun_work(App *app, void *self, Err *err)
{
	RerunWork *w = self;

	return execution_rerun(app->uow, w->id, &w->from, str_of(by_api), &w->made, err);
}

static const BodyField rerun_fields[] = { { "from", FIELD_ANY | FIELD_NEEDED, 0 } };

/* One name, or a list of them. */
static bool
rerun_read(Req *q, Json *ret, Err *err)
{
	Json body;
	const Json *from;

	if (!body_read(q, rerun_fields, countof(rerun_fields), &body, err))
		return false;
	from = json_get(&body, "from");
	*ret = json_array();
	if (json_is(from, JSON_STRING))
		json_push(req_arena(q), ret, *from);
	else if (json_is(from, JSON_ARRAY))
		*ret = *from;
	for (size_t i = 0; i < ret->n; i++)
		if (ret->items[i].kind != JSON_STRING)
			ret->n = 0;
	return ret->n > 0 || err_set(err, ERR_VALIDATION,
				 "Validation failed: from: must be the name of a task, or a list of such names");
}

bool
execution_rerun_from(App *app, Req *q, Res *s, Err *err)
{
	RerunWork w = { 0 };

	return req_id(q, "id", &w.id, err) && rerun_read(q, &w.from, err) && may_again(app, q, w.id, err) &&
	       app_work(app, &points_create, rerun_work, &w, err) && one_answer(app, q, s, 201, w.made, err);
}

static bool
hold_work(App *app, void *self, Err *err)
{
	OneWork *w = self;

	return execution_hold(app->uow, w->id, w->hold, err);
}

static bool
hold(App *app, Req *q, Res *s, bool on, Err *err)
{
	OneWork w = { .hold = on };

	return req_id(q, "id", &w.id, err) && execution_reach(app, req_arena(q), w.id, "executions:cancel", err) &&
	       app_work(app, &points_cancel, hold_work, &w, err) && one_answer(app, q, s, 200, w.id, err);
}

bool
execution_pause_run(App *app, Req *q, Res *s, Err *err)
{
	return hold(app, q, s, true, err);
}

bool
execution_resume_run(App *app, Req *q, Res *s, Err *err)
{
	return hold(app, q, s, false, err);
}

/* ---- counts ---- */

static int64_t
sum(const int64_t *counts, const ExecState *states, size_t n)
{
	int64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += counts[states[i]];
	return total;
}

bool
executions_stats(App *app, Req *q, Res *s, Err *err)
{
	static const struct {
		const char *key;
		ExecState of[3];
		size_t n;
	} rows[] = {
		{ "pending", { EXEC_REQUESTED, EXEC_SCHEDULING, EXEC_SCHEDULED }, 3 },
		{ "running", { EXEC_RUNNING }, 1 },
		{ "completed", { EXEC_COMPLETED }, 1 },
		{ "failed", { EXEC_FAILED }, 1 },
		{ "cancelled", { EXEC_CANCELLED, EXEC_CANCELING }, 2 },
		{ "timeout", { EXEC_TIMEOUT }, 1 },
		{ "abandoned", { EXEC_ABANDONED }, 1 },
	};
	int64_t counts[EXEC_STATES], total = 0;
	Arena *a = req_arena(q);
	Json o = json_object();

	if (!execution_counts(app_db(app), a, counts, err))
		return false;
	for (size_t i = 0; i < countof(rows); i++) {
		int64_t n = sum(counts, rows[i].of, rows[i].n);

		json_add(a, &o, rows[i].key, json_int(n));
		total += n;
	}
	json_add(a, &o, "total", json_int(total));
	return res_data(s, 200, o, NULL);
}
