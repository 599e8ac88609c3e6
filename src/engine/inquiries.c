/* Questions to people: core.ask waits without a worker until somebody answers, its time is over or it is cancelled. */
#include "engine/inquiries.h"

#include "base/log.h"
#include "engine/workflow.h"
#include "store/identity.h"

static bool
answer_result(Uow *u, const Inquiry *i, bool by_default, Json *ret, Err *err)
{
	Arena *a = u->arena;
	Json all;

	*ret = json_object();
	json_add(a, ret, "response", i->response);
	json_add(a, ret, "inquiry_id", json_int(i->id));
	if (by_default)
		json_add(a, ret, "defaulted", json_bool(true));
	json_add(a, ret, "succeeded", json_bool(true));
	if (i->required <= 1)
		return true;
	if (!inquiry_answers(u->db, a, i->id, &all, err))
		return false;
	json_add(a, ret, "responses", all);
	return true;
}

/* Only a question that waits: an inquiry that somebody made about another run changes nothing there. */
static bool
question_ends(Uow *u, Id execution, ExecEvent ev, const Json *result, Str note, Err *err)
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
		.note = note };
	return move_runs(u, ev, &m, 1, u->e->process, &moved, err) && moves_ended(u, &m, &moved, 1, err);
}

static bool
question_answered(Uow *u, const Inquiry *i, bool by_default, Err *err)
{
	Json result;

	return answer_result(u, i, by_default, &result, err) &&
	       question_ends(u, i->execution, EV_EXIT_OK, &result, str_of(""), err);
}

static bool
question_late(Uow *u, const Inquiry *i, Err *err)
{
	Json result = error_result(u->arena, str_of("Inquiry timed out: nobody answered in time"));

	if (i->required > 1)
		result =
		    error_result(u->arena, str_fmt(u->arena, "Inquiry timed out: %lld of %lld people answered in time",
					       (long long)i->received, (long long)i->required));
	json_add(u->arena, &result, "timed_out", json_bool(true));
	json_add(u->arena, &result, "inquiry_id", json_int(i->id));
	return question_ends(u, i->execution, EV_TIMEOUT, &result, str_of(""), err);
}

/* ---- asking ---- */

static bool
whom_find(Uow *u, const Whom *w, Id *ret, Err *err)
{
	*ret = w->identity;
	return str_none(w->login) || w->login.n == 0 || identity_of_login(u->db, u->arena, w->login, ret, err);
}

static bool
steps_json(Uow *u, const Question *q, Json *ret, Err *err)
{
	Arena *a = u->arena;

	*ret = json_array();
	for (size_t i = 0; i < q->steps_n; i++) {
		const Escalation *s = &q->steps[i];
		Json o = json_object();
		Id to;

		if (!whom_find(u, &s->whom, &to, err))
			return err_wrap(err, "escalate");
		json_add(a, &o, "after", json_int(s->after));
		json_add(a, &o, "assigned_to", to == 0 ? json_null() : json_int(to));
		json_add(a, &o, "assigned_role", str_none(s->whom.role) ? json_null() : json_str(s->whom.role));
		json_push(a, ret, o);
	}
	return true;
}

bool
inquiry_ask(Uow *u, Id execution, const Question *q, TimeUs timeout_at, Inquiry *ret, Err *err)
{
	*ret = (Inquiry){ .execution = execution,
		.prompt = q->prompt,
		.response_schema = q->response_schema,
		.default_response = q->default_response,
		.timeout_at = timeout_at,
		.assigned_role = q->whom.role,
		.required = q->required,
		.remind_every = q->remind_every };
	if (!whom_find(u, &q->whom, &ret->assigned_to, err) || !steps_json(u, q, &ret->escalation, err) ||
	    !inquiry_insert(u->db, u->arena, ret, u->now, err))
		return false;
	change_add(u, CHANGE_INQUIRY_CREATED, ret->id, "pending", NULL);
	return inquiry_get(u->db, u->arena, ret->id, ret, err);
}

/* ---- answering ---- */

/* For whoever waits with its execution. */
static void
out_responded(Uow *u, const Inquiry *i, Id by)
{
	Arena *a = u->out.a;
	Json o = json_object();

	json_add(a, &o, "inquiry_id", json_int(i->id));
	json_add(a, &o, "execution_id", json_int(i->execution));
	json_add(a, &o, "response", json_clone(a, &i->response));
	json_add(a, &o, "responded_by", by == 0 ? json_null() : json_int(by));
	json_add(a, &o, "responded_at", json_str(time_text(a, u->now)));
	*outbox_add(&u->out, MSG_INQUIRY_RESPONDED) =
	    (MsgItem){ .id = i->id, .parent = i->execution, .at = u->now, .correlation = uuid_new(u->now), .json = o };
	change_add(u, CHANGE_INQUIRY_RESPONDED, i->id, "responded", "pending");
}

bool
inquiry_take(Uow *u, Inquiry *i, const InquiryAnswer *x, Err *err)
{
	bool open, done;
	int64_t n;

	if (!inquiry_hold(u->db, u->arena, i->id, u->now, &open, err))
		return false;
	if (!open)
		return err_set(err, ERR_INVALID,
		    "Inquiry %lld cannot be answered: its time is over, or it was answered", (long long)i->id);
	if (!inquiry_answer_add(u->db, u->arena, x, u->now, &n, err))
		return false;
	done = n >= i->required;
	if (done && !inquiry_respond(u->db, u->arena, i->id, x->response, u->now, &done, err))
		return false;
	if (!inquiry_get(u->db, u->arena, i->id, i, err))
		return false;
	if (!done)
		return true;
	out_responded(u, i, x->identity);
	return question_answered(u, i, false, err);
}

