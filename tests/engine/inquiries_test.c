/* Questions to people, over both stores: who answers, how many, and what happens until then. */
#include "rig.h"

#include "engine/due.h"
#include "engine/inquiries.h"
#include "store/action.h"
#include "store/execution_read.h"
#include "store/identity.h"
#include "store/pack.h"

#include "test.h"

static Json
text_json(Arena *a, const char *text)
{
	Json v;
	Err err = { 0 };

	CHECK_OK(json_parse(a, str_of(text), NULL, &v, &err), err);
	return v;
}

static Rig *
asking(void)
{
	Rig *r = rig_open();
	Uow *u = r->u;
	Err err = { 0 };
	ActionDef d;
	DefPut put;

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(action_get(u->db, u->arena, r->action, &d, &err), err);
	d.id = 0;
	d.ref = str_of("core.ask");
	d.runtime = 0;
	CHECK_OK(action_put(u->db, u->arena, &d, u->now, &put, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
	return r;
}

static Id
person(Rig *r, const char *login)
{
	IdentityDef d = { .login = str_of(login), .display_name = str_of(login) };
	DefPut put;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	d.attributes = json_object();
	CHECK_OK(identity_put(r->u->db, r->u->arena, &d, r->u->now, &put, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return put.id;
}

/* A run that asks. *ret: its inquiry, 0 when there is none. */
static Id
ask(Rig *r, const char *params, int64_t timeout, Id *ret)
{
	ExecutionIn in = { .action_ref = str_of("core.ask"), .by = str_of("tester"), .timeout_seconds = timeout };
	static const Stmt s = { .sql = "select id from inquiry where execution = $1", .in = "i" };
	Json p;
	ExecutionOut out;
	Bind b[1];
	Rows rows;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	p = text_json(r->u->arena, params);
	in.params = &p;
	CHECK_OK(execution_create(r->u, &in, &out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	rig_schedule(r);
	b[0] = bind_int(out.id);
	CHECK_OK(db_read(r->u->db, r->w->a, &s, b, &rows, &err), err);
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return out.id;
}

static Inquiry
look(Rig *r, Id id)
{
	Inquiry i;
	Err err = { 0 };

	CHECK_OK(inquiry_get(r->u->db, r->w->a, id, &i, &err), err);
	return i;
}

static ErrCode
answer(Rig *r, Id id, Id by, const char *response)
{
	Inquiry i;
	Json v;
	InquiryAnswer x = { .inquiry = id, .identity = by, .response = &v };
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	v = text_json(r->u->arena, response);
	CHECK_OK(inquiry_get(r->u->db, r->u->arena, id, &i, &err), err);
	if (inquiry_take(r->u, &i, &x, &err)) {
		CHECK_OK(uow_commit(r->u, &points_create, &err), err);
		return ERR_NONE;
	}
	uow_abort(r->u);
	return err.code;
}

static TimeUs
due(Rig *r, TimeUs later)
{
	TimeUs next;
	Err err = { 0 };

	r->now += later;
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(inquiries_due(r->u, &next, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return next;
}

static Json
shown(Rig *r, Id id)
{
	Json o;
	Err err = { 0 };

	CHECK_OK(execution_show(r->u->db, r->w->a, id, &o, &err), err);
	return o;
}

TEST(a_quorum_is_met_by_so_many_people_and_nobody_counts_twice)
{
	CLEANUP(rig_done) Rig *r = asking();
	Id ann = person(r, "ann"), bob = person(r, "bob"), id,
	   run = ask(r, "{\"prompt\":\"Go?\",\"required_responses\":2}", 0, &id);
	Json result;

	check_status(r, run, EXEC_RUNNING);
	result = shown(r, run);
	CHECK_STR(json_get_text(&result, "wait_reason"), str_fmt(r->w->a, "inquiry: %lld", (long long)id));
	CHECK_INT(answer(r, id, ann, "{\"ok\":true}"), ERR_NONE);
	check_status(r, run, EXEC_RUNNING);
	CHECK_INT(look(r, id).received, 1);
	CHECK_INT(answer(r, id, ann, "{\"ok\":false}"), ERR_CONFLICT);
	CHECK_INT(look(r, id).received, 1);
	CHECK_INT(answer(r, id, bob, "{\"ok\":false}"), ERR_NONE);
	check_status(r, run, EXEC_COMPLETED);
	CHECK_STR(look(r, id).status, str_of("responded"));
	CHECK_INT(answer(r, id, person(r, "cid"), "{\"ok\":true}"), ERR_INVALID);
	result = shown(r, run);
	result = *json_get(&result, "result");
	CHECK_INT((int64_t)json_get(&result, "responses")->n, 2);
	CHECK_STR(json_get_text(&json_get(&result, "responses")->items[0], "login"), str_of("ann"));
	CHECK(json_as_bool(json_get(json_get(&result, "response"), "ok"), true) == false);
}

TEST(people_are_reminded_others_are_asked_and_in_the_end_its_time_is_over)
{
	CLEANUP(rig_done) Rig *r = asking();
	Id ann = person(r, "ann"), bob = person(r, "bob"), id,
	   run = ask(r,
	       "{\"prompt\":\"Go?\",\"assigned_to\":\"ann\",\"remind_every\":\"10m\",\"escalate\":"
	       "[{\"after\":\"15m\",\"assigned_to\":\"bob\"},{\"after\":\"25m\",\"assigned_role\":\"boss\"}]}",
	       1800, &id);
	TimeUs asked = r->now;

	CHECK_INT(look(r, id).assigned_to, ann);
	CHECK_INT(due(r, 599 * US_PER_S), asked + 600 * US_PER_S);
	CHECK_INT(look(r, id).reminded, 0);
	CHECK_INT(due(r, US_PER_S), asked + 900 * US_PER_S);
	CHECK_INT(look(r, id).reminded, 1);
	CHECK_INT(look(r, id).assigned_to, ann);
	CHECK_INT(due(r, 300 * US_PER_S), asked + 1200 * US_PER_S);
	CHECK_INT(look(r, id).assigned_to, bob);
	/* nobody was there for a while: what was missed is made up for at once */
	CHECK_INT(due(r, 700 * US_PER_S), asked + 1800 * US_PER_S);
	CHECK_INT(look(r, id).assigned_to, 0);
	CHECK_STR(look(r, id).assigned_role, str_of("boss"));
	CHECK_INT(look(r, id).reminded, 2);
	check_status(r, run, EXEC_RUNNING);
	CHECK_INT(due(r, 200 * US_PER_S), 0);
	check_status(r, run, EXEC_TIMEOUT);
	CHECK_STR(look(r, id).status, str_of("timeout"));
	CHECK_INT(answer(r, id, ann, "{}"), ERR_INVALID);
}

TEST(nobody_who_is_gone_is_asked_and_nobody_else_instead)
{
	CLEANUP(rig_done) Rig *r = asking();
	Id ann = person(r, "ann"), bob = person(r, "bob"), id;
	TimeUs asked;
	Err err = { 0 };

	ask(r,
	    "{\"prompt\":\"Go?\",\"assigned_to\":\"ann\",\"escalate\":"
	    "[{\"after\":\"15m\",\"assigned_to\":\"bob\"},{\"after\":\"25m\",\"assigned_role\":\"boss\"}]}",
	    0, &id);
	asked = r->now;
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(identity_delete(r->u->db, r->u->arena, bob, r->now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	CHECK_INT(due(r, 900 * US_PER_S), asked + 1500 * US_PER_S);
	CHECK_INT(look(r, id).assigned_to, ann);
	CHECK_INT(look(r, id).escalated, 1);
	CHECK_INT(due(r, 600 * US_PER_S), 0);
	CHECK_INT(look(r, id).assigned_to, 0);
	CHECK_STR(look(r, id).assigned_role, str_of("boss"));
}

static void
change(Rig *r, const Stmt *s)
{
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(db_exec(r->u->db, r->u->arena, s, NULL, NULL, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
}

static TimeUs
turn(Rig *r, TimeUs later)
{
	TimeUs next;
	Err err = { 0 };

	r->now += later;
	CHECK_OK(due_turn(r->u, &next, &err), err);
	return next;
}

TEST(what_cannot_go_on_in_its_time_holds_up_nobody_and_is_tried_again)
{
	CLEANUP(rig_done) Rig *r = asking();
	static const Stmt spoil = {
		.sql = "create unique index test_bad on inquiry (required_responses) where reminded > 0", .in = ""
	};
	static const Stmt rest = { .sql = "update inquiry set next_at = null where reminded = 1", .in = "" };
	static const Stmt mend = { .sql = "drop index test_bad", .in = "" };
	Id first, bad, last;
	TimeUs next;

	ask(r, "{\"prompt\":\"Go?\",\"remind_every\":\"10s\"}", 0, &first);
	r->now += US_PER_MS;
	ask(r, "{\"prompt\":\"Go?\",\"remind_every\":\"10s\"}", 0, &bad);
	r->now += US_PER_MS;
	ask(r, "{\"prompt\":\"Go?\",\"remind_every\":\"1h\"}", 3600, &last);
	change(r, &spoil);
	turn(r, 10 * US_PER_S);
	CHECK_INT(look(r, first).reminded, 1);
	CHECK_INT(look(r, bad).reminded, 0);
	change(r, &rest);
	CHECK_INT(turn(r, 0), r->now + 60 * US_PER_S);
	next = turn(r, 3590LL * US_PER_S);
	CHECK_INT(next, r->now + 60 * US_PER_S);
	CHECK_STR(look(r, last).status, str_of("timeout"));
	CHECK_INT(look(r, bad).reminded, 0);
	change(r, &mend);
	turn(r, 60 * US_PER_S);
	CHECK_INT(look(r, bad).reminded, 366);
}

TEST(a_question_may_b_its_answer_and_what_cannot_be_asked_fails_its_run)
{
	CLEANUP(rig_done) Rig *r = asking();
	Id id, run = ask(r, "{\"prompt\":\"Go?\",\"default\":{\"ok\":false}}", 60, &id);
	Json result;

	due(r, 61 * US_PER_S);
	check_status(r, run, EXEC_COMPLETED);
	result = shown(r, run);
	CHECK(json_as_bool(json_get(json_get(&result, "result"), "defaulted"), false));
	CHECK_INT(look(r, id).responded_at, r->now);
	CHECK_STR(look(r, id).status, str_of("responded"));
	run = ask(r, "{\"prompt\":\"Go?\",\"assigned_to\":\"nobody\"}", 0, &id);
	CHECK_INT(id, 0);
	check_status(r, run, EXEC_FAILED);
	run = ask(r, "{\"prompt\":\"Go?\",\"required_responses\":0}", 0, &id);
	CHECK_INT(id, 0);
	check_status(r, run, EXEC_FAILED);
}

static int64_t
announced(const Uow *u, MsgKind kind)
{
	int64_t n = 0;

	for (size_t i = 0; i < u->out.n; i++)
		n += u->out.msgs[i].kind == kind;
	return n;
}

TEST(what_was_read_before_an_answer_came_does_not_undo_it)
{
	CLEANUP(rig_done) Rig *r = asking();
	Id ann = person(r, "ann"), id, run = ask(r, "{\"prompt\":\"Go?\"}", 0, &id);
	Inquiry before = look(r, id), i = before;
	Err err = { 0 };

	check_status(r, run, EXEC_RUNNING);
	CHECK_INT(answer(r, id, ann, "{\"ok\":true}"), ERR_NONE);
	i.assigned_to = ann;
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK(!inquiry_update(r->u->db, r->u->arena, &before, &i, r->now, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	uow_abort(r->u);
	CHECK_STR(look(r, id).status, str_of("responded"));
}

TEST(an_answer_by_a_link_says_so_and_who_made_the_link)
{
	CLEANUP(rig_done) Rig *r = asking();
	Id ann = person(r, "ann"), id, run = ask(r, "{\"prompt\":\"Go?\",\"required_responses\":2}", 0, &id);
	InquiryLink l = { .inquiry = id, .made_by = ann, .expires = r->now + US_PER_S };
	Json v = text_json(r->w->a, "{\"ok\":true}"), all;
	InquiryAnswer x = { .inquiry = id, .response = &v };
	Inquiry i;
	Err err = { 0 };

	check_status(r, run, EXEC_RUNNING);
	CHECK_INT(answer(r, id, ann, "{\"ok\":true}"), ERR_NONE);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(inquiry_link_insert(r->u->db, r->u->arena, &l, r->now, &err), err);
	x.link = l.id;
	CHECK_OK(inquiry_get(r->u->db, r->u->arena, id, &i, &err), err);
	CHECK_OK(inquiry_take(r->u, &i, &x, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	CHECK_OK(inquiry_answers(r->u->db, r->w->a, id, &all, &err), err);
	CHECK_INT((int64_t)all.n, 2);
	CHECK(json_is_null(json_get(&all.items[0], "link")) && json_is_null(json_get(&all.items[0], "made_by")));
	CHECK_INT(json_as_int(json_get(&all.items[1], "link"), 0), l.id);
	CHECK_INT(json_as_int(json_get(&all.items[1], "made_by"), 0), ann);
}

TEST(a_run_that_asks_does_not_wait_for_what_is_settled_by_hand)
{
	static const struct {
		const char *status;
		ExecState end;
	} table[] = { { "responded", EXEC_COMPLETED }, { "timeout", EXEC_TIMEOUT }, { "cancelled", EXEC_FAILED } };
	CLEANUP(rig_done) Rig *r = asking();
	Id ann = person(r, "ann");

	for (size_t k = 0; k < countof(table); k++) {
		Id id, run = ask(r, "{\"prompt\":\"Go?\"}", 0, &id);
		bool answered = table[k].end == EXEC_COMPLETED;
		Inquiry before, i;
		Err err = { 0 };

		CHECK_OK(uow_begin(r->u, &err), err);
		CHECK_OK(inquiry_get(r->u->db, r->u->arena, id, &before, &err), err);
		i = before;
		i.status = str_of(table[k].status);
		CHECK_OK(inquiry_update(r->u->db, r->u->arena, &before, &i, r->now, &err), err);
		CHECK_OK(inquiry_settled(r->u, &i, str_of("tester"), ann, &err), err);
		CHECK_INT(announced(r->u, MSG_INQUIRY_RESPONDED), answered);
		CHECK_OK(uow_commit(r->u, &points_create, &err), err);
		check_status(r, run, table[k].end);
		CHECK_INT(look(r, id).responded_at, 0); /* clients rely on it: that is for answers */
	}
}

static Id
ask_about(Rig *r, Id run, const char *text)
{
	Question q = { 0 };
	Json body;
	Inquiry i;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	body = text_json(r->u->arena, text);
	CHECK_OK(question_read(r->u->arena, &body, &q, &err), err);
	CHECK_OK(inquiry_ask(r->u, run, &q, 0, &i, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return i.id;
}

TEST(nobody_is_reminded_of_what_was_asked_about_a_run_that_has_ended_since)
{
	CLEANUP(rig_done) Rig *r = asking();
	Id run, early, late;

	rig_worker(r, "i1", 8, "shell");
	run = rig_create(r);
	early = ask_about(r, run, "{\"prompt\":\"Go?\",\"remind_every\":\"10m\"}");
	CHECK(rig_claim(r, run, 1, "i1"));
	due(r, 600 * US_PER_S);
	CHECK_INT(look(r, early).reminded, 1);
	CHECK(rig_finish(r, run, 1, EV_EXIT_OK));
	CHECK_INT(due(r, 600 * US_PER_S), 0);
	CHECK_INT(look(r, early).reminded, 1);
	CHECK_STR(look(r, early).status, str_of("cancelled"));
	/* of one that had ended when it was asked somebody wants to know */
	run = rig_create(r);
	CHECK(rig_claim(r, run, 1, "i1"));
	CHECK(rig_finish(r, run, 1, EV_EXIT_OK));
	r->now += US_PER_S;
	late = ask_about(r, run, "{\"prompt\":\"Well?\",\"remind_every\":\"10m\"}");
	due(r, 600 * US_PER_S);
	CHECK_INT(look(r, late).reminded, 1);
}

TEST(who_is_asked_is_not_deleted_before_the_answer)
{
	CLEANUP(rig_done) Rig *r = asking();
	Id ann = person(r, "ann"), id;
	Err err = { 0 };

	ask(r, "{\"prompt\":\"Go?\",\"assigned_to\":\"ann\"}", 0, &id);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK(!identity_delete(r->u->db, r->u->arena, ann, r->now, &err) && err.code == ERR_CONFLICT);
	uow_abort(r->u);
	err = (Err){ 0 };
	CHECK_INT(answer(r, id, ann, "{\"ok\":true}"), ERR_NONE);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(identity_delete(r->u->db, r->u->arena, ann, r->now, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
}

TEST(runs_of_one_tree_know_each_other)
{
	CLEANUP(rig_done) Rig *r = asking();
	ExecutionIn in = { .action_ref = str_of("test.do"), .by = str_of("tester") };
	Id root = rig_create(r), other = rig_create(r);
	ExecutionOut one, two;
	bool same;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	in.parent = root;
	CHECK_OK(execution_create(r->u, &in, &one, &err), err);
	CHECK_OK(execution_create(r->u, &in, &two, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	CHECK_OK(execution_same_tree(r->u->db, r->w->a, one.id, two.id, &same, &err), err);
	CHECK(same);
	CHECK_OK(execution_same_tree(r->u->db, r->w->a, root, two.id, &same, &err), err);
	CHECK(same);
	CHECK_OK(execution_same_tree(r->u->db, r->w->a, one.id, one.id, &same, &err), err);
	CHECK(same);
	CHECK_OK(execution_same_tree(r->u->db, r->w->a, one.id, other, &same, &err), err);
	CHECK(!same);
	CHECK_OK(execution_same_tree(r->u->db, r->w->a, root, other, &same, &err), err);
	CHECK(!same);
}
