#include "engine/moves.h"

#include "store/retention.h"

enum { WINDOW = 1000 }; /* ids of one step: short enough to be no burden to others */

static bool
plan_read(Uow *u, Retain *at, Err *err)
{
	if (at->planned)
		return true;
	at->plan = u->e->keep;
	at->planned = retain_plan_read(u->db, u->arena, &at->plan, err);
	return at->planned;
}

bool
retain(Uow *u, Retain *at, int64_t *ret_removed, bool *ret_more, Err *err)
{
	RetainStep step = { .after = at->after };
	int64_t age;

	*ret_removed = 0;
	*ret_more = false;
	if (!plan_read(u, at, err))
		return false;
	if (!at->plan.enabled || at->target >= RETAIN_TARGETS)
		return true;
	age = at->plan.max_age[at->target];
	step.before = age == RETAIN_FOR_EVER ? 0 : u->now - age * US_PER_S;
	step.max_rows = at->plan.max_rows;
	step.window = at->plan.step > 0 ? at->plan.step : WINDOW;
	if (!retain_step(u->db, u->arena, (RetainTarget)at->target, &step, err))
		return false;
	*ret_removed = step.removed;
	at->after = step.done ? 0 : step.after;
	at->target += step.done;
	*ret_more = at->target < RETAIN_TARGETS;
	return true;
}