bool
inquiry_settled(Uow *u, const Inquiry *i, Str by, Id identity, Err *err)
{
	Json result;

	if (str_is(i->status, "pending"))
		return true;
	if (str_is(i->status, "responded")) {
		out_responded(u, i, identity);
		return question_answered(u, i, false, err);
	}
	if (str_is(i->status, "timeout"))
		return question_late(u, i, err);
	result = error_result(
	    u->arena, str_fmt(u->arena, "Inquiry %lld was withdrawn by %.*s", (long long)i->id, STR_ARG(by)));
	json_add(u->arena, &result, "inquiry_id", json_int(i->id));
	return question_ends(u, i->execution, EV_EXIT_BAD, &result, str_of("its inquiry was withdrawn"), err);
}

/* ---- the beginning ---- */

static bool
ask(Uow *u, const ExecWaiting *row, Err *err)
{
	Json config, result;
	Question *q = arena_new(u->arena, Question);
	TimeUs until = row->timeout_seconds == 0 ? 0 : u->now + row->timeout_seconds * US_PER_S;
	Inquiry i;
	Err why = { 0 };

	if (!inquiry_asked(u->db, u->arena, row->id, &config, err))
		return false;
	if (question_read(u->arena, &config, q, &why) && inquiry_ask(u, row->id, q, until, &i, &why))
		return inquiry_waits(u->db, u->arena, row->id, i.id, err);
	if (why.code != ERR_NOT_FOUND && why.code != ERR_CONFLICT && why.code != ERR_VALIDATION &&
	    why.code != ERR_INVALID) {
		*err = why;
		return false;
	}
	result = error_result(u->arena, str_copy(u->arena, str_of(why.text)));
	return question_ends(u, row->id, EV_EXIT_BAD, &result, str_of(""), err);
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

/* ---- its time ---- */

static bool
time_over(Uow *u, Inquiry *i, Err *err)
{
	Inquiry before;
	bool done;

	if (!inquiry_time_out(u->db, u->arena, i->id, u->now, &done, err) || !done)
		return err->code == ERR_NONE;
	if (!json_is(&i->default_response, JSON_OBJECT)) {
		change_add(u, CHANGE_INQUIRY_TIMEOUT, i->id, "timeout", "pending");
		return question_late(u, i, err);
	}
	if (!inquiry_get(u->db, u->arena, i->id, i, err)) /* nobody else changes it now */
		return false;
	before = *i;
	i->response = i->default_response;
	i->responded_at = u->now;
	i->status = str_of("responded");
	if (!inquiry_update(u->db, u->arena, &before, i, u->now, err))
		return false;
	out_responded(u, i, 0);
	return question_answered(u, i, true, err);
}

/* Somebody else is asked, unless that one is gone: those who were asked before stay so, for without anybody everybody might answer. */
static bool
escalate(Uow *u, Inquiry *i, bool *ret_other, Err *err)
{
	const Json *s = json_at(&i->escalation, (size_t)i->escalated++);
	Id to = json_as_int(json_get(s, "assigned_to"), 0);
	bool there = true;

	if (to != 0 && !identity_there(u->db, u->arena, to, &there, err))
		return false;
	if (!there) {
		log_warn(
		    "Inquiry %lld: identity %lld, which was to be asked now, is gone", (long long)i->id, (long long)to);
		return true;
	}
	i->assigned_to = to;
	i->assigned_role = json_get_text(s, "assigned_role");
	*ret_other = true;
	return true;
}

static bool
time_goes_on(Uow *u, const Inquiry *i, Err *err)
{
	Inquiry next = *i;
	bool done, other = false;

	/* somebody asked about a run by hand, and it has ended: there is nothing to remind anybody of */
	if (!inquiry_outlived(u->db, u->arena, i, &done, err))
		return false;
	if (done)
		return inquiry_cancel(u->db, u->arena, i->execution, u->now, err);
	while (
	    i->escalation.kind == JSON_ARRAY && next.escalated < (int64_t)i->escalation.n &&
	    i->created + json_as_int(json_get(json_at(&i->escalation, (size_t)next.escalated), "after"), 0) <= u->now)
		if (!escalate(u, &next, &other, err))
			return false;
	next.reminded = question_reminders(i->created, i->remind_every, u->now);
	if (!inquiry_go_on(u->db, u->arena, i, &next, u->now, &done, err) || !done)
		return err->code == ERR_NONE;
	if (other)
		change_add(u, CHANGE_INQUIRY_ESCALATED, i->id, "pending", NULL);
	if (next.reminded > i->reminded)
		change_add(u, CHANGE_INQUIRY_REMINDER, i->id, "pending", NULL);
	return true;
}

bool
inquiry_look(Uow *u, Id id, Err *err)
{
	Inquiry i;

	if (!inquiry_get(u->db, u->arena, id, &i, err))
		return false;
	return i.timeout_at != 0 && i.timeout_at <= u->now ? time_over(u, &i, err) : time_goes_on(u, &i, err);
}

bool
inquiries_due(Uow *u, TimeUs *ret_next, Err *err)
{
	enum { SOME = 500 };
	Id *ids;
	size_t n;

	if (!inquiry_due(u->db, u->arena, u->now, SOME, &ids, &n, err))
		return false;
	for (size_t k = 0; k < n; k++)
		if (!inquiry_look(u, ids[k], err))
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
