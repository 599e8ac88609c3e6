/* What follows the end of runs, in the transaction that ends them. Whatever makes an execution terminal calls runs_ended. */
#include "engine/ended.h"

#include "engine/retry.h"
#include "engine/workflow.h"

static void
say_ended(Uow *u, const RunEnd *ends, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out_completed(u, ends[i].row, ends[i].id, ends[i].at);
}

/* The order matters: a run that is tried again tells its workflow nothing. */
bool
runs_ended(Uow *u, RunEnd *ends, size_t n, Err *err)
{
	if (!retries_make(u, ends, n, err))
		return false;
	say_ended(u, ends, n);
	return workflow_told(u, ends, n, err);
}

bool
one_ended(Uow *u, const ExecMoved *row, Id id, const Json *result, TimeUs at, Err *err)
{
	RunEnd end = { .id = id, .row = row, .result = result, .at = at };

	return runs_ended(u, &end, 1, err);
}

bool
moves_ended(Uow *u, const ExecMove *moves, const ExecMoved *moved, size_t n, Err *err)
{
	RunEnd *ends = arena_array(u->arena, RunEnd, n + 1);
	size_t ended = 0;

	for (size_t i = 0; i < n; i++)
		if (moved[i].moved)
			ends[ended++] = (RunEnd){ .id = moves[i].id,
				.row = &moved[i],
				.result = moves[i].result,
				.at = moves[i].finished != 0 ? moves[i].finished : u->now };
	return runs_ended(u, ends, ended, err);
}
