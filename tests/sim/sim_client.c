/* The people and programs at the API: they make executions and events, cancel, cordon, change rules, and remember what they were told. */
#include "sim_proc.h"

#include "engine/rerun.h"
#include "store/action.h"
#include "store/change.h"
#include "store/pack.h"
#include "store/rule.h"
#include "store/runtime.h"
#include "store/trigger.h"
#include "store/worker.h"

enum { CLIENT_PAUSE_US = 700 * US_PER_MS };

/* ---- definitions ---- */

static Json
object_of(Arena *a, const char *key, Json value)
{
	Json v = json_object();

	json_add(a, &v, key, value);
	return v;
}

static void
define_action(Sim *s, Id pack, Id runtime, const char *ref, const char *entrypoint, int64_t timeout)
{
	Arena *a = s->eye_arena;
	Json n = object_of(a, "type", json_cstr("integer"));
	ActionDef d = { .ref = str_of(ref),
		.pack = pack,
		.pack_ref = str_of("sim"),
		.label = str_of(ref),
		.runtime = runtime,
		.entrypoint = str_of(entrypoint),
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("json"),
		.enabled = true,
		.timeout_seconds = timeout };
	DefPut put;
	Err err = { 0 };

	d.param_schema = object_of(a, "n", n);
	sim_must(s, action_put(s->eye, a, &d, s->now + s->wall_offset, &put, &err), &err, ref);
}

static Id
define_runtime(Sim *s, Id pack, const char *name)
{
	Arena *a = s->eye_arena;
	RuntimeDef d = { .ref = str_fmt(a, "sim.%s", name),
		.pack = pack,
		.pack_ref = str_of("sim"),
		.name = str_of(name),
		.execution_config = json_object() };
	DefPut put;
	Err err = { 0 };

	sim_must(s, runtime_put(s->eye, a, &d, s->now + s->wall_offset, &put, &err), &err, name);
	return d.id;
}

static void
define_trigger(Sim *s, Id pack, const char *ref)
{
	TriggerDef d = {
		.ref = str_of(ref), .pack = pack, .pack_ref = str_of("sim"), .label = str_of(ref), .enabled = true
	};
	DefPut put;
	Err err = { 0 };

	sim_must(s, trigger_put(s->eye, s->eye_arena, &d, s->now + s->wall_offset, &put, &err), &err, ref);
}

/* From now on it ticks as its parameters say. */
static void
rule_known(Sim *s, const RuleDef *r)
{
	Str cron = json_get_text(&r->trigger_params, "expression"), every;
	Span span = { .what = r->id,
		.anchor = r->anchor,
		.interval = json_as_int(json_get(&r->trigger_params, "interval"), 0) * US_PER_S,
		.from = s->now,
		.to = INT64_MAX };

	if (str_cut(&cron, ' ', &every))
		str_to_int(str_sub(every, strlen("*/"), every.n), &span.cron);
	if (span.interval > 0 || span.cron > 0)
		ledger_rule(&s->ledger, span);
}

static Id
define_rule(Sim *s, Id pack, const char *ref, const char *trigger, const char *action, Json params, Json extras)
{
	Arena *a = s->eye_arena;
	TriggerDef t;
	ActionDef x;
	RuleDef d = { .ref = str_of(ref),
		.pack = pack,
		.pack_ref = str_of("sim"),
		.label = str_of(ref),
		.action_ref = str_of(action),
		.trigger_ref = str_of(trigger),
		.enabled = true };
	DefPut put;
	Err err = { 0 };

	sim_must(s, trigger_get_ref(s->eye, a, d.trigger_ref, &t, &err), &err, trigger);
	sim_must(s, action_get_ref(s->eye, a, d.action_ref, &x, &err), &err, action);
	d.trigger = t.id;
	d.action = x.id;
	d.action_params = object_of(a, "n", json_int(1));
	d.trigger_params = params;
	d.extras = extras;
	sim_must(s, rule_put(s->eye, a, &d, s->now + s->wall_offset, &put, &err), &err, ref);
	rule_known(s, &d);
	return d.id;
}

/* Intervals, and crons that tick every so many seconds of a minute, whether or not they go into one evenly. */
static void
define_timers(Sim *s, Id pack)
{
	Arena *a = s->eye_arena;

	for (size_t i = 0; i < 3; i++)
		s->rules[s->rules_n++] = define_rule(s, pack, str_fmt(a, "sim.tick_%zu", i).p, "core.intervaltimer",
		    "sim.work", object_of(a, "interval", json_int(4 + (int64_t)sim_below(s, 12))), json_null());
	for (size_t i = 0; i < 2; i++) {
		Str cron = str_fmt(a, "*/%d * * * * *", 6 + (int)sim_below(s, 15));

		s->rules[s->rules_n++] = define_rule(s, pack, str_fmt(a, "sim.cron_%zu", i).p, "core.crontimer",
		    "sim.quick", object_of(a, "expression", json_str(cron)), json_null());
	}
}

