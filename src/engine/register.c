#include "engine/register.h"

#include "base/map.h"
#include "base/yaml.h"
#include "engine/workflow_names.h"
#include "model/choice.h"
#include "model/keystore.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/permission_set.h"
#include "store/policy.h"
#include "store/rule.h"
#include "store/runtime.h"
#include "store/sensor.h"
#include "store/trigger.h"
#include "store/workflow.h"

/* One registration. */
typedef struct Reg {
	Db *db;
	Arena *a;
	const Pack *pack;
	Id id; /* of the pack */
	TimeUs now;
	RegisterReport *report;
	Vec warnings;         /* Str */
	RuntimeDef *runtimes; /* all there are, once the pack's own are stored */
	size_t runtime_count;
	Err *err;
} Reg;

/* What a runner type means, whatever packs there are. */
static const struct {
	const char *alias, *ref;
} standard_runtimes[] = {
	{ "shell", "core.shell" },
	{ "python", "core.python" },
	{ "node", "core.nodejs" },
	{ "native", "core.native" },
	{ "internal", "core.internal" },
};

static void warn(Reg *g, const char *fmt, ...) PRINTF(2, 3);

static void
warn(Reg *g, const char *fmt, ...)
{
	Str *text = arena_new(g->a, Str);
	va_list ap;

	va_start(ap, fmt);
	*text = str_vfmt(g->a, fmt, ap);
	va_end(ap);
	vec_push(&g->warnings, text);
}

static void
count(Reg *g, const DefPut *put)
{
	g->report->created += put->made;
	g->report->updated += put->changed && !put->made;
}

/* A row of this ref may be another pack's, and is not taken from it. */
static bool
is_ours(Reg *g, const char *what, Str ref, Id owner)
{
	return owner == 0 || owner == g->id ||
	       err_set(g->err, ERR_CONFLICT, "%s '%.*s' belongs to another pack", what, STR_ARG(ref));
}

/* *ret_found instead of ERR_NOT_FOUND. */
static bool
found(bool ok, Err *err, bool *ret_found)
{
	*ret_found = ok;
	if (ok || err->code != ERR_NOT_FOUND)
		return ok;
	err_clear(err);
	return true;
}

static bool
put_pack(Reg *g)
{
	PackDef d = g->pack->def;
	DefPut put;

	if (!pack_put(g->db, g->a, &d, g->now, &put, g->err))
		return false;
	count(g, &put);
	g->id = g->report->pack = put.id;
	g->report->made = put.made;
	return true;
}

static bool
put_permission_sets(Reg *g)
{
	for (size_t i = 0; i < g->pack->permission_set_count; i++) {
		PermissionSetDef d = g->pack->permission_sets[i], old;
		DefPut put;
		bool there;

		if (!found(permission_set_get_ref(g->db, g->a, d.ref, &old, g->err), g->err, &there) ||
		    (there && !is_ours(g, "Permission set", d.ref, old.pack)))
			return false;
		d.pack = g->id;
		if (!permission_set_put(g->db, g->a, &d, g->now, &put, g->err))
			return false;
		count(g, &put);
	}
	return true;
}

static bool
put_runtimes(Reg *g)
{
	for (size_t i = 0; i < g->pack->runtime_count; i++) {
		RuntimeDef d = g->pack->runtimes[i], old;
		DefPut put;
		bool there;

		if (!found(runtime_get_ref(g->db, g->a, d.ref, &old, g->err), g->err, &there) ||
		    (there && !is_ours(g, "Runtime", d.ref, old.pack)))
			return false;
		d.pack = g->id;
		if (!runtime_put(g->db, g->a, &d, g->now, &put, g->err))
			return false;
		count(g, &put);
	}
	return runtime_list(g->db, g->a, NULL, &g->runtimes, &g->runtime_count, NULL, g->err);
}

static const RuntimeDef *
runtime_of_ref(const Reg *g, Str ref)
{
	for (size_t i = 0; i < g->runtime_count; i++)
		if (str_eq(g->runtimes[i].ref, ref))
			return &g->runtimes[i];
	return NULL;
}

static bool
runtime_called(const RuntimeDef *r, Str name)
{
	if (str_eq_nocase(r->name, name))
		return true;
	for (size_t i = 0; json_is(&r->aliases, JSON_ARRAY) && i < r->aliases.n; i++)
		if (str_eq_nocase(json_as_str(&r->aliases.items[i]), name))
			return true;
	return false;
}

