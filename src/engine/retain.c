#include "engine/moves.h"

#include "store/retention.h"

enum { WINDOW = 1000 }; /* ids of one step: short enough to be no burden to others */

bool
retain(Uow *u, Retain *at, int64_t *ret_removed, bool *ret_more, Err *err)
{
	RetainStep step = {
		.before = u->e->keep_for > 0 ? u->now - u->e->keep_for : 0,
		.max_rows = u->e->keep_rows,
		.window = u->e->keep_step > 0 ? u->e->keep_step : WINDOW,
		.after = at->after,
	};

	*ret_removed = 0;
	*ret_more = false;
	if ((step.before == 0 && step.max_rows == 0) || at->table >= RETAIN_TABLES)
		return true;
	if (!retain_step(u->db, u->arena, (RetainTable)at->table, &step, err))
		return false;
	*ret_removed = step.removed;
	at->after = step.done ? 0 : step.after;
	at->table += step.done;
	*ret_more = at->table < RETAIN_TABLES;
	return true;
}