static void
define_remembering(Sim *s, Id pack)
{
	for (Remembers r = 0; r < RULES_THAT_REMEMBER; r++)
		s->remembers[r] = define_rule(s, pack, str_fmt(s->eye_arena, "sim.remembers_%d", (int)r).p, "sim.left",
		    "sim.quick", json_object(), windows_extras(s, r));
}

void
client_define(Sim *s)
{
	PackDef pack = { .ref = str_of("sim"), .label = str_of("sim"), .version = str_of("1.0.0") };
	Id shell, python;
	DefPut put;
	Err err = { 0 };

	sim_must(s, db_begin(s->eye, &err), &err, "begin");
	sim_must(s, pack_put(s->eye, s->eye_arena, &pack, s->now + s->wall_offset, &put, &err), &err, "pack");
	shell = define_runtime(s, pack.id, "shell");
	python = define_runtime(s, pack.id, "python");
	define_action(s, pack.id, shell, "sim.work", "run", 0);
	define_action(s, pack.id, python, "sim.slow", "run", 4);
	define_action(s, pack.id, define_runtime(s, pack.id, "rare"), "sim.rare", "run", 0);
	define_action(s, pack.id, 0, "sim.bare", "run", 0);
	define_action(s, pack.id, shell, "sim.few", "run", 0);
	define_action(s, pack.id, shell, "sim.frail", "run", 0);
	define_action(s, pack.id, define_runtime(s, pack.id, "internal"), "sim.quick", "core.noop", 0);
	define_trigger(s, pack.id, "core.intervaltimer");
	define_trigger(s, pack.id, "core.crontimer");
	define_trigger(s, pack.id, "sim.thing");
	define_trigger(s, pack.id, "sim.left");
	define_trigger(s, pack.id, "sim.right");
	define_rule(s, pack.id, "sim.thing_a", "sim.thing", "sim.work", json_object(), json_null());
	define_rule(s, pack.id, "sim.thing_b", "sim.thing", "sim.slow", json_object(), json_null());
	define_remembering(s, pack.id);
	define_timers(s, pack.id);
	flows_define(s, pack.id);
	sim_must(s, db_commit(s->eye, &err), &err, "commit");
}

/* ---- what clients do ---- */

static bool
do_create(Task *t, Err *err)
{
	static const char *const refs[] = { "sim.work", "sim.work", "sim.work", "sim.work", "sim.work", "sim.slow",
		"sim.slow", "sim.slow", "sim.slow", "sim.few", "sim.few", "sim.frail", "sim.frail", "sim.rare",
		"sim.bare", "sim.quick", "sim.quick", "sim.quick" };
	Sim *s = t->proc->sim;
	Uow *u = t->u;
	Json *params;
	ExecutionIn in = { .action_ref = str_of(refs[sim_below(s, countof(refs))]), .by = str_of("client") };
	ExecutionOut out[8];
	size_t n = 1 + sim_below(s, countof(out));

	if (!uow_begin(u, err))
		return false;
	params = arena_new(u->arena, Json);
	*params = object_of(u->arena, "n", sim_chance(s, 950) ? json_int(7) : json_cstr("seven"));
	in.params = params;
	for (size_t i = 0; i < n; i++)
		if (!execution_create(u, &in, &out[i], err))
			return false;
	if (!uow_commit(u, &points_create, err))
		return false;
	for (size_t i = 0; i < n; i++)
		ledger_note(&s->ledger, out[i].id)->accepted = true;
	s->made = out[n - 1].id;
	sim_say(s, "client makes %zu executions from %lld of %.*s", n, (long long)out[0].id, STR_ARG(in.action_ref));
	return true;
}

static bool
do_flow(Task *t, Err *err)
{
	Sim *s = t->proc->sim;
	ExecutionIn in = { .action_ref = str_of(s->flows[sim_below(s, FLOWS)].ref), .by = str_of("client") };
	ExecutionOut out;

	if (!uow_begin(t->u, err) || !execution_create(t->u, &in, &out, err) || !uow_commit(t->u, &points_create, err))
		return false;
	ledger_note(&s->ledger, out.id)->accepted = true;
	s->made = out.id;
	sim_say(s, "client starts workflow %.*s: execution %lld", STR_ARG(in.action_ref), (long long)out.id);
	return true;
}

