/* Which sensors should have a process, and how, from the definitions. */
#include "sensor/inner.h"

#include "base/log.h"
#include "model/choice.h"
#include "runtime/detect.h"
#include "store/runtime.h"
#include "store/sensor.h"
#include "store/trigger.h"

#include <stdlib.h>

/* The timers are a thread of the sensor role, under the name that the packs of earlier versions give their program too. */
static bool
is_timers(const SensorDef *d)
{
	return str_is(d->entrypoint, "attune-core-timer-sensor");
}

/* ---- what this process offers ---- */

static bool
offered(const Keeper *k, Arena *a, Str name)
{
	const Json *names = k->config.runtimes;

	if (!json_is(names, JSON_ARRAY) || names->n == 0)
		return true;
	for (size_t i = 0; i < names->n; i++)
		if (str_eq(runtime_alias(a, json_as_str(&names->items[i])), runtime_alias(a, name)))
			return true;
	return false;
}

static bool
is_there(const Detected *d, const RuntimeDef *r)
{
	bool there = d->base.there;

	for (size_t i = 0; i < r->version_count; i++)
		there |= d->versions[i].there;
	return there;
}

static void
offer(Keeper *k, const RuntimeDef *r, const Detected *d, Json *names, Json *versions)
{
	Arena *a = k->arena;
	Str name = str_lower(a, r->name);
	Json list = json_array();

	if (!offered(k, a, name) || !is_there(d, r))
		return;
	json_push(a, names, json_str(name));
	if (!str_none(d->base.version))
		json_push(a, &list, json_str(str_copy(a, d->base.version)));
	for (size_t i = 0; i < r->version_count; i++)
		if (d->versions[i].there && !str_none(d->versions[i].version))
			json_push(a, &list, json_str(str_copy(a, d->versions[i].version)));
	if (list.n > 0)
		json_set_str(a, versions, runtime_alias(a, name), list);
}

void
keeper_probe(Keeper *k)
{
	Arena *a = k->arena;
	Json names = json_array(), versions = json_object();
	const Detected *all = runtimes_detect(a, &k->config.interpreters, DETECT_US, k->runtimes, k->runtime_count);

	for (size_t i = 0; i < k->runtime_count; i++)
		offer(k, &k->runtimes[i], &all[i], &names, &versions);
	json_set(a, &k->self.capabilities, "runtimes", names);
	json_set(a, &k->self.capabilities, "runtime_versions", versions);
	k->probe = PROBE_DONE;
	log_info("runs sensors of these runtimes: %.*s", STR_ARG(json_text(a, &names)));
}

/* What is part of this program needs no runtime. */
static Str
why_not_here(const Keeper *k, Arena *a, const SensorDef *d, const RuntimeDef *r)
{
	ActionDef as = { .ref = d->ref,
		.runtime_version_constraint = d->runtime_version_constraint,
		.required_worker_runtimes = json_object() };
	Need need = { .action = &as, .runtime = r, .placement = d->placement };
	Str why = { 0 };

	if (r != NULL && k->probe != PROBE_DONE)
		return str_of("which interpreters there are is looked up");
	if (worker_fits(a, &need, &k->self, &why))
		return (Str){ 0 };
	return str_fmt(a, "the sensor worker on '%.*s' %.*s", STR_ARG(k->config.host), STR_ARG(why));
}

/* ---- rules ---- */

typedef struct Known {
	Keeper *k;
	Arena *a;
	const SensorDef **defs; /* of each want */
	TriggerDef *triggers;
	size_t trigger_count;
} Known;

static Json
rule_json(Arena *a, const RuleDef *r)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(r->id));
	json_add(a, &o, "ref", json_str(str_copy(a, r->ref)));
	json_add(a, &o, "trigger_ref", json_str(str_copy(a, r->trigger_ref)));
	json_add(
	    a, &o, "config", r->trigger_params.kind == JSON_OBJECT ? json_clone(a, &r->trigger_params) : json_object());
	return o;
}

static int
by_id(const void *x, const void *y)
{
	int64_t a = json_as_int(json_get(x, "id"), 0), b = json_as_int(json_get(y, "id"), 0);

	return a < b ? -1 : a > b;
}