/* A standard name, else a ref, else a name; NULL when there is none. */
static const RuntimeDef *
runtime_resolve(const Reg *g, Str name)
{
	Str alias = runtime_alias(g->a, name);
	const RuntimeDef *r;

	for (size_t i = 0; i < countof(standard_runtimes); i++)
		if (str_is(alias, standard_runtimes[i].alias))
			return runtime_of_ref(g, str_of(standard_runtimes[i].ref));
	r = runtime_of_ref(g, name);
	for (size_t i = 0; i < g->runtime_count && r == NULL; i++)
		if (runtime_called(&g->runtimes[i], name))
			r = &g->runtimes[i];
	return r;
}

static bool
put_sensors(Reg *g)
{
	for (size_t i = 0; i < g->pack->sensor_count; i++) {
		SensorDef *d = &g->pack->sensors[i], old;
		const RuntimeDef *r = runtime_resolve(g, d->runtime_name);
		DefPut put;
		bool there;

		if (r == NULL)
			return err_set(g->err, ERR_VALIDATION, "sensor '%.*s': there is no runtime '%.*s'",
			    STR_ARG(d->ref), STR_ARG(d->runtime_name));
		if (!found(sensor_get_ref(g->db, g->a, d->ref, &old, g->err), g->err, &there) ||
		    (there && !is_ours(g, "Sensor", d->ref, old.pack)))
			return false;
		d->pack = g->id;
		d->runtime = r->id;
		d->runtime_ref = r->ref;
		d->enabled = there ? old.enabled : d->enabled;
		if (!sensor_put(g->db, g->a, d, g->now, &put, g->err))
			return false;
		count(g, &put);
	}
	return true;
}

/* The sensor of this pack that makes the trigger's events; NULL: none does. */
static const SensorDef *
sensor_of(const Reg *g, Str trigger_ref)
{
	for (size_t i = 0; i < g->pack->sensor_count; i++) {
		const SensorDef *s = &g->pack->sensors[i];

		for (size_t k = 0; k < s->trigger_types.n; k++)
			if (str_eq(json_as_str(&s->trigger_types.items[k]), trigger_ref))
				return s;
	}
	return NULL;
}

/* What operators set on a trigger stays; a sensor of another pack stays as well. */
static void
trigger_keep(Reg *g, TriggerDef *d, const TriggerDef *old)
{
	const SensorDef *s = sensor_of(g, d->ref);

	if (old != NULL) {
		d->enabled = old->enabled;
		d->webhook_enabled = old->webhook_enabled;
		d->webhook_key = old->webhook_key;
		d->webhook_config = old->webhook_config;
	}
	if (s != NULL) {
		d->sensor = s->id;
		d->sensor_ref = s->ref;
	} else if (old != NULL && !str_starts(str_none(old->sensor_ref) ? str_of("") : old->sensor_ref,
				      str_fmt(g->a, "%.*s.", STR_ARG(g->pack->def.ref)))) {
		d->sensor = old->sensor;
		d->sensor_ref = old->sensor_ref;
	}
}

static bool
put_triggers(Reg *g)
{
	for (size_t i = 0; i < g->pack->trigger_count; i++) {
		TriggerDef d = g->pack->triggers[i], old;
		DefPut put;
		bool there;

		if (!found(trigger_get_ref(g->db, g->a, d.ref, &old, g->err), g->err, &there) ||
		    (there && !is_ours(g, "Trigger", d.ref, old.pack)))
			return false;
		d.pack = g->id;
		trigger_keep(g, &d, there ? &old : NULL);
		if (!trigger_put(g->db, g->a, &d, g->now, &put, g->err) ||
		    (put.made && !rule_part(g->db, g->a, &d, g->now, g->err)))
			return false;
		count(g, &put);
	}
	return true;
}

/* Triggers of other packs that a sensor of this one feeds. */
static bool
claim_trigger(Reg *g, const SensorDef *s, Str ref)
{
	TriggerDef d;
	DefPut put;
	bool there;

	if (!found(trigger_get_ref(g->db, g->a, ref, &d, g->err), g->err, &there))
		return false;
	if (!there) {
		warn(g, "sensor '%.*s': there is no trigger '%.*s'", STR_ARG(s->ref), STR_ARG(ref));
		return true;
	}
	d.sensor = s->id;
	d.sensor_ref = s->ref;
	if (!trigger_put(g->db, g->a, &d, g->now, &put, g->err))
		return false;
	count(g, &put);
	return true;
}