/* A workflow that has ended, and how. */
static bool
some_flow(Task *t, Rerun *ret, Id *ret_of, const Flow **ret_flow, Err *err)
{
	static const Stmt ended = {
		.sql =
		    "select e.id, e.action_ref, x.rerun_of is null and (e.status = 'completed' or (e.status = 'failed'"
		    " and coalesce(json_extract(e.result, '$.timed_out'), 0) = 0)) from workflow_execution x"
		    " join execution e on e.id = x.id where e.finished_at is not null and e.parent is null order by "
		    "e.id",
		.in = "",
	};
	Sim *s = t->proc->sim;
	Rows rows;
	Row r;

	if (!db_exec(t->u->db, t->u->arena, &ended, NULL, &rows, err))
		return false;
	*ret_flow = NULL;
	if (rows.n == 0)
		return true;
	r = rows_at(&rows, sim_below(s, rows.n));
	for (size_t i = 0; i < FLOWS; i++)
		if (str_is(row_str(r, 1), s->flows[i].ref))
			*ret_flow = &s->flows[i];
	*ret_of = row_int(r, 0);
	ret->exact = row_int(r, 2) != 0;
	return true;
}

static bool
do_rerun(Task *t, Err *err)
{
	Sim *s = t->proc->sim;
	Uow *u = t->u;
	Rerun again = { 0 };
	const Flow *f;
	Json from = json_array();
	int task;
	Id of;

	if (s->reruns_n == RERUNS_MAX || !uow_begin(u, err) || !some_flow(t, &again, &of, &f, err))
		return err->code == ERR_NONE;
	if (f == NULL)
		return uow_commit(u, &points_create, err);
	task = (int)sim_below(s, (uint64_t)f->n);
	flow_again(f, task, again.tasks);
	json_push(u->arena, &from, json_str(str_fmt(u->arena, "t%d", task)));
	if (!execution_rerun(u, of, &from, str_of("client"), &again.id, err) || !uow_commit(u, &points_create, err))
		return false;
	ledger_note(&s->ledger, again.id)->accepted = true;
	s->reruns[s->reruns_n++] = again;
	sim_say(
	    s, "client begins workflow %lld anew from t%d: execution %lld", (long long)of, task, (long long)again.id);
	return true;
}

static bool
do_event(Task *t, Err *err)
{
	Uow *u = t->u;
	Json payload = json_object();
	EventIn in = { .trigger_ref = str_of("sim.thing"), .payload = &payload };
	EventOut out;

	if (!uow_begin(u, err) || !ingest(u, &in, 1, &out, err) || !uow_commit(u, &points_ingest, err))
		return false;
	ledger_event(&t->proc->sim->ledger, out.id);
	sim_say(t->proc->sim, "client reports event %lld", (long long)out.id);
	return true;
}

/* One that runs, or one of the newest. */
static Id
somebody(Sim *s)
{
	size_t n = s->ledger.starts_n, most = n < 24 ? n : 24;

	for (size_t i = 0; i < most && sim_chance(s, 700); i++)
		if (s->ledger.starts[n - 1 - i].ends > s->now)
			return s->ledger.starts[n - 1 - i].execution;
	return s->made - (Id)sim_below(s, 24);
}

static bool
do_cancel(Task *t, Err *err)
{
	Sim *s = t->proc->sim;
	Id id = somebody(s);
	ExecState status = EXEC_NONE;

	if (!uow_begin(t->u, err) || !execution_cancel(t->u, id, str_of("client"), &status, err) ||
	    !uow_commit(t->u, &points_cancel, err))
		return false;
	sim_say(s, "client cancels execution %lld: %s", (long long)id, exec_state_name(status));
	return true;
}

static bool
do_cordon(Task *t, Err *err)
{
	Sim *s = t->proc->sim;
	Uow *u = t->u;
	Id id = s->procs[sim_below(s, s->procs_n)]->worker.id;
	bool on = sim_chance(s, 400);

	if (id == 0)
		return true;
	sim_say(s, "client %s worker %lld", on ? "cordons" : "uncordons", (long long)id);
	return uow_begin(u, err) && worker_cordon(u->db, u->arena, id, on, str_of("a look inside"), 0, u->now, err) &&
	       change_note(u->db, u->arena, "worker", id, u->now, err) && uow_commit(u, &points_create, err);
}

static void
rule_tell(Uow *u, MsgKind kind, const RuleDef *r)
{
	Json v = object_of(u->arena, "rule_id", json_int(r->id));

	json_add(u->arena, &v, "rule_ref", json_str(r->ref));
	json_add(u->arena, &v, "trigger_ref", json_str(r->trigger_ref));
	*outbox_add(&u->out, kind) = (MsgItem){ .id = r->id, .ref = r->ref, .ref2 = r->trigger_ref, .json = v };
}

