#include "engine/workflow.h"

#include <stdio.h>

static bool
cancel_waiting(Uow *u, const ExecLive *e, Str by, ExecMoved *ret, Err *err)
{
	Json result = error_result(u->arena, str_fmt(u->arena, "Cancelled by %.*s before it started", STR_ARG(by)));
	ExecMove m = { .id = e->id, .attempt = e->attempt, .from = e->status, .result = &result, .note = str_of("") };

	json_add(u->arena, &result, "cancelled", json_bool(true));
	return move_runs(u, EV_CANCEL, &m, 1, by, ret, err);
}

/* `all`: a workflow is to stop what runs under it, whatever it says itself. */
typedef struct Cancel {
	Str by;
	bool all;
} Cancel;

/* A question ends at once; the next step of a workflow ends what runs under it. */
static bool
cancel_inside(Uow *u, const ExecLive *e, const Cancel *c, ExecMoved *ret, Err *err)
{
	bool asks;

	return ask_cancelled(u, e->id, c->by, ret, &asks, err) &&
	       (asks || (c->all ? workflow_stop(u, e->id, err) : workflow_nudge(u, e->id, err)));
}

static bool
cancel_running(Uow *u, const ExecLive *e, const Cancel *c, ExecMoved *ret, Err *err)
{
	ExecMove m = { .id = e->id, .attempt = e->attempt, .from = e->status, .note = str_of("") };

	if (!move_runs(u, EV_CANCEL, &m, 1, c->by, ret, err))
		return false;
	if (ret->moved && e->worker == 0)
		return cancel_inside(u, e, c, ret, err);
	if (ret->moved)
		*outbox_add(&u->out, MSG_EXECUTION_CANCEL) = (MsgItem){ .id = e->id,
			.attempt = e->attempt,
			.worker = e->worker,
			.correlation = e->correlation,
			.at = u->now };
	return true;
}

/* What is canceling already need be told nothing, but that it is to stop more than it thought. */
static bool
cancel_more(Uow *u, const ExecLive *e, const Cancel *c, Err *err)
{
	if (!c->all || e->worker != 0)
		return true;
	out_look(u, e->id);
	return workflow_stop(u, e->id, err);
}

static bool
cancel(Uow *u, Id id, const Cancel *c, ExecState *ret_status, Err *err)
{
	ExecLive e;
	ExecMoved moved = { 0 };
	bool ok;

	if (!execution_peek(u->db, u->arena, id, &e, err))
		return false;
	if (e.id == 0)
		return err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)id);
	*ret_status = e.status;
	if (e.status == EXEC_CANCELING)
		return cancel_more(u, &e, c, err);
	if (exec_terminal(e.status))
		return err_set(err, ERR_CONFLICT,
		    "Execution %lld is %s: only a run that has not ended can be cancelled", (long long)id,
		    exec_state_name(e.status));
	ok = e.status == EXEC_RUNNING ? cancel_running(u, &e, c, &moved, err)
				      : cancel_waiting(u, &e, c->by, &moved, err);
	if (!ok)
		return false;
	if (!moved.moved)
		return err_set(err, ERR_STALE, "Execution %lld moved in this moment: try again", (long long)id);
	*ret_status = moved.to;
	out_status(u, &moved, id, e.status, u->now);
	return !exec_terminal(moved.to) || one_ended(u, &moved, id, NULL, u->now, err);
}

bool
execution_cancel(Uow *u, Id id, Str by, ExecState *ret_status, Err *err)
{
	return cancel(u, id, &(Cancel){ .by = by }, ret_status, err);
}

bool
execution_cancel_all(Uow *u, Id id, Str by, ExecState *ret_status, Err *err)
{
	return cancel(u, id, &(Cancel){ .by = by, .all = true }, ret_status, err);
}
