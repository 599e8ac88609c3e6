/* Workflows and a policy in the simulation: made at random for each seed, and judged by a plain model. */
#include "judge.h"
#include "sim_proc.h"

#include "model/policy.h"
#include "store/action.h"
#include "store/policy.h"
#include "store/workflow.h"
#include "workflow/validate.h"

enum { FEW = 2 /* of sim.few at once */ };

/* ---- definitions ---- */

/* Times that are far off when the clock is set back would hold up the end. */
static bool
waits_may_be(Sim *s, uint64_t thousandths)
{
	return sim_chance(s, thousandths) && !s->weather.steps_clock;
}

/* One way between two tasks of a group: a second would begin a second round. */
static void
ways_make(Sim *s, Flow *f, int no)
{
	FlowTask *t = &f->tasks[no];
	bool next = true;

	for (int to = no + 1; to < f->n; to++) {
		if (f->tasks[to].group != t->group)
			continue;
		if (sim_chance(s, next ? 600 : 200)) {
			t->when[t->to_n] = (FlowWhen)sim_below(s, FLOW_WHENS);
			t->to[t->to_n++] = to;
			f->tasks[to].preds++;
		}
		next = false;
	}
}

static void
task_make(Sim *s, Flow *f, int no, const char *nested)
{
	static const char *const actions[] = { "sim.work", "sim.work", "sim.slow", "sim.few", "sim.frail" };
	FlowTask *t = &f->tasks[no];
	uint64_t kind = sim_below(s, 10);

	t->rounds = 1;
	t->delay = waits_may_be(s, 150) ? (int)sim_between(s, 50, 3000) : 0;
	ways_make(s, f, no);
	if (f->tasks[no].action == NULL)
		return;
	t->action = actions[sim_below(s, countof(actions))];
	if (waits_may_be(s, 150)) {
		t->retries = 1 + (int)sim_below(s, 2);
		t->retry_delay = (int)sim_below(s, 3);
	}
	if (nested != NULL && kind == 0)
		t->action = nested;
	else if (sim_chance(s, 150))
		t->timeout = 1;
	if (kind == 1)
		t->rounds = 2 + (int)sim_below(s, FLOW_ROUNDS - 1);
	if (kind == 2 || kind == 3)
		t->items = 1 + (int)sim_below(s, 4);
}

/* Which of them lie side by side in another, before anything else is known of them. */
static void
groups_make(Sim *s, Flow *f)
{
	f->n = 2 + (int)sim_below(s, FLOW_TASKS - 1);
	for (int i = 0; i < f->n; i++)
		f->tasks[i] = (FlowTask){ .action = "", .group = FLOW_TOP };
	for (int i = 0; i + 2 < f->n; i++) {
		int inner = 2 + (int)sim_below(s, 2);

		if (!sim_chance(s, 150) || i + inner >= f->n)
			continue;
		f->tasks[i].action = NULL;
		for (int k = 1; k <= inner; k++)
			f->tasks[i + k].group = i;
		i += inner;
	}
}

static void
flow_define(Sim *s, Flow *f, size_t number, const char *nested, Id pack)
{
	Arena *a = s->eye_arena;
	WorkflowDef d = { .pack = pack, .pack_ref = str_of("sim"), .version = str_of("1") };
	ActionDef action;
	WorkflowProblem *problems;
	DefPut put;
	size_t n;
	Err err = { 0 };

	snprintf(f->ref, sizeof(f->ref), "sim.flow_%zu", number);
	groups_make(s, f);
	for (int i = 0; i < f->n; i++)
		task_make(s, f, i, nested);
	f->timeout = waits_may_be(s, 200) ? (int)sim_between(s, 5, 60) : 0;
	d.ref = d.label = str_of(f->ref);
	d.definition = flow_definition(a, f);
	if (s->options.log != NULL)
		fprintf(s->options.log, "%s: %.*s\n", f->ref, STR_ARG(json_text(a, &d.definition)));
	if (!workflow_check(a, &d.definition, &problems, &n))
		sim_fail(s, "flow: %s: %.*s: %.*s", f->ref, STR_ARG(problems[0].at), STR_ARG(problems[0].text));
	sim_must(s, workflow_put(s->eye, a, &d, s->now + s->wall_offset, &put, &err), &err, f->ref);
	action = (ActionDef){ .ref = d.ref,
		.pack = pack,
		.pack_ref = d.pack_ref,
		.label = d.label,
		.workflow_def = put.id,
		.entrypoint = str_of("workflow"),
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("json"),
		.enabled = true };
	sim_must(s, action_put(s->eye, a, &action, s->now + s->wall_offset, &put, &err), &err, f->ref);
}

