/* Pausing: what waits is not given to a worker, and a workflow makes no further step, nor does anything under it. What runs goes on to
 * its end, of which its workflow is told when it is resumed. */
#include "engine/workflow.h"

#include "store/execution_limits.h"

typedef struct Hold {
	Uow *u;
	bool hold;
	Id *ids; /* of live runs whose own runs have not been looked at */
	size_t n, cap;
} Hold;

static void
hold_later(Hold *h, Id id)
{
	if (h->n == h->cap) {
		size_t cap = h->cap == 0 ? 16 : h->cap * 2;

		h->ids = arena_grow(h->u->arena, h->ids, h->cap * sizeof(Id), cap * sizeof(Id));
		h->cap = cap;
	}
	h->ids[h->n++] = id;
}

static bool
hold_waiting(Hold *h, const ExecLive *e, bool *ret, Err *err)
{
	Uow *u = h->u;

	if (!(h->hold ? execution_pause : execution_resume)(u->db, u->arena, e->id, u->now, ret, err))
		return false;
	if (*ret && !h->hold)
		out_requested(u, e->id, e->action, e->action_ref, e->parent, e->enforcement, e->correlation);
	return true;
}

static bool
hold_workflow(Hold *h, const ExecLive *e, bool *ret, Err *err)
{
	Uow *u = h->u;

	if (!workflow_run_pause(u->db, u->arena, e->id, h->hold, u->now, ret, err) || !*ret)
		return err->code == ERR_NONE;
	if (!workflow_run_paused_mark(u->db, u->arena, e->id, h->hold, u->now, err))
		return false;
	if (h->hold)
		return true;
	out_look(u, e->id);
	return workflow_nudge(u, e->id, err);
}

/* *ret: it changed something. */
static bool
hold_one(Hold *h, const ExecLive *e, bool *ret, Err *err)
{
	bool ok = true;

	*ret = false;
	if (e->status == EXEC_REQUESTED)
		ok = hold_waiting(h, e, ret, err);
	else if (e->status == EXEC_RUNNING && e->worker == 0)
		ok = hold_workflow(h, e, ret, err);
	if (ok && *ret)
		change_add(
		    h->u, CHANGE_EXECUTION_STATUS, e->id, exec_state_name(e->status), exec_state_name(e->status));
	return ok;
}

/* Its workflow makes no step any more, so that no others come meanwhile; but one that waited may just have begun. */
static bool
hold_children(Hold *h, Id of, Err *err)
{
	WorkflowChildRun *rows;
	size_t n;

	if (!workflow_run_live(h->u->db, h->u->arena, of, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		for (int look = 0; look < 2; look++) {
			ExecLive e;
			bool done;

			if (!execution_peek(h->u->db, h->u->arena, rows[i].id, &e, err) || !hold_one(h, &e, &done, err))
				return false;
			if (done || e.status != EXEC_REQUESTED)
				break;
		}
		hold_later(h, rows[i].id);
	}
	return true;
}

static bool
hold_refuse(const ExecLive *e, bool hold, Err *err)
{
	const char *state = e->reason == WAIT_PAUSED ? "paused already" : exec_state_name(e->status);

	if (hold)
		return err_set(err, ERR_CONFLICT,
		    "Execution %lld is %s: only a run that waits, or a workflow, can be paused", (long long)e->id,
		    state);
	return err_set(err, ERR_CONFLICT, "Execution %lld is %s and not paused", (long long)e->id, state);
}

bool
execution_hold(Uow *u, Id id, bool hold, Err *err)
{
	Hold h = { .u = u, .hold = hold };
	ExecLive e;
	bool done;

	if (!execution_peek(u->db, u->arena, id, &e, err))
		return false;
	if (e.id == 0)
		return err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)id);
	if (!hold_one(&h, &e, &done, err))
		return false;
	if (!done)
		return hold_refuse(&e, hold, err);
	hold_later(&h, id);
	while (h.n > 0)
		if (!hold_children(&h, h.ids[--h.n], err))
			return false;
	return true;
}
