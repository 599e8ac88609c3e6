/* What people do to runs and whole trees of them at any moment: pause, resume, try again, cancel. What is paused begins nothing. */
#include "judge.h"
#include "sim_proc.h"

#include "engine/rerun.h"

/* The run at the top of the tree that a run is in; its ancestors are "/1/5/". */
static Id
top_of(Id id, Str ancestors)
{
	Str first;
	int64_t top;

	if (str_none(ancestors) || ancestors.n < 2)
		return id;
	ancestors = str_sub(ancestors, 1, ancestors.n);
	return str_cut(&ancestors, '/', &first) && str_to_int(first, &top) ? (Id)top : id;
}

static bool
tree_is_held(const Sim *s, Id top)
{
	for (size_t i = 0; i < s->held_n; i++)
		if (s->held[i].top == top)
			return true;
	return false;
}

/* One of the rows at random: its id, and the top of its tree. false: there is none. */
static bool
some_run(Task *t, const Stmt *stmt, Id *ret, Id *ret_top, Err *err)
{
	Rows rows;
	Row r;

	*ret = *ret_top = 0;
	if (!db_exec(t->u->db, t->u->arena, stmt, NULL, &rows, err))
		return false;
	if (rows.n == 0)
		return true;
	r = rows_at(&rows, sim_below(t->proc->sim, rows.n));
	*ret = row_int(r, 0);
	*ret_top = top_of(*ret, row_str(r, 1));
	return true;
}

/* ---- paused trees ---- */

static Held
held_look(Sim *s, Id id)
{
	static const Stmt tree = {
		.sql = "select count(*), sum(attempt), sum(id = $1 and finished_at is not null) from execution"
		       " where id = $1 or instr(coalesce(ancestors, ''), '/' || $1 || '/') > 0",
		.in = "i",
	};
	Bind b[] = { bind_int(id) };
	Rows rows = { 0 };
	Row r;
	Err err = { 0 };

	sim_must(s, db_read(s->eye, s->eye_arena, &tree, b, &rows, &err), &err, "look at what is paused");
	r = rows_at(&rows, 0);
	return (Held){ .id = id, .runs = row_int(r, 0), .attempts = row_int(r, 1), .over = row_int(r, 2) != 0 };
}

static void
held_check(Sim *s, const Held *h)
{
	Held now = held_look(s, h->id);

	if (now.runs != h->runs || now.attempts != h->attempts)
		sim_fail(s,
		    "paused: under execution %lld were %lld runs with %lld attempts when it was paused, now there are "
		    "%lld with %lld",
		    (long long)h->id, (long long)h->runs, (long long)h->attempts, (long long)now.runs,
		    (long long)now.attempts);
}

void
judge_held(Sim *s)
{
	for (size_t i = s->held_n; i-- > 0;) {
		held_check(s, &s->held[i]);
		if (held_look(s, s->held[i].id).over)
			s->held[i] = s->held[--s->held_n];
	}
}

bool
hands_pause(Task *t, Err *err)
{
	static const Stmt stands = {
		.sql = "select id, ancestors from execution where finished_at is null and (status = 'requested'"
		       " or (status = 'running' and worker is null)) order by id",
		.in = "",
	};
	Sim *s = t->proc->sim;
	Id id, top;

	if (s->held_n == HELD_MAX || !uow_begin(t->u, err) || !some_run(t, &stands, &id, &top, err))
		return err->code == ERR_NONE;
	if (id == 0 || tree_is_held(s, top))
		return uow_commit(t->u, &points_cancel, err);
	if (!execution_hold(t->u, id, true, err) || !uow_commit(t->u, &points_cancel, err))
		return false;
	s->held[s->held_n] = held_look(s, id);
	s->held[s->held_n++].top = top;
	sim_say(s, "client pauses execution %lld", (long long)id);
	return true;
}

/* It counts as resumed from here on: nobody can say when that has taken effect. */
bool
hands_resume(Task *t, Err *err)
{
	Sim *s = t->proc->sim;
	Held h;
	size_t which;

	if (s->held_n == 0)
		return true;
	which = sim_below(s, s->held_n);
	h = s->held[which];
	held_check(s, &h);
	s->held[which] = s->held[--s->held_n];
	sim_say(s, "client resumes execution %lld", (long long)h.id);
	return uow_begin(t->u, err) && execution_hold(t->u, h.id, false, err) && uow_commit(t->u, &points_cancel, err);
}

/* Whatever is still paused, also by a client that never heard of it. */
bool
hands_resume_all(Task *t, Err *err)
{
	static const Stmt paused = {
		.sql = "select id, ancestors from execution where finished_at is null and wait_reason = 'paused'"
		       " order by id limit 1",
		.in = "",
	};
	Sim *s = t->proc->sim;
	Id id, top;

	judge_held(s);
	s->held_n = 0;
	for (;;) {
		if (!uow_begin(t->u, err) || !some_run(t, &paused, &id, &top, err) ||
		    (id != 0 && !execution_hold(t->u, id, false, err)) || !uow_commit(t->u, &points_cancel, err))
			return false;
		if (id == 0)
			return true;
		sim_say(s, "client resumes execution %lld in the end", (long long)id);
	}
}

/* ---- tried again, and ended ---- */

bool
hands_retry(Task *t, Err *err)
{
	static const Stmt over = {
		.sql =
		    "select id, ancestors from execution where finished_at is not null and parent is null order by id",
		.in = "",
	};
	Sim *s = t->proc->sim;
	Id id, top, made;

	if (!uow_begin(t->u, err) || !some_run(t, &over, &id, &top, err))
		return false;
	if (id == 0)
		return uow_commit(t->u, &points_create, err);
	if (!execution_retry(t->u, id, str_of("client"), &made, err) || !uow_commit(t->u, &points_create, err))
		return false;
	ledger_note(&s->ledger, made)->accepted = true;
	sim_say(s, "client tries execution %lld again: execution %lld", (long long)id, (long long)made);
	return true;
}

/* A workflow at any depth, at any moment of its life. */
bool
hands_cancel_tree(Task *t, Err *err)
{
	static const Stmt flows = {
		.sql = "select e.id, e.ancestors from execution e join workflow_execution x on x.id = e.id"
		       " where e.finished_at is null order by e.id",
		.in = "",
	};
	Sim *s = t->proc->sim;
	ExecState status = EXEC_NONE;
	Id id, top;

	if (!uow_begin(t->u, err) || !some_run(t, &flows, &id, &top, err) ||
	    (id != 0 && !execution_cancel(t->u, id, str_of("client"), &status, err)) ||
	    !uow_commit(t->u, &points_cancel, err))
		return false;
	if (id != 0)
		sim_say(s, "client cancels workflow %lld: %s", (long long)id, exec_state_name(status));
	return true;
}
