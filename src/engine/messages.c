#include "engine/inner.h"

void
out_dispatch(Uow *u, Id execution, int attempt, Id worker, Id action, Str action_ref, Uuid correlation)
{
	*outbox_add(&u->out, MSG_EXECUTION_SCHEDULED) = (MsgItem){
		.id = execution,
		.attempt = attempt,
		.worker = worker,
		.action = action,
		.ref = action_ref,
		.correlation = correlation,
		.at = u->now,
	};
}

void
out_completed(Uow *u, const ExecMoved *m, Id execution, TimeUs at)
{
	*outbox_add(&u->out, MSG_EXECUTION_COMPLETED) = (MsgItem){
		.id = execution,
		.attempt = m->attempt,
		.action = m->action,
		.ref = m->action_ref,
		.worker = m->worker,
		.parent = m->parent,
		.other = m->enforcement,
		.status = str_of(exec_state_name(m->to)),
		.correlation = m->correlation,
		.at = at,
	};
}

void
out_status(Uow *u, const ExecMoved *m, Id execution, ExecState from, TimeUs at)
{
	*outbox_add(&u->out, MSG_EXECUTION_STATUS_CHANGED) = (MsgItem){
		.id = execution,
		.attempt = m->attempt,
		.action = m->action,
		.ref = m->action_ref,
		.worker = m->worker,
		.parent = m->parent,
		.status = str_of(exec_state_name(m->to)),
		.previous = str_of(exec_state_name(from)),
		.correlation = m->correlation,
		.at = at,
	};
}

void
out_enforcement(Uow *u, Id enforcement, Id event, Id rule, Str rule_ref, Str trigger_ref, Uuid correlation)
{
	*outbox_add(&u->out, MSG_ENFORCEMENT_CREATED) = (MsgItem){
		.id = enforcement,
		.parent = event,
		.other = rule,
		.ref = rule_ref,
		.ref2 = trigger_ref,
		.correlation = correlation,
		.at = u->now,
	};
}

static Json
id_or_null(Id id)
{
	return id == 0 ? json_null() : json_int(id);
}

/* For whoever listens; nobody inside does. */
void
out_event(Uow *u, Id event, const EventNew *row, Uuid correlation)
{
	Arena *a = u->arena;
	Json o = json_object();

	json_add(a, &o, "event_id", json_int(event));
	json_add(a, &o, "trigger_id", id_or_null(row->trigger));
	json_add(a, &o, "trigger_ref", json_str(str_copy(a, row->trigger_ref)));
	json_add(a, &o, "sensor_id", id_or_null(row->source));
	json_add(a, &o, "sensor_ref", json_str(row->source_ref));
	json_add(a, &o, "payload", row->payload == NULL ? json_null() : *row->payload);
	json_add(a, &o, "config", row->config == NULL ? json_null() : *row->config);
	*outbox_add(&u->out, MSG_EVENT_CREATED) =
	    (MsgItem){ .id = event, .at = u->now, .correlation = correlation, .json = o };
}

void
out_requested(Uow *u, Id execution, Id action, Str action_ref, Id parent, Id enforcement, Uuid correlation)
{
	*outbox_add(&u->out, MSG_EXECUTION_REQUESTED) = (MsgItem){
		.id = execution,
		.action = action,
		.ref = action_ref,
		.parent = parent,
		.other = enforcement,
		.correlation = correlation,
		.at = u->now,
	};
}

void
out_look(Uow *u, Id workflow)
{
	*outbox_add(&u->out, MSG_EXECUTION_COMPLETED) = (MsgItem){
		.id = workflow,
		.ref = str_of("workflow"),
		.parent = workflow,
		.status = str_of(exec_state_name(EXEC_COMPLETED)),
		.correlation = uuid_new(u->now),
		.at = u->now,
	};
}

Json
error_result(Arena *a, Str text)
{
	Json r = json_object();

	json_add(a, &r, "error", json_str(text));
	json_add(a, &r, "succeeded", json_bool(false));
	return r;
}

bool
storable(const char *what, const Json *v, Err *err)
{
	if (json_has_vast(v))
		return err_set(err, ERR_VALIDATION,
		    "%s holds a number of more than 4096 digits or beyond 1e1000, which cannot be stored: write it as "
		    "text",
		    what);
	return !json_has_nul(v) ||
	       err_set(err, ERR_VALIDATION,
		   "%s holds the character U+0000, which cannot be stored: encode it, as base64 for instance", what);
}
