#include "executor/executor.h"

#include "base/log.h"
#include "engine/moves.h"

static size_t
items_count(const Msg *msgs, size_t n)
{
	size_t items = 0;

	for (size_t i = 0; i < n; i++)
		items += msgs[i].n;
	return items;
}

bool
executor_on_enforcements(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	Id *ids;
	size_t ids_n = 0;

	(void)self;
	if (!uow_begin(u, err))
		return false;
	ids = arena_array(u->arena, Id, items_count(msgs, n) + 1);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++)
			ids[ids_n++] = msgs[i].items[k].id;
	return enforce(u, ids, ids_n, err) && uow_commit(u, &points_enforce, err);
}

/* Whatever the message names, the oldest waiting rows come first: a request only says that there is something to look at. */
static bool
schedule_now(Uow *u, const CommitPoints *points, Err *err)
{
	return uow_begin(u, err) && schedule(u, err) && uow_commit(u, points, err);
}

bool
executor_on_requests(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	(void)self;
	(void)msgs;
	(void)n;
	return schedule_now(u, &points_schedule, err);
}

/* Workflows go on, and what they start is scheduled with what else waits. */
static bool
step_now(Uow *u, const Msg *msgs, size_t n, bool parents, Err *err)
{
	Id *ids;
	size_t ids_n = 0;

	if (!uow_begin(u, err))
		return false;
	ids = arena_array(u->arena, Id, items_count(msgs, n) + 1);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++) {
			Id id = parents ? msgs[i].items[k].parent : msgs[i].items[k].id;

			if (id != 0 && msgs[i].items[k].settled == 0)
				ids[ids_n++] = id;
		}
	u->timed = true; /* whoever ended a run may have left something with a time, and cannot tell us otherwise */
	return workflow_step(u, ids, ids_n, err) && (u->placed || schedule(u, err)) &&
	       uow_commit(u, ids_n > 0 ? &points_step : &points_complete, err);
}

static bool
all_settled(const Msg *msgs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++)
			if (msgs[i].items[k].settled == 0)
				return false;
	return true;
}

static bool
any_parent(const Msg *msgs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++)
			if (msgs[i].items[k].parent != 0 && msgs[i].items[k].settled == 0)
				return true;
	return false;
}

/* A run has ended: its workflow goes on, and its worker has room for what waits; unless all that was done with its end. */
bool
executor_on_completed(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	bool wanted = true;

	(void)self;
	if (all_settled(msgs, n))
		return true;
	if (!any_parent(msgs, n) && !schedule_wanted(u, &wanted, err))
		return false;
	return !wanted || step_now(u, msgs, n, true, err);
}

/* Cancels: a workflow that is being cancelled ends what runs under it. All else is right already, and what ended is announced by
 * execution.completed. */
bool
executor_on_status(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	bool canceling = false;

	(void)self;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++)
			canceling = canceling || str_is(msgs[i].items[k].status, "canceling");
	return !canceling || step_now(u, msgs, n, false, err);
}

/* Answers of inquiries: their rows are right already. */
bool
executor_on_answers(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	(void)self;
	(void)u;
	(void)err;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++)
			log_debug("inquiry %lld is answered", (long long)msgs[i].items[k].id);
	return true;
}

bool
executor_on_workers(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	bool more = false;

	(void)self;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < msgs[i].n; k++) {
			const MsgItem *m = &msgs[i].items[k];

			/* by the receiver's clock: the machines' clocks may differ */
			liveness_beat(u->e->live, m->worker, m->ref, m->parent, clock_wall(u->e->clock));
			more |= m->other > 0;
		}
	}
	return !more || schedule_now(u, &points_schedule, err);
}