static bool
claim_triggers(Reg *g)
{
	for (size_t i = 0; i < g->pack->sensor_count; i++) {
		const SensorDef *s = &g->pack->sensors[i];

		for (size_t k = 0; k < s->trigger_types.n; k++)
			if (!claim_trigger(g, s, json_as_str(&s->trigger_types.items[k])))
				return false;
	}
	return true;
}

/* *ret_id of the one with the ref of this action; 0: it is none. */
static bool
workflow_of(Reg *g, Str ref, Id *ret_id)
{
	*ret_id = 0;
	for (size_t i = 0; i < g->pack->workflow_count; i++) {
		WorkflowDef d;

		if (!str_eq(g->pack->workflows[i].ref, ref))
			continue;
		if (!workflow_get_ref(g->db, g->a, ref, &d, g->err))
			return false;
		*ret_id = d.id;
	}
	return true;
}

static bool
put_workflows(Reg *g)
{
	for (size_t i = 0; i < g->pack->workflow_count; i++) {
		WorkflowDef d = g->pack->workflows[i], old;
		DefPut put;
		bool there;

		if (!found(workflow_get_ref(g->db, g->a, d.ref, &old, g->err), g->err, &there) ||
		    (there && !is_ours(g, "Workflow", d.ref, old.pack)))
			return false;
		d.pack = g->id;
		if (!workflow_put(g->db, g->a, &d, g->now, &put, g->err))
			return false;
		count(g, &put);
	}
	return true;
}

static void
action_runtime(Reg *g, ActionDef *d)
{
	const RuntimeDef *r = str_none(d->runtime_name) ? NULL : runtime_resolve(g, d->runtime_name);

	if (r == NULL && !str_none(d->runtime_name))
		warn(g, "action '%.*s': there is no runtime '%.*s'; it cannot run until there is", STR_ARG(d->ref),
		    STR_ARG(d->runtime_name));
	d->runtime = r == NULL ? 0 : r->id;
}

static bool
put_actions(Reg *g)
{
	for (size_t i = 0; i < g->pack->action_count; i++) {
		ActionDef d = g->pack->actions[i], old;
		DefPut put;
		bool there;

		if (!found(action_get_ref(g->db, g->a, d.ref, &old, g->err), g->err, &there) ||
		    (there && !is_ours(g, "Action", d.ref, old.pack)))
			return false;
		d.pack = g->id;
		action_runtime(g, &d);
		if (there)
			d.enabled = old.enabled;
		if (!workflow_of(g, d.ref, &d.workflow_def))
			return false;
		if (!action_put(g->db, g->a, &d, g->now, &put, g->err))
			return false;
		count(g, &put);
	}
	return true;
}

/* before: the rule as it is stored, or NULL */
static bool
rule_targets(Reg *g, RuleDef *d, const RuleDef *before)
{
	ActionDef action;
	TriggerDef trigger;
	bool has_action, has_trigger;

	if (!found(action_get_ref(g->db, g->a, d->action_ref, &action, g->err), g->err, &has_action) ||
	    !found(trigger_get_ref(g->db, g->a, d->trigger_ref, &trigger, g->err), g->err, &has_trigger))
		return false;
	if (!has_action)
		warn(g, "rule '%.*s': there is no action '%.*s' yet", STR_ARG(d->ref), STR_ARG(d->action_ref));
	if (!has_trigger)
		warn(g, "rule '%.*s': there is no trigger '%.*s' yet", STR_ARG(d->ref), STR_ARG(d->trigger_ref));
	if ((has_action && !rule_may_run(d, before, &action, g->err)) ||
	    (has_trigger && !rule_may_hear(d, before, &trigger, g->err)) ||
	    !rule_may_hear_all(g->db, g->a, d, before, g->err) ||
	    (has_action &&
		!keystore_check(g->a, "action_params", action.ref, &action.param_schema, &d->action_params, g->err)))
		return err_wrap(g->err, "rule '%.*s'", STR_ARG(d->ref));
	d->action = has_action ? action.id : 0;
	d->trigger = has_trigger ? trigger.id : 0;
	return true;
}

