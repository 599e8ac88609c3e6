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

static void
task_make(Sim *s, Flow *f, int no, const char *nested)
{
	static const char *const actions[] = { "sim.work", "sim.work", "sim.slow", "sim.few" };
	FlowTask *t = &f->tasks[no];
	uint64_t kind = sim_below(s, 10);

	*t = (FlowTask){ .action = actions[sim_below(s, countof(actions))], .rounds = 1, .preds = t->preds };
	if (nested != NULL && kind == 0)
		t->action = nested;
	if (kind == 1)
		t->rounds = 2 + (int)sim_below(s, FLOW_ROUNDS - 1);
	if (kind == 2 || kind == 3)
		t->items = 1 + (int)sim_below(s, 4);
	for (int to = no + 1; to < f->n; to++) {
		/* one way between two tasks: a second would begin a second round */
		if (!sim_chance(s, to == no + 1 ? 600 : 200))
			continue;
		t->when[t->to_n] = (FlowWhen)sim_below(s, 3);
		t->to[t->to_n++] = to;
		f->tasks[to].preds++;
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
	f->n = 2 + (int)sim_below(s, FLOW_TASKS - 1);
	for (int i = 0; i < f->n; i++)
		task_make(s, f, i, nested);
	d.ref = d.label = str_of(f->ref);
	d.definition = flow_definition(a, f);
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

void
flows_define(Sim *s, Id pack)
{
	Arena *a = s->eye_arena;
	PolicyDef d = {
		.ref = str_of("sim.few"), .label = str_of("few"), .enabled = true, .action_ref = str_of("sim.few")
	};
	Json concurrency = json_object(), none = json_null();
	ActionDef few;
	DefPut put;
	Err err = { 0 };

	for (size_t i = 0; i < FLOWS; i++)
		flow_define(s, &s->flows[i], i, i == 0 ? NULL : s->flows[i - 1].ref, pack);
	if (s->options.sabotage == SABOTAGE_LIMIT)
		return;
	sim_must(s, action_get_ref(s->eye, a, d.action_ref, &few, &err), &err, "few");
	json_add(a, &concurrency, "limit", json_int(FEW));
	d.action = few.id;
	d.tags = json_array();
	sim_must(s, policy_limits_read(&concurrency, &none, &none, &d, &err), &err, "policy");
	sim_must(s, policy_put(s->eye, a, &d, s->now + s->wall_offset, &put, &err), &err, "policy");
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

/* Each run of each task once; what was cancelled may lack some, but has none twice. */
static void
check_flow(Sim *s, Id id, const Flow *f, ExecState status)
{
	static const Stmt runs = {
		.sql = "select task_no, task_iteration, coalesce(task_index, -1), count(*), sum(case when status = "
		       "'completed'"
		       " then 1 else 0 end) from execution where parent = $1 and parent is not null"
		       " group by task_no, task_iteration, task_index",
		.in = "i",
	};
	FlowRound rounds[FLOW_TASKS][FLOW_ROUNDS + 1] = { 0 };
	char why[200];
	Bind b[] = { bind_int(id) };
	Rows rows = look(s, &runs, b);

	for (size_t i = 0; i < FLOW_TASKS * (FLOW_ROUNDS + 1); i++)
		rounds[i / (FLOW_ROUNDS + 1)][i % (FLOW_ROUNDS + 1)].well = true;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		int64_t task = row_int(r, 0), round = row_int(r, 1);

		if (row_int(r, 3) != 1 || task < 0 || task >= f->n || round < 1 || round > FLOW_ROUNDS) {
			sim_fail(s, "flow: task t%lld of workflow %lld ran %lld times in round %lld (item %lld)",
			    (long long)task, (long long)id, (long long)row_int(r, 3), (long long)round,
			    (long long)row_int(r, 2));
			return;
		}
		rounds[task][round].runs++;
		rounds[task][round].well = rounds[task][round].well && row_int(r, 4) == 1;
	}
	if (status != EXEC_COMPLETED && status != EXEC_FAILED)
		return;
	if (!flow_agrees(f, rounds, status == EXEC_COMPLETED, why, sizeof(why)))
		sim_fail(s, "flow: workflow %lld (%s): %s", (long long)id, f->ref, why);
}

void
judge_flows(Sim *s)
{
	static const Stmt ended = {
		.sql = "select e.id, e.action_ref, e.status from workflow_execution x join execution e on e.id = x.id"
		       " where e.finished_at is not null order by e.id",
		.in = "",
	};
	static const Stmt orphans = {
		.sql = "select e.id from execution e join execution p on p.id = e.parent"
		       " where p.finished_at is not null and e.finished_at is null limit 1",
		.in = "",
	};
	Rows rows;

	arena_reset(s->eye_arena);
	rows = look(s, &orphans, NULL);
	if (rows.n > 0)
		sim_fail(s, "flow: execution %lld goes on though its workflow has ended",
		    (long long)row_int(rows_at(&rows, 0), 0));
	rows = look(s, &ended, NULL);
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		const Flow *f = flow_of(s, row_str(r, 1));

		if (f != NULL)
			check_flow(s, row_int(r, 0), f, exec_state_of(row_str(r, 2)));
	}
	s->result.flows = rows.n;
}