static void
rules_find(const Known *n)
{
	Keeper *k = n->k;
	size_t at = 0;
	const RuleDef *r;

	while ((r = rule_index_next(defs_rules(k->e->defs), &at)) != NULL) {
		const TriggerDef *t = r->enabled ? defs_trigger(k->e->defs, r->trigger) : NULL;

		for (size_t i = 0; t != NULL && t->enabled && t->sensor != 0 && i < k->want_count; i++)
			if (k->wants[i].sensor == t->sensor)
				json_push(n->a, &k->wants[i].rules, rule_json(n->a, r));
	}
	for (size_t i = 0; i < k->want_count; i++) {
		Json *rules = &k->wants[i].rules;

		if (rules->n > 1)
			qsort(rules->items, rules->n, sizeof(Json), by_id);
		k->wants[i].rules_text = json_text(n->a, rules);
	}
}

static const RuntimeDef *
runtime_of(const Known *n, Id id)
{
	for (size_t i = 0; i < n->k->runtime_count; i++)
		if (n->k->runtimes[i].id == id)
			return &n->k->runtimes[i];
	return NULL;
}

static Want
want_of(const Known *n, const SensorDef *d)
{
	const PackDef *pack = defs_pack(n->k->e->defs, d->pack);
	const RuntimeDef *r = runtime_of(n, d->runtime);
	Want w = { .sensor = d->id,
		.pack = d->pack,
		.ref = d->ref,
		.pack_ref = str_none(d->pack_ref) ? str_of("") : d->pack_ref,
		.entrypoint = d->entrypoint,
		.runtime = r == NULL ? str_of("") : str_lower(n->a, r->name),
		.runtime_config = r == NULL ? json_object() : r->execution_config,
		.config = d->config.kind == JSON_OBJECT ? d->config : json_object(),
		.lines = str_is(d->protocol, "lines"),
		.triggers = json_array(),
		.rules = json_array(),
		.defined = pack != NULL && pack->updated > d->updated ? pack->updated : d->updated };

	w.built_in = str_is(w.runtime, "internal");
	w.lines |= w.built_in;
	for (size_t i = 0; i < n->trigger_count; i++)
		if (n->triggers[i].sensor == d->id)
			json_push(n->a, &w.triggers, json_str(n->triggers[i].ref));
	return w;
}

/* Of those that some rule needs. */
static void
places_find(const Known *n)
{
	Keeper *k = n->k;

	for (size_t i = 0; i < k->want_count; i++) {
		Want *w = &k->wants[i];
		const RuntimeDef *r = w->built_in ? NULL : runtime_of(n, n->defs[i]->runtime);

		if (w->rules.n == 0)
			continue;
		if (r != NULL && k->probe == PROBE_NONE)
			k->probe = PROBE_WANTED;
		w->cannot = why_not_here(k, n->a, n->defs[i], r);
	}
}

bool
wants_read(Keeper *k, Err *err)
{
	Known n = { .k = k };
	SensorDef *all;
	size_t count;

	if (k->wants_a != NULL)
		arena_close(k->wants_a);
	n.a = k->wants_a = arena_open();
	k->want_count = 0;
	if (!sensor_list(k->u->db, n.a, NULL, &all, &count, NULL, err))
		return false;
	k->wants = arena_array(n.a, Want, count + 1);
	n.defs = arena_array(n.a, const SensorDef *, count + 1);
	if (!trigger_list(k->u->db, n.a, NULL, &n.triggers, &n.trigger_count, NULL, err) ||
	    !runtime_list(k->u->db, n.a, NULL, &k->runtimes, &k->runtime_count, NULL, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (all[i].enabled && !is_timers(&all[i])) {
			n.defs[k->want_count] = &all[i];
			k->wants[k->want_count++] = want_of(&n, &all[i]);
		}
	rules_find(&n);
	places_find(&n);
	return true;
}

void
want_copy(Arena *a, const Want *from, Want *ret)
{
	*ret = *from;
	ret->ref = str_copy(a, from->ref);
	ret->pack_ref = str_copy(a, from->pack_ref);
	ret->entrypoint = str_copy(a, from->entrypoint);
	ret->runtime = str_copy(a, from->runtime);
	ret->runtime_config = json_clone(a, &from->runtime_config);
	ret->config = json_clone(a, &from->config);
	ret->triggers = json_clone(a, &from->triggers);
	ret->rules = json_clone(a, &from->rules);
	ret->rules_text = str_copy(a, from->rules_text);
	ret->cannot = (Str){ 0 };
}