static bool
put_rules(Reg *g)
{
	for (size_t i = 0; i < g->pack->rule_count; i++) {
		RuleDef d = g->pack->rules[i], old;
		DefPut put;
		bool there;

		if (!found(rule_get_ref(g->db, g->a, d.ref, &old, g->err), g->err, &there) ||
		    (there && !is_ours(g, "Rule", d.ref, old.pack)))
			return false;
		d.pack = g->id;
		d.enabled = there ? old.enabled : d.enabled;
		if (!rule_targets(g, &d, there ? &old : NULL) || !rule_put(g->db, g->a, &d, g->now, &put, g->err))
			return false;
		count(g, &put);
	}
	return true;
}

static bool
put_policies(Reg *g)
{
	for (size_t i = 0; i < g->pack->policy_count; i++) {
		PolicyDef d = g->pack->policies[i], old;
		ActionDef action = { 0 };
		DefPut put;
		bool there, has_action = true;

		if (!found(policy_get_ref(g->db, g->a, d.ref, &old, g->err), g->err, &there) ||
		    (there && !is_ours(g, "Policy", d.ref, old.pack)))
			return false;
		if (!str_none(d.action_ref) &&
		    !found(action_get_ref(g->db, g->a, d.action_ref, &action, g->err), g->err, &has_action))
			return false;
		if (!has_action)
			warn(g, "policy '%.*s': there is no action '%.*s' yet", STR_ARG(d.ref), STR_ARG(d.action_ref));
		d.pack = g->id;
		d.action = action.id;
		d.enabled = there ? old.enabled : d.enabled;
		if (!policy_put(g->db, g->a, &d, g->now, &put, g->err))
			return false;
		count(g, &put);
	}
	return true;
}

/* Where the stored rows of a kind are, and those that the files have: whatever is in the first only goes. */
typedef struct Removal {
	const DefTable *table;
	size_t adhoc_at; /* 0: no such rows have that mark */
	size_t items_at, count_at;
} Removal;

static const Removal removals[] = {
	{ &permission_set_table, 0, offsetof(Pack, permission_sets), offsetof(Pack, permission_set_count) },
	{ &sensor_table, offsetof(SensorDef, is_adhoc), offsetof(Pack, sensors), offsetof(Pack, sensor_count) },
	{ &policy_table, offsetof(PolicyDef, is_adhoc), offsetof(Pack, policies), offsetof(Pack, policy_count) },
	{ &rule_table, offsetof(RuleDef, is_adhoc), offsetof(Pack, rules), offsetof(Pack, rule_count) },
	{ &action_table, offsetof(ActionDef, is_adhoc), offsetof(Pack, actions), offsetof(Pack, action_count) },
	{ &workflow_table, offsetof(WorkflowDef, is_adhoc), offsetof(Pack, workflows), offsetof(Pack, workflow_count) },
	{ &trigger_table, offsetof(TriggerDef, is_adhoc), offsetof(Pack, triggers), offsetof(Pack, trigger_count) },
	{ &runtime_table, 0, offsetof(Pack, runtimes), offsetof(Pack, runtime_count) },
};

static Str
ref_at(const DefTable *t, const char *def)
{
	Str ref;

	memcpy(&ref, def + t->ref_at, sizeof(ref));
	return ref;
}

static bool
in_files(const Reg *g, const Removal *m, Str ref)
{
	const char *items;
	size_t n;

	memcpy(&items, (const char *)g->pack + m->items_at, sizeof(items));
	memcpy(&n, (const char *)g->pack + m->count_at, sizeof(n));
	for (size_t i = 0; i < n; i++)
		if (str_eq(ref_at(m->table, items + i * m->table->size), ref))
			return true;
	return false;
}

static bool
remove_one(Reg *g, const Removal *m, const char *def)
{
	bool adhoc = false;
	Id id;

	memcpy(&id, def, sizeof(id));
	if (m->adhoc_at != 0)
		memcpy(&adhoc, def + m->adhoc_at, sizeof(adhoc));
	if (adhoc || in_files(g, m, ref_at(m->table, def)))
		return true;
	g->report->deleted++;
	return m->table == &runtime_table ? runtime_delete(g->db, g->a, id, g->now, g->err)
					  : def_delete(g->db, g->a, m->table, id, g->now, g->err);
}

static bool
remove_gone(Reg *g)
{
	DefFilter ours = { .pack_ref = g->pack->def.ref };

	for (size_t i = 0; i < countof(removals); i++) {
		const Removal *m = &removals[i];
		void *rows;
		size_t n;

		if (!def_list(g->db, g->a, m->table, &ours, &rows, &n, NULL, g->err))
			return false;
		for (size_t k = 0; k < n; k++)
			if (!remove_one(g, m, (const char *)rows + k * m->table->size))
				return false;
	}
	return true;
}