static void
policy_define(Sim *s, const char *ref, const char *concurrency, const char *breaker)
{
	Arena *a = s->eye_arena;
	PolicyDef d = { .ref = str_of(ref), .label = str_of(ref), .enabled = true, .action_ref = str_of(ref) };
	Json limits[2], none = json_null();
	ActionDef action;
	DefPut put;
	Err err = { 0 };

	sim_must(s, action_get_ref(s->eye, a, d.action_ref, &action, &err), &err, ref);
	sim_must(s,
	    json_parse(a, str_of(concurrency), NULL, &limits[0], &err) &&
		json_parse(a, str_of(breaker), NULL, &limits[1], &err),
	    &err, ref);
	d.action = action.id;
	d.tags = json_array();
	sim_must(s, policy_limits_read(&limits[0], &none, &limits[1], &d, &err), &err, ref);
	sim_must(s, policy_put(s->eye, a, &d, s->now + s->wall_offset, &put, &err), &err, ref);
}

void
flows_define(Sim *s, Id pack)
{
	for (size_t i = 0; i < FLOWS; i++)
		flow_define(s, &s->flows[i], i, i == 0 ? NULL : s->flows[i - 1].ref, pack);
	if (s->options.sabotage != SABOTAGE_LIMIT)
		policy_define(s, "sim.few", "{\"limit\": 2}", "null");
	if (!s->weather.steps_clock && s->options.sabotage != SABOTAGE_BREAKER)
		policy_define(s, "sim.frail", "null", "{\"failures\": 2, \"within\": 30, \"open_for\": 4}");
}

/* ---- the judge ---- */

static Rows
look(Sim *s, const Stmt *stmt, Bind *b)
{
	Rows rows = { 0 };
	Err err = { 0 };

	sim_must(s, db_read(s->eye, s->eye_arena, stmt, b, &rows, &err), &err, "look");
	return rows;
}

void
judge_limit(Sim *s, size_t under_way)
{
	if (under_way > FEW)
		sim_fail(s, "limit: %zu runs of sim.few are under way, and %d may be", under_way, FEW);
}

static const Flow *
flow_of(const Sim *s, Str ref)
{
	for (size_t i = 0; i < FLOWS; i++)
		if (str_is(ref, s->flows[i].ref))
			return &s->flows[i];
	return NULL;
}

/* ---- workflows ---- */

/* One run of a task's round, or of one of its items: all of its tries. */
typedef struct Tries {
	int64_t task, round, item, n;
	bool settled_before; /* one that is not tried again was not the last */
	bool retriable;      /* so ended the last */
	FlowEnd end;
} Tries;

static bool
same_run(const Tries *x, Row r)
{
	return x->n > 0 && x->task == row_int(r, 0) && x->round == row_int(r, 1) && x->item == row_int(r, 2);
}

static void
tries_add(Tries *x, Row r)
{
	Str status = row_str(r, 3);
	bool failed = str_is(status, "failed") && row_int(r, 4) > 0; /* what never ran would not run the next time */

	x->task = row_int(r, 0);
	x->round = row_int(r, 1);
	x->item = row_int(r, 2);
	x->settled_before = x->settled_before || (x->n > 0 && !x->retriable);
	x->retriable = failed;
	x->end = str_is(status, "completed") ? ENDED_WELL : failed && row_int(r, 5) != 0 ? ENDED_LATE : ENDED_FAILED;
	x->n++;
}

/* Tried again after each failure as long as it may be, and not once more. */
static bool
tries_agree(const FlowTask *t, const Tries *x, bool exact)
{
	if (x->n > 1 + t->retries || x->settled_before)
		return false;
	return !exact || x->n == 1 + t->retries || !x->retriable;
}

static FlowEnd
worse(FlowEnd l, FlowEnd r)
{
	return l == ENDED_FAILED || r == ENDED_WELL ? l : r;
}

typedef FlowRound FlowRounds[FLOW_TASKS][FLOW_ROUNDS + 1];

