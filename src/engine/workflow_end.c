/* How workflows end: each says so when it is stepped, and the executions of all that do move together. */
#include "engine/workflow.h"

void
step_finish(WorkflowStep *s, ExecEvent ev, const Json *result, const char *status)
{
	s->ends = true;
	s->end_event = ev;
	s->end_result = arena_copy(s->u->arena, result, sizeof(*result));
	s->end_status = status;
}

static ExecMove
end_move(const WorkflowStep *s)
{
	return (ExecMove){ .id = s->row.id,
		.attempt = s->row.attempt,
		.from = str_is(s->row.state, "canceling") ? EXEC_CANCELING : EXEC_RUNNING,
		.finished = s->u->now,
		.result = s->end_result,
		.note = str_of("") };
}

static bool
steps_end_as(WorkflowStep *steps, size_t n, ExecEvent ev, Err *err)
{
	Uow *u = steps[0].u;
	ExecMove *moves = arena_array(u->arena, ExecMove, n);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n);
	size_t ending = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		if (steps[i].ends && steps[i].end_event == ev)
			moves[ending++] = end_move(&steps[i]);
	if (ending == 0)
		return true;
	if (!move_runs(u, ev, moves, ending, u->e->process, moved, err) || !moves_ended(u, moves, moved, ending, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		WorkflowStep *s = &steps[i];

		if (!s->ends || s->end_event != ev)
			continue;
		/* else the one above it, in the same step, has cancelled it: it was told to look, and ends as that */
		if (moved[at++].moved) {
			s->row.status = str_of(s->end_status);
			s->row.error = json_get_text(s->end_result, "error");
			s->row.due_at = 0;
		}
	}
	return true;
}

bool
steps_end(WorkflowStep *steps, size_t n, Err *err)
{
	return steps_end_as(steps, n, EV_EXIT_OK, err) && steps_end_as(steps, n, EV_EXIT_BAD, err) &&
	       steps_end_as(steps, n, EV_ENDED, err);
}

static bool
finish_bad(WorkflowStep *s, const Json *result, Err *err)
{
	size_t left;

	s->w.n = 0;
	if (!step_stop(s, true, &left, err))
		return false;
	step_finish(s, EV_EXIT_BAD, result, "failed");
	return true;
}

/* Its time is over, whatever is still under way. */
static bool
finish_late(WorkflowStep *s, Err *err)
{
	Arena *a = s->u->arena;
	Json result = error_result(
	    a, str_fmt(a, "Workflow timed out after %lld s", (long long)((s->u->now - s->row.started) / US_PER_S)));

	json_add(a, &result, "timed_out", json_bool(true));
	return finish_bad(s, &result, err);
}

/* What waits ends at once; what runs goes on to its end, or is stopped, as the definition says, or whoever cancelled it. */
static bool
finish_cancelled(WorkflowStep *s, Err *err)
{
	Json result = error_result(s->u->arena, str_of("Cancelled"));
	size_t left;

	s->w.n = 0;
	json_add(s->u->arena, &result, "cancelled", json_bool(true));
	if (!step_stop(s, s->g->cancel_running || s->stops, &left, err))
		return false;
	if (left == 0)
		step_finish(s, EV_ENDED, &result, "cancelled");
	return true;
}

bool
step_conclude(WorkflowStep *s, Err *err)
{
	WfEnd end;

	if (s->w.halted)
		return finish_cancelled(s, err);
	if (s->row.timeout_at != 0 && s->row.timeout_at <= s->u->now)
		return finish_late(s, err);
	if (s->w.vars_changed && step_hides(s, &s->w.vars))
		s->w.fatal = str_of("a variable would hold a secret, which anybody could read");
	end = wf_over(&s->w);
	if (s->w.broken) {
		*err = s->err;
		return false;
	}
	if (!end.over)
		return true;
	if (end.succeeded && step_hides(s, &end.result))
		end = (WfEnd){ .over = true,
			.result = error_result(s->u->arena,
			    str_of("Workflow failed: its output_map would show a secret, which anybody could read")) };
	if (!end.succeeded)
		return finish_bad(s, &end.result, err);
	step_finish(s, EV_EXIT_OK, &end.result, "completed");
	return true;
}
