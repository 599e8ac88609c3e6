/* How a worker takes nothing more: its row says so, and what it has not started goes back. */
#include "worker/turn_inner.h"

#include "base/log.h"
#include "store/change.h"
#include "store/worker.h"

typedef bool RowSays(WorkerTurn *t, Str why, Err *err);

static bool
row_drains(WorkerTurn *t, Str why, Err *err)
{
	(void)why;
	return worker_no_slots(t->u->db, t->u->arena, t->id, t->incarnation, t->u->now, err);
}

static bool
row_full(WorkerTurn *t, Str why, Err *err)
{
	return worker_set_full(t->u->db, t->u->arena, t->id, t->incarnation, why, t->config.slots, t->u->now, err);
}

static bool
return_store(WorkerTurn *t, RowSays *says, Str why, const Id *ids, const int *attempts, size_t n, Err *err)
{
	Uow *u = t->u;

	if (!uow_begin(u, err))
		return false;
	if (says != NULL && (!says(t, why, err) || !change_note(u->db, u->arena, "worker", t->id, u->now, err)))
		return false;
	return runs_return(u, ids, attempts, n, t->config.name, why, err) && uow_commit(u, &points_worker, err);
}

/* The row says that nothing more is to be given to it; what it has not started goes back. In one transaction: it would get it again. */
static bool
line_return(WorkerTurn *t, RowSays *says, Str why, Err *err)
{
	Id ids[BATCH];
	int attempts[BATCH];
	Run *runs[BATCH];
	size_t n = 0;

	while (n < BATCH && (runs[n] = line_take(t)) != NULL) {
		ids[n] = runs[n]->execution;
		attempts[n] = runs[n]->attempt;
		n++;
	}
	if (n == 0 && says == NULL)
		return true;
	if (!return_store(t, says, why, ids, attempts, n, err)) {
		for (size_t i = n; i > 0; i--)
			line_put_back(t, runs[i - 1]);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		run_forget(t, runs[i]);
	return line_return(t, NULL, why, err);
}

static bool
room_again(WorkerTurn *t, Err *err)
{
	Uow *u = t->u;

	return uow_begin(u, err) && row_full(t, (Str){ 0 }, err) &&
	       change_note(u->db, u->arena, "worker", t->id, u->now, err) && uow_commit(u, &points_worker, err);
}

bool
full_look(WorkerTurn *t, Err *err)
{
	Str why = t->config.starter->full(t->config.starter);
	bool full = !str_none(why);

	if (t->draining || (full == t->full && (!full || t->first == NULL)))
		return true;
	/* an earlier claim of the first may be stored, and then it cannot go back: nobody would hold it. It is claimed anew before */
	if (full && t->first != NULL && t->first->again)
		return true;
	if (!(full ? line_return(t, t->full ? NULL : row_full, why, err) : room_again(t, err)))
		return false;
	if (full && !t->full)
		log_warn("no runs are taken: %.*s", STR_ARG(why));
	if (!full)
		log_info("there is room again: runs are taken");
	t->full = full;
	return true;
}

bool
worker_turn_drain(WorkerTurn *t, Err *err)
{
	bool first = !t->draining;

	t->draining = true;
	return line_return(t, first ? row_drains : NULL, str_of("its worker shuts down"), err);
}