static void
round_add(Sim *s, Id id, const Flow *f, const Tries *x, bool exact, FlowRounds ret)
{
	FlowRound *round;

	if (x->n == 0)
		return;
	if (x->task < 0 || x->task >= f->n || x->round < 1 || x->round > FLOW_ROUNDS ||
	    !tries_agree(&f->tasks[x->task], x, exact)) {
		sim_fail(s, "flow: task t%lld of workflow %lld ran %lld times in round %lld (item %lld)",
		    (long long)x->task, (long long)id, (long long)x->n, (long long)x->round, (long long)x->item);
		return;
	}
	round = &ret[x->task][x->round];
	round->runs++;
	round->end = worse(round->end, x->end);
}

/* What ran under this workflow; exact: it came to its own end. */
static void
rounds_of(Sim *s, Id id, const Flow *f, bool exact, FlowRounds ret)
{
	static const Stmt runs = {
		.sql = "select cast(substr(json_extract(workflow_task, '$.task_name'), 2) as integer) as task,"
		       " task_iteration, coalesce(task_index, -1) as item, status, attempt,"
		       " coalesce(json_extract(result, '$.timed_out'), 0) from execution"
		       " where parent = $1 and parent is not null order by task, task_iteration, item, id",
		.in = "i",
	};
	Bind b[] = { bind_int(id) };
	Rows rows = look(s, &runs, b);
	Tries x = { 0 };

	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		if (!same_run(&x, r)) {
			round_add(s, id, f, &x, exact, ret);
			x = (Tries){ 0 };
		}
		tries_add(&x, r);
	}
	round_add(s, id, f, &x, exact, ret);
}

static bool
ended_by_itself(ExecState status, bool late)
{
	return status == EXEC_COMPLETED || (status == EXEC_FAILED && !late);
}

/* What the run that was begun anew took over. */
static void
rounds_take_over(Sim *s, Id of, const Flow *f, const bool *again, FlowRounds rounds)
{
	FlowRounds before = { 0 };

	rounds_of(s, of, f, true, before);
	for (int i = 0; i < f->n; i++)
		if (!again[i])
			memcpy(rounds[i], before[i], sizeof(before[i]));
}

static const Rerun *
rerun_of(const Sim *s, Id id)
{
	for (size_t i = 0; i < s->reruns_n; i++)
		if (s->reruns[i].id == id)
			return &s->reruns[i];
	return NULL;
}

/* Each run of each task once; what was cancelled, or had no time left, may lack some, but has none twice. */
static void
check_flow(Sim *s, Id id, const Flow *f, bool exact, bool completed, Id of)
{
	const Rerun *again = rerun_of(s, id);
	FlowRounds rounds = { 0 };
	char why[200];

	rounds_of(s, id, f, exact, rounds);
	if (!exact || (of != 0 && (again == NULL || !again->exact)))
		return;
	if (of != 0)
		rounds_take_over(s, of, f, again->tasks, rounds);
	if (!flow_agrees(f, rounds, completed, why, sizeof(why)))
		sim_fail(
		    s, "flow: workflow %lld (%s%s): %s", (long long)id, f->ref, of == 0 ? "" : ", begun anew", why);
}

static void
check_orphans(Sim *s)
{
	static const Stmt orphans = {
		.sql = "select e.id from execution e join execution p on p.id = e.parent"
		       " where p.finished_at is not null and e.finished_at is null limit 1",
		.in = "",
	};
	Rows rows = look(s, &orphans, NULL);

	if (rows.n > 0)
		sim_fail(s, "flow: execution %lld goes on though its workflow has ended",
		    (long long)row_int(rows_at(&rows, 0), 0));
}

void
judge_flows(Sim *s)
{
	static const Stmt ended = {
		.sql = "select e.id, e.action_ref, e.status, coalesce(json_extract(e.result, '$.timed_out'), 0),"
		       " coalesce(x.rerun_of, 0) from workflow_execution x join execution e on e.id = x.id"
		       " where e.finished_at is not null order by e.id",
		.in = "",
	};
	Rows rows;

	arena_reset(s->eye_arena);
	check_orphans(s);
	rows = look(s, &ended, NULL);
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		const Flow *f = flow_of(s, row_str(r, 1));
		ExecState status = exec_state_of(row_str(r, 2));

		if (f != NULL)
			check_flow(s, row_int(r, 0), f, ended_by_itself(status, row_int(r, 3) != 0),
			    status == EXEC_COMPLETED, row_int(r, 4));
	}
	s->result.flows = rows.n;
}
