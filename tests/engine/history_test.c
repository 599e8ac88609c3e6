/* What is stored of a workflow that ran is enough to go its steps again, and they come to what is stored. */
#include "flow.h"

#include "engine/workflow.h"
#include "test.h"
#include "../unit/workflow/story.h"

#include <stdio.h>

enum { HISTORIES_N = 50, ENDS_MOST = 400 };

/* ---- the real one ---- */

static void
settle(Flow *r)
{
	static const Stmt told = { .sql = "select count(*) from workflow_inbox where id > $1", .in = "i" };
	Rows rows;

	do {
		flow_step(r);
		rows = flow_rows(r, &told, 0);
	} while (row_int(rows_at(&rows, 0), 0) > 0);
}

static void
end_one(Flow *r, Row row, Dice *d)
{
	uint64_t kind = dice_below(d, 5);
	RunClaim c = { .execution = row_int(row, 0), .attempt = (int)row_int(row, 1) };
	RunResult result = { .execution = c.execution,
		.attempt = c.attempt,
		.event = kind < 3 ? EV_EXIT_OK : EV_EXIT_BAD,
		.started = r->now,
		.finished = r->now };
	Json data = json_object();
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_claim(r->u, r->worker, str_of("inc"), str_of("w1"), &c, 1, &err), err);
	CHECK(c.claimed);
	json_add(r->u->arena, &data, "n", json_int((int64_t)dice_below(d, 8)));
	result.result = json_object();
	json_add(r->u->arena, &result.result, "data", data);
	if (kind == 4)
		json_add(r->u->arena, &result.result, "timed_out", json_bool(true));
	CHECK_OK(runs_finish(r->u, r->worker, str_of("w1"), &result, 1, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
}

/* Its runs end in any order, each at a time of its own, and what is due begins between them. */
static void
run(Flow *r, Id id, Dice *d)
{
	static const Stmt given = {
		.sql = "select id, attempt from execution where status = 'scheduled' and parent = $1 order by id",
		.in = "i",
	};
	static const Stmt due = {
		.sql = "select due_at from workflow_execution where id = $1 and due_at is not null",
		.in = "i",
	};
	int steps = 0;

	for (settle(r); str_is(flow_state(r, id), "running") && steps < ENDS_MOST; steps++) {
		Rows rows = flow_rows(r, &given, id), delays = flow_rows(r, &due, id);
		TimeUs next;

		CHECK(rows.n > 0 || delays.n > 0);
		r->now += 1000;
		if (rows.n == 0 || (delays.n > 0 && dice_below(d, 4) == 0)) {
			r->now = row_int(rows_at(&delays, 0), 0);
			flow_due(r, &next);
		} else {
			end_one(r, rows_at(&rows, (size_t)dice_below(d, rows.n)), d);
		}
		settle(r);
	}
	CHECK(steps < ENDS_MOST);
}

/* ---- its steps again ---- */

typedef struct Replay {
	Flow *r;
	Id id;
	Story *s;
	Rows begun; /* its runs in the order in which they were made */
	size_t seen;
} Replay;

static void
same_value(Arena *a, const Json *now, const Json *then)
{
	if (!json_eq(now, then))
		test_fail(__FILE__, __LINE__, "now %.*s, but then %.*s", STR_ARG(json_text(a, now)),
		    STR_ARG(json_text(a, then)));
}

/* What a step begins is what began then. */
static void
same_begun(Replay *p, size_t from)
{
	for (size_t i = from; i < p->s->n; i++, p->seen++) {
		const WfChild *c = &p->s->runs[i];
		const Json *want = c->own_input ? &c->input : &p->s->params;
		Json task, config;
		Row row;

		CHECK(p->seen < p->begun.n);
		row = rows_at(&p->begun, p->seen);
		task = row_json(p->r->a, row, 0);
		config = row_json(p->r->a, row, 3);
		CHECK_STR(json_get_text(&task, "task_name"), p->s->g->tasks[c->task].name);
		CHECK_INT(row_int(row, 1), c->index);
		CHECK_INT(row_int(row, 2), c->iteration);
		if (str_none(c->error))
			same_value(p->r->a, want, &config);
	}
}

/* What ends at the time of a delay is what it began and could not start. */
static void
wake_until(Replay *p, TimeUs until)
{
	for (int due = story_due(p->s); due >= 0 && p->s->states[due].due <= until; due = story_due(p->s)) {
		size_t before = p->s->n;

		story_wake(p->s, due, p->s->states[due].due);
		same_begun(p, before);
	}
}

static void
end_again(Replay *p, Row row)
{
	Json task = row_json(p->r->a, row, 1), result = row_json(p->r->a, row, 5);
	int no = wf_task_no(p->s->g, json_get_text(&task, "task_name"));
	WfOutcome how = str_is(row_str(row, 4), "completed")                  ? WF_SUCCEEDED
			: json_as_bool(json_get(&result, "timed_out"), false) ? WF_TIMED_OUT
									      : WF_FAILED;
	size_t at = 0, before;

	wake_until(p, row_int(row, 6));
	while (at < p->s->n && (p->s->runs[at].task != no || p->s->runs[at].index != row_int(row, 2) ||
				   p->s->runs[at].iteration != row_int(row, 3)))
		at++;
	CHECK(at < p->s->n);
	before = p->s->n - 1;
	story_end(p->s, at, row_int(row, 0), how, &result, row_int(row, 6));
	same_begun(p, before);
}

static void
open_again(Replay *p, Row row)
{
	Json definition, params = row_json(p->r->a, row, 1);
	Err err = { 0 };

	CHECK_OK(workflow_version_read(p->r->u->db, p->r->a, row_int(row, 0), &definition, &err), err);
	p->s = story_open(p->r->a, &definition, &params);
	story_begin(p->s, row_int(row, 2));
	same_begun(p, 0);
}

static void
same_tasks(Replay *p)
{
	Arena *a = p->r->a;
	Buf then = buf_open(a), now = buf_open(a);
	WorkflowTaskRow *rows;
	size_t n;
	Err err = { 0 };

	CHECK_OK(workflow_task_all(p->r->u->db, a, p->id, &rows, &n, &err), err);
	for (size_t i = 0; i < n; i++) {
		WfTaskState st = task_state_of(&rows[i]);

		story_state_put(a, &then, rows[i].task, &st);
		story_state_put(a, &now, rows[i].task, &p->s->states[rows[i].task]);
	}
	CHECK_STR(buf_str(&now), buf_str(&then));
	for (size_t i = 0, k = 0; i < p->s->g->n; i++) {
		bool stored = k < n && rows[k].task == (int)i;

		k += stored;
		CHECK(stored || (p->s->states[i].status == WF_IDLE && p->s->states[i].arrived.n == 0));
	}
}

static void
same_end(Replay *p, Row row)
{
	Arena *a = p->r->a;
	WfEnd e = wf_over(&p->s->w);
	Json result = row_json(a, row, 3), vars = row_json(a, row, 4), failed = row_json(a, row, 5);

	CHECK(e.over);
	CHECK_STR(row_str(row, 6), str_of(e.succeeded ? "completed" : "failed"));
	same_value(a, &e.result, &result);
	same_value(a, &p->s->vars, &vars);
	same_value(a, &p->s->w.failed, &failed);
}

static void
replay(Flow *r, Id id)
{
	static const Stmt run = {
		.sql = "select x.version, e.config, e.started_at, e.result, x.variables, x.failed_tasks, e.status"
		       " from workflow_execution x join execution e on e.id = x.id where x.id = $1",
		.in = "i",
	};
	static const Stmt begun = {
		.sql = "select workflow_task, coalesce(task_index, -1), task_iteration, config from execution"
		       " where parent = $1 order by id",
		.in = "i",
	};
	static const Stmt ended = {
		.sql = "select id, workflow_task, coalesce(task_index, -1), task_iteration, status, result, finished_at"
		       " from execution where parent = $1 order by finished_at, id",
		.in = "i",
	};
	Replay p = { .r = r, .id = id, .begun = flow_rows(r, &begun, id) };
	Rows rows = flow_rows(r, &run, id), ends = flow_rows(r, &ended, id);

	open_again(&p, rows_at(&rows, 0));
	for (size_t i = 0; i < ends.n; i++)
		end_again(&p, rows_at(&ends, i));
	wake_until(&p, INT64_MAX);
	CHECK_INT((int64_t)p.seen, (int64_t)p.begun.n);
	same_tasks(&p);
	same_end(&p, rows_at(&rows, 0));
}

TEST(what_is_stored_of_a_workflow_replayed_comes_to_what_is_stored)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	flow_action(r, "test.do", 0, NULL);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	for (uint64_t seed = 1; seed <= HISTORIES_N; seed++) {
		Dice d = { seed * 7919 };
		Json definition = story_definition(r->a, &d, false), params = story_params(r->a, &d);
		const char *ref = str_cstr(r->a, str_fmt(r->a, "test.story_%d", (int)seed));
		Id id;

		flow_workflow(r, ref, str_cstr(r->a, json_text(r->a, &definition)), NULL);
		id = flow_start(r, ref, str_cstr(r->a, json_text(r->a, &params)));
		run(r, id, &d);
		replay(r, id);
	}
}
