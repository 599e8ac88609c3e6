/* What follows the end of runs, made by the transaction that ends them: one commit, and one hop through the broker, less. */
#include "engine/limits.h"
#include "engine/workflow.h"

static bool
any_end(const Uow *u)
{
	for (size_t i = 0; i < u->out.n; i++)
		if (u->out.msgs[i].kind == MSG_EXECUTION_COMPLETED)
			return true;
	return u->news_n > 0;
}

/* Plain runs leave room for what waits, and whoever does nothing else gives that to more of them at once. */
static bool
follow_wanted(const Uow *u)
{
	if (u->news_n > 0)
		return true;
	for (size_t i = 0; i < u->out.n; i++) {
		const OutMsg *m = &u->out.msgs[i];
		const ActionDef *action =
		    m->kind == MSG_EXECUTION_COMPLETED ? defs_action(u->e->defs, m->item.action) : NULL;

		if (action != NULL && limits_any(u, action))
			return true;
	}
	return false;
}

/*
 * Where several connections write, the steps of many workflows are made by an executor, while this one stores what ends next: one
 * after the other on a single connection they would leave the database with nothing to do half of the time.
 */
static bool
too_many(const Uow *u)
{
	enum { MANY = 16 };

	return db_kind(u->db) == STORE_POSTGRES && u->news_n > MANY;
}

static bool
follow_known(Uow *u, bool *ret_all, Err *err)
{
	bool left, done = true;

	*ret_all = false;
	if (!follow_wanted(u))
		return true;
	if (too_many(u))
		return workflow_leave_told(u, err);
	if (!workflow_step_told(u, &left, err))
		return false;
	if (!u->placed) {
		schedule_now_ahead(u);
		if (!schedule_now(u, &done, err))
			return false;
	}
	*ret_all = !left && done && !u->timed && u->due == 0;
	return true;
}

bool
runs_follow(Uow *u, Err *err)
{
	bool ok, all;

	u->settled = u->placed = false;
	if (!u->follows || !any_end(u))
		return true;
	graphs_trim(u);
	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	u->defs_seen = true;
	ok = follow_known(u, &all, err);
	defs_leave(u->e->defs);
	u->follows = false; /* what ends from here on is told by rows */
	u->settled = ok && all;
	for (size_t i = 0; ok && all && i < u->out.n; i++)
		if (u->out.msgs[i].kind == MSG_EXECUTION_COMPLETED)
			u->out.msgs[i].item.settled = 1;
	return ok;
}