/* From here on nobody can say when it ticks, until a change of it is known to be stored. */
static void
rule_unknown(Sim *s, Id rule)
{
	for (size_t i = 0; i < s->ledger.rules_n; i++)
		if (s->ledger.rules[i].what == rule && s->ledger.rules[i].to == INT64_MAX)
			s->ledger.rules[i].to = s->now;
}

static bool
rule_switch(Task *t, Id id, bool on, Err *err)
{
	Sim *s = t->proc->sim;
	Uow *u = t->u;
	RuleDef r;

	rule_unknown(s, id);
	if (!uow_begin(u, err) || !rule_get(u->db, u->arena, id, &r, err) ||
	    !rule_set_enabled(u->db, u->arena, r.ref, on, u->now, err) || !rule_get(u->db, u->arena, id, &r, err))
		return false;
	rule_tell(u, on ? MSG_RULE_ENABLED : MSG_RULE_DISABLED, &r);
	if (!uow_commit(u, &points_create, err))
		return false;
	sim_say(s, "client switches rule %lld %s", (long long)id, on ? "on" : "off");
	if (on)
		rule_known(s, &r);
	return true;
}

static bool
do_switch(Task *t, Err *err)
{
	Sim *s = t->proc->sim;

	return rule_switch(t, s->rules[sim_below(s, s->rules_n)], sim_chance(s, 600), err);
}

static bool
do_delete(Task *t, Err *err)
{
	Sim *s = t->proc->sim;
	Id id = s->rules[sim_below(s, s->rules_n)];
	Uow *u = t->u;
	RuleDef r;

	rule_unknown(s, id);
	if (!uow_begin(u, err) || !rule_get(u->db, u->arena, id, &r, err) ||
	    !rule_delete(u->db, u->arena, id, u->now, err))
		return false;
	rule_tell(u, MSG_RULE_DELETED, &r);
	sim_say(s, "client deletes rule %lld", (long long)id);
	return uow_commit(u, &points_create, err);
}

static const struct {
	uint64_t weight;
	bool (*act)(Task *t, Err *err);
} acts[] = {
	{ 24, do_create },
	{ 12, windows_signal },
	{ 4, do_flow },
	{ 2, do_rerun },
	{ 18, do_event },
	{ 16, do_cancel },
	{ 2, hands_cancel_tree },
	{ 4, hands_pause },
	{ 3, hands_resume },
	{ 2, hands_retry },
	{ 5, do_cordon },
	{ 8, do_switch },
	{ 2, do_delete },
};

/* Nothing new from here on, and nothing in the way of what is there. */
static void
calm_down(Task *t)
{
	Sim *s = t->proc->sim;
	Uow *u = t->u;
	Err err = { 0 };

	for (size_t i = 0; i < s->rules_n; i++) {
		err_clear(&err);
		if (!rule_switch(t, s->rules[i], false, &err))
			uow_abort(u);
		sim_must(s, err.code == ERR_NONE || err.code == ERR_NOT_FOUND, &err, "switch the rules off");
	}
	sim_must(s, hands_resume_all(t, &err), &err, "resume what is paused");
	sim_must(s, uow_begin(u, &err), &err, "begin");
	for (size_t i = 0; i < s->procs_n; i++) {
		Id id = s->procs[i]->worker.id;

		if (id == 0)
			continue;
		sim_must(s, worker_cordon(u->db, u->arena, id, false, (Str){ 0 }, 0, u->now, &err), &err, "uncordon");
		sim_must(s, change_note(u->db, u->arena, "worker", id, u->now, &err), &err, "note");
	}
	sim_must(s, uow_commit(u, &points_create, &err), &err, "commit");
	s->calmed = true;
}

static void
client_step(Task *t)
{
	Sim *s = t->proc->sim;
	uint64_t dice = sim_below(s, 100);
	Err err = { 0 };

	if (!sim_chaos(s)) {
		calm_down(t);
		return;
	}
	for (size_t i = 0; i < countof(acts); i++) {
		if (dice >= acts[i].weight) {
			dice -= acts[i].weight;
			continue;
		}
		if (!acts[i].act(t, &err)) {
			uow_abort(t->u);
			sim_say(s, "client is refused: %s", err.text);
		}
		break;
	}
	t->at = s->now + sim_between(s, 0, 2 * CLIENT_PAUSE_US);
}

static TimeUs
client_due(const Task *t)
{
	const Sim *s = t->proc->sim;

	if (!sim_chaos(s))
		return s->calmed ? INT64_MAX : s->now;
	return t->at;
}

void
client_tasks(Proc *p)
{
	static const TaskKind client = { "client", client_due, client_step };

	task_add(p, &client);
}
