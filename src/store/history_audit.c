/* What executions did, as audit events. */
#include "store/history_walk.h"

#include "model/lifecycle.h"

#define AUDIT_BASE ((Id)1 << 52)

static const char *
event_of(const Run *r, size_t place)
{
	static const char *const types[EXEC_STATES] = {
		[EXEC_REQUESTED] = "execution.requested",
		[EXEC_SCHEDULED] = "execution.scheduled",
		[EXEC_RUNNING] = "execution.started",
		[EXEC_COMPLETED] = "execution.completed",
		[EXEC_FAILED] = "execution.failed",
		[EXEC_CANCELING] = "execution.canceling",
		[EXEC_CANCELLED] = "execution.cancelled",
		[EXEC_TIMEOUT] = "execution.timed_out",
		[EXEC_ABANDONED] = "execution.abandoned",
	};
	ExecState state = exec_state_of(r->steps[place].m.state);

	if (state == EXEC_FAILED && r->timed_out)
		return "execution.timed_out";
	return types[state] == NULL ? "execution.status_changed" : types[state];
}

static const char *
outcome_of(const Run *r, size_t place)
{
	ExecState state = exec_state_of(r->steps[place].m.state);

	return state == EXEC_FAILED || state == EXEC_TIMEOUT || state == EXEC_ABANDONED ? "failure" : "success";
}

static Json
audit_summary(Walk *w, const Run *r, size_t place)
{
	static const char *const nothing[] = { "actor_login", "request_id", "http_method", "http_path", "http_status" };
	const char *type = event_of(r, place);
	Json o = json_object();

	if ((!str_none(w->event_type) && !str_is(w->event_type, type) && !str_is(w->event_type, "execution.*")) ||
	    (!str_none(w->filter->outcome) && !str_is(w->filter->outcome, outcome_of(r, place))))
		return json_null();
	json_add(w->a, &o, "id", json_int(AUDIT_BASE + r->id * PLACES + (Id)place));
	json_add(w->a, &o, "category", json_cstr("execution"));
	json_add(w->a, &o, "event_type", json_cstr(type));
	json_add(w->a, &o, "outcome", json_cstr(outcome_of(r, place)));
	json_add(w->a, &o, "actor_identity", r->executor == 0 ? json_null() : json_int(r->executor));
	for (size_t i = 0; i < countof(nothing); i++)
		json_add(w->a, &o, nothing[i], json_null());
	json_add(w->a, &o, "resource_type", json_cstr("execution"));
	json_add(w->a, &o, "resource_ref", json_str(r->action_ref));
	json_add(w->a, &o, "created", json_str(time_text(w->a, r->steps[place].m.at)));
	return o;
}

static Json
audit_whole(Walk *w, const Run *r, size_t place)
{
	static const char *const nothing[] = { "actor_token_type", "actor_ip", "actor_user_agent", "duration_ms" };
	const Move *m = &r->steps[place].m;
	Json o = audit_summary(w, r, place), details = json_object(), chain = json_object();

	for (size_t i = 0; i < countof(nothing); i++)
		json_add(w->a, &o, nothing[i], json_null());
	json_add(w->a, &details, "by", json_str(m->by));
	json_add(w->a, &details, "attempt", json_int(m->attempt));
	if (m->note.n > 0)
		json_add(w->a, &details, "note", json_str(m->note));
	json_add(w->a, &chain, "correlation_id", json_str(r->correlation));
	json_add(w->a, &o, "resource_id", json_int(r->id));
	json_add(w->a, &o, "details", details);
	json_add(w->a, &o, "correlation_chain", chain);
	return o;
}

bool
audit_of_executions(
    Db *db, Arena *a, const HistoryFilter *f, Str event_type, const Slice *slice, SliceOut *ret, Err *err)
{
	Walk w = { .db = db,
		.a = a,
		.filter = f,
		.slice = slice,
		.make = audit_summary,
		.event_type = event_type,
		.out = ret };

	return history_walk(&w, err);
}

bool
audit_is_of_execution(Id id)
{
	return id >= AUDIT_BASE;
}

bool
audit_execution_show(Db *db, Arena *a, Id id, const Scope *scope, Json *ret, Err *err)
{
	Id record = id - AUDIT_BASE;
	HistoryFilter f = { .entity = record / PLACES, .scope = scope };
	Slice slice = { .size = PLACES };
	SliceOut out = { 0 };
	Walk w = { .db = db, .a = a, .filter = &f, .slice = &slice, .make = audit_whole, .out = &out };

	if (!history_walk(&w, err))
		return false;
	for (size_t i = 0; i < out.rows.n; i++) {
		if (json_as_int(json_get(&out.rows.items[i], "id"), 0) != id)
			continue;
		*ret = out.rows.items[i];
		return true;
	}
	return err_set(err, ERR_NOT_FOUND, "Audit event with ID %lld not found", (long long)id);
}