/* "actions/workflows/a.yaml:3:5: there is no action ..." */
static bool
tell_workflow(Reg *g, size_t i, const WorkflowProblem *p)
{
	Str file = g->pack->workflows[i].file;
	unsigned line = 1, column = 1;

	(void)yaml_locate(g->pack->workflow_texts[i], p->at, &line, &column);
	if (!p->warning)
		return err_set(
		    g->err, ERR_VALIDATION, "%.*s:%u:%u: %.*s", STR_ARG(file), line, column, STR_ARG(p->text));
	warn(g, "%.*s:%u:%u: %.*s", STR_ARG(file), line, column, STR_ARG(p->text));
	return true;
}

/* Once all the pack's actions are as the files say. */
static bool
check_workflows(Reg *g)
{
	WorkflowKnown known = { .files = g->pack };

	for (size_t i = 0; i < g->pack->workflow_count; i++) {
		WorkflowProblem *problems;
		size_t n;

		if (!workflow_names_check(g->db, g->a, &known, &g->pack->workflows[i], &problems, &n, g->err))
			return false;
		for (size_t k = 0; k < n; k++)
			if (!tell_workflow(g, i, &problems[k]))
				return false;
	}
	return true;
}

static void
warnings_give(Reg *g)
{
	g->report->warning_count = g->warnings.n;
	g->report->warnings = arena_array(g->a, Str, g->warnings.n + 1);
	for (size_t i = 0; i < g->warnings.n; i++)
		g->report->warnings[i] = *(Str *)g->warnings.items[i];
}

static bool
resolve_rules(Reg *g)
{
	return rule_resolve(g->db, g->a, g->now, g->err);
}

/* Sensors before triggers, which point to them; rules behind what they point to; what is gone goes last. */
static bool (*const steps[])(Reg *g) = {
	put_pack,
	put_permission_sets,
	put_runtimes,
	put_sensors,
	put_triggers,
	claim_triggers,
	put_workflows,
	put_actions,
	put_rules,
	put_policies,
	remove_gone,
	check_workflows,
	resolve_rules,
};

/* Of the actions only those that stand for a workflow. */
static bool
put_workflow_actions(Reg *g)
{
	const Pack *whole = g->pack;
	Pack only = *whole;
	bool ok;

	only.actions = arena_array(g->a, ActionDef, g->pack->action_count + 1);
	only.action_count = 0;
	for (size_t i = 0; i < g->pack->action_count; i++)
		if (!str_none(g->pack->actions[i].workflow_file))
			only.actions[only.action_count++] = g->pack->actions[i];
	g->pack = &only;
	ok = put_actions(g);
	g->pack = whole;
	return ok;
}

bool
register_workflows(Db *db, Arena *a, const Pack *pack, TimeUs now, RegisterReport *ret, Err *err)
{
	Err own = { 0 };
	Reg g = { .db = db,
		.a = a,
		.pack = pack,
		.now = now,
		.report = ret,
		.warnings = vec_open(a),
		.err = err != NULL ? err : &own };
	PackDef d;

	*ret = (RegisterReport){ 0 };
	if (!change_lock(db, a, g.err) || !pack_get_ref(db, a, pack->def.ref, &d, g.err))
		return false;
	g.id = ret->pack = d.id;
	if (!put_workflows(&g) || !put_workflow_actions(&g) || !check_workflows(&g) || !resolve_rules(&g))
		return err_wrap(g.err, "register workflows of pack '%.*s'", STR_ARG(pack->def.ref));
	warnings_give(&g);
	return true;
}

bool
register_pack(Db *db, Arena *a, const Pack *pack, TimeUs now, RegisterReport *ret, Err *err)
{
	Err own = { 0 };
	Reg g = { .db = db,
		.a = a,
		.pack = pack,
		.now = now,
		.report = ret,
		.warnings = vec_open(a),
		.err = err != NULL ? err : &own };

	*ret = (RegisterReport){ 0 };
	if (!change_lock(db, a, g.err))
		return false;
	for (size_t i = 0; i < countof(steps); i++)
		if (!steps[i](&g))
			return err_wrap(err, "register pack '%.*s'", STR_ARG(pack->def.ref));
	warnings_give(&g);
	return true;
}
