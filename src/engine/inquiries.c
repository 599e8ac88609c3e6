/* Questions to people: core.ask waits without a worker until somebody answers, its time is over or it is cancelled. */
#include "engine/inquiries.h"

#include "engine/workflow.h"

static Json
answer_result(Arena *a, const Inquiry *i, bool by_default)
{
	Json r = json_object();

	json_add(a, &r, "response", i->response);
	json_add(a, &r, "inquiry_id", json_int(i->id));
	if (by_default)
		json_add(a, &r, "defaulted", json_bool(true));
	json_add(a, &r, "succeeded", json_bool(true));
	return r;
}

/* Only a question that waits: an inquiry that somebody made about another run changes nothing there. */
static bool
question_ends(Uow *u, Id execution, ExecEvent ev, const Json *result, Err *err)
{
	ExecLive e;
	ExecMove m;
	ExecMoved moved;

	if (!execution_peek(u->db, u->arena, execution, &e, err))
		return false;
	if (e.id == 0 || e.status != EXEC_RUNNING || e.worker != 0 || !str_is(e.action_ref, ACTION_ASK))
		return true;
	m = (ExecMove){ .id = e.id,
		.attempt = e.attempt,
		.from = EXEC_RUNNING,
		.finished = u->now,
		.result = result,
		.note = str_of("") };
	return move_runs(u, ev, &m, 1, u->e->process, &moved, err) && moves_ended(u, &m, &moved, 1, err);
}

bool
inquiry_answered(Uow *u, const Inquiry *i, Err *err)
{
	Json result = answer_result(u->arena, i, false);

	return question_ends(u, i->execution, EV_EXIT_OK, &result, err);
}

/* ---- the beginning ---- */

static bool
ask(Uow *u, const ExecWaiting *row, Err *err)
{
	Json config, result;
	Inquiry i = { .execution = row->id };
	Err why = { 0 };

	if (!inquiry_asked(u->db, u->arena, row->id, &config, err))
		return false;
	i.prompt = json_get_text(&config, "prompt");
	i.assigned_to = json_as_int(json_get(&config, "assigned_to"), 0);
	if (json_get(&config, "response_schema") != NULL)
		i.response_schema = *json_get(&config, "response_schema");
	i.timeout_at = row->timeout_seconds == 0 ? 0 : u->now + row->timeout_seconds * US_PER_S;
	if (inquiry_insert(u->db, u->arena, &i, u->now, &why)) {
		change_add(u, CHANGE_INQUIRY_CREATED, i.id, "pending", NULL);
		return true;
	}
	if (why.code != ERR_NOT_FOUND && why.code != ERR_CONFLICT) {
		*err = why;
		return false;
	}
	result = error_result(u->arena, str_copy(u->arena, str_of(why.text)));
	return question_ends(u, row->id, EV_EXIT_BAD, &result, err);
}

bool
ask_begin(Uow *u, const ExecWaiting *rows, size_t n, Err *err)
{
	ExecMove *moves = arena_array(u->arena, ExecMove, n + 1);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, n + 1);

	for (size_t i = 0; i < n; i++)
		moves[i] = (ExecMove){
			.id = rows[i].id, .attempt = rows[i].attempt, .from = EXEC_REQUESTED, .note = str_of("it asks")
		};
	if (!move_runs(u, EV_BEGIN, moves, n, u->e->process, moved, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!moved[i].moved)
			continue;
		out_status(u, &moved[i], rows[i].id, EXEC_REQUESTED, u->now);
		if (!ask(u, &rows[i], err))
			return false;
	}
	return true;
}

/* ---- nobody answers ---- */

static bool
nobody_answered(Uow *u, Id id, Err *err)
{
	Inquiry i;
	Json config, result;
	const Json *answer;

	if (!inquiry_get(u->db, u->arena, id, &i, err) || !inquiry_asked(u->db, u->arena, i.execution, &config, err))
		return false;
	answer = json_get(&config, "default");
	if (!json_is(answer, JSON_OBJECT)) {
		result = error_result(u->arena, str_of("Inquiry timed out: nobody answered in time"));
		json_add(u->arena, &result, "timed_out", json_bool(true));
		json_add(u->arena, &result, "inquiry_id", json_int(id));
		change_add(u, CHANGE_INQUIRY_TIMEOUT, id, "timeout", "pending");
		return question_ends(u, i.execution, EV_REFUSE, &result, err);
	}
	i.response = *answer;
	i.status = str_of("responded");
	result = answer_result(u->arena, &i, true);
	change_add(u, CHANGE_INQUIRY_RESPONDED, id, "responded", "pending");
	return inquiry_update(u->db, u->arena, &i, u->now, err) &&
	       question_ends(u, i.execution, EV_EXIT_OK, &result, err);
}

bool
inquiries_due(Uow *u, TimeUs *ret_next, Err *err)
{
	Id *ids;
	size_t n;

	if (!inquiry_time_out(u->db, u->arena, u->now, &ids, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!nobody_answered(u, ids[i], err))
			return false;
	return inquiry_next_due(u->db, u->arena, ret_next, err);
}

bool
ask_cancelled(Uow *u, Id execution, Str by, ExecMoved *ret, bool *ret_was, Err *err)
{
	ExecLive e;
	ExecMove m;

	*ret_was = false;
	if (!execution_peek(u->db, u->arena, execution, &e, err))
		return false;
	if (!str_is(e.action_ref, ACTION_ASK))
		return true;
	*ret_was = true;
	m = (ExecMove){
		.id = e.id, .attempt = e.attempt, .from = EXEC_CANCELING, .finished = u->now, .note = str_of("")
	};
	return inquiry_cancel(u->db, u->arena, execution, u->now, err) && move_runs(u, EV_ENDED, &m, 1, by, ret, err);
}
