#include "engine/inner.h"

#include "base/log.h"
#include "engine/gates.h"
#include "engine/keys.h"
#include "engine/secrets.h"

/* One event's way through the transaction. */
typedef struct Arrival {
	const TriggerDef *trigger;
	const RuleDef *bound;
	bool orphan; /* the one rule it is for is gone: it meets none */
	EventNew row;
	Id id;
	EventView view;
	const RuleDef **hits;
	size_t hits_n;
} Arrival;

/* What goes round for ever is stopped here, and the event says so. */
static const Json *
too_deep(Arena *a, const Json *config)
{
	Json *told = arena_new(a, Json);

	*told = json_is(config, JSON_OBJECT) ? json_clone(a, config) : json_object();
	json_set(a, told, "stopped",
	    json_cstr(
		"it comes of more than 16 reactions to reactions: it meets no rule, so that rules that start each "
		"other come to an end. attune trace shows which they are: give one of them a condition that leaves out "
		"what "
		"the others cause, or disable it"));
	return told;
}

static void
say_too_deep(const Arrival *v)
{
	LogField fields[] = { log_int("event", v->id), log_str("trigger", v->row.trigger_ref) };

	log_line(LOG_WARN, fields, countof(fields),
	    "Event %lld of '%.*s' meets no rule: more than %d reactions to reactions led to it. Which rules start each "
	    "other is shown by attune trace: give one of them a condition that leaves out what the others cause, or "
	    "disable it",
	    (long long)v->id, STR_ARG(v->row.trigger_ref), DEPTH_MOST);
}

static bool
arrival_read(Uow *u, const EventIn *in, Arrival *ret, Err *err)
{
	const TriggerDef *t = defs_trigger_ref(u->e->defs, in->trigger_ref);
	const RuleDef *bound = in->rule == 0 ? NULL : defs_rule(u->e->defs, in->rule);

	if (!storable("The payload", in->payload, err) || !storable("The config", in->config, err))
		return false;
	if (t == NULL)
		return err_set(err, ERR_NOT_FOUND, "Trigger '%.*s' not found", STR_ARG(in->trigger_ref));
	*ret = (Arrival){
		.trigger = t,
		.bound = bound,
		.orphan = in->rule != 0 && bound == NULL,
		.row = {
		    .trigger = t->id,
		    .trigger_ref = t->ref,
		    .source = in->source,
		    .source_ref = in->source_ref,
		    .rule = bound == NULL ? 0 : bound->id,
		    .rule_ref = bound == NULL ? (Str){ 0 } : bound->ref,
		    .payload = in->payload,
		    .config = in->depth > DEPTH_MOST ? too_deep(u->arena, in->config) : in->config,
		    .depth = in->depth,
		    .tick_key = in->tick_key,
		    .correlation = uuid_none(in->correlation) ? uuid_new(u->now) : in->correlation,
		},
	};
	return true;
}

static bool
arrivals_store(Uow *u, Arrival *arrivals, size_t n, Err *err)
{
	EventNew *rows = arena_array(u->arena, EventNew, n);
	Id *ids = arena_array(u->arena, Id, n);

	for (size_t i = 0; i < n; i++)
		rows[i] = arrivals[i].row;
	if (!event_insert(u->db, u->arena, rows, n, u->now, ids, err))
		return false;
	for (size_t i = 0; i < n; i++)
		arrivals[i].id = ids[i];
	return true;
}

/* Enforcements to be made of all arrivals, in a growing array. */
typedef struct Met {
	Arena *a;
	EnforcementNew *rows;
	size_t *arrival;  /* which one each row belongs to */
	Secrets *secrets; /* what was taken out of each row's config */
	bool any_secrets;
	size_t n, cap;
} Met;

static void
met_add(Met *m, EnforcementNew row, size_t arrival, const Secrets *secrets)
{
	if (m->n == m->cap) {
		size_t cap = m->cap == 0 ? 16 : m->cap * 2;

		m->rows = arena_grow(m->a, m->rows, m->n * sizeof(*m->rows), cap * sizeof(*m->rows));
		m->arrival = arena_grow(m->a, m->arrival, m->n * sizeof(*m->arrival), cap * sizeof(*m->arrival));
		m->secrets = arena_grow(m->a, m->secrets, m->n * sizeof(*m->secrets), cap * sizeof(*m->secrets));
		m->cap = cap;
	}
	m->rows[m->n] = row;
	m->secrets[m->n] = *secrets;
	m->any_secrets = m->any_secrets || secrets->n > 0;
	m->arrival[m->n++] = arrival;
}

static void
arrival_match(Uow *u, Arrival *v)
{
	v->view = (EventView){
		.id = v->id,
		.trigger = v->trigger->id,
		.rule = v->row.rule,
		.trigger_ref = v->row.trigger_ref,
		.payload = v->row.payload,
		.created = u->now,
	};
	if (v->id != 0 && v->trigger->enabled && !v->orphan)
		v->hits = rule_index_match(defs_rules(u->e->defs), u->arena, &v->view, &v->hits_n);
}

/* Secrets of the pack's configuration are in secret parameters alone: the others are made as if there were none. */
static Secrets
secrets_of(Uow *u, const RuleDef *rule, const ActionDef *action, const EventView *e, RuleGiven given, Json *config)
{
	const RuleIndex *rules = defs_rules(u->e->defs);
	Json whole;
	Secrets got;

	if (!rule_sees_secrets(rules, rule))
		return secrets_take(u->arena, &action->param_schema, config);
	given.secrets = true;
	whole = rule_render(rules, u->arena, rule, e, &given, u->now);
	got = secrets_take(u->arena, &action->param_schema, &whole);
	secrets_mark(u->arena, config, got.list, got.n);
	return got;
}

/* A rule that may act on an event, unless a gate of it holds the event back. */
static bool
hit_take(
    Gates *g, const RuleDef *rule, const EventView *e, Uuid correlation, bool settled, size_t at, Met *met, Err *err)
{
	Uow *u = g->u;
	const RuleIndex *rules = defs_rules(u->e->defs);
	const RuleExtras *extras = rule_extras(rules, rule);
	const ActionDef *action = defs_action(u->e->defs, rule->action);
	Json *config = arena_new(u->arena, Json);
	Json events = json_null(), keystore = json_null();
	RuleGiven given = { 0 };
	Secrets secrets = { 0 };
	bool passes = true;

	if (extras != NULL && !gates_pass(g, rule, extras, e, settled, &passes, &events, err))
		return false;
	if (!passes)
		return true;
	if (action != NULL && action->has_secrets && !keys_for_rule(u, rule, action, &keystore, err))
		return false;
	given.events = events.kind == JSON_NULL ? NULL : &events;
	given.keystore = keystore.kind == JSON_NULL ? NULL : &keystore;
	*config = rule_render(rules, u->arena, rule, e, &given, u->now);
	if (action != NULL && action->has_secrets)
		secrets = secrets_of(u, rule, action, e, given, config);
	met_add(met,
	    (EnforcementNew){ .rule = rule->id,
		.event = e->id,
		.rule_ref = rule->ref,
		.trigger_ref = e->trigger_ref,
		.config = config,
		.conditions = &rule->conditions,
		.correlation = correlation },
	    at, &secrets);
	return true;
}

/* Rules whose windows are looked at are locked first, all of them, in one order. */
static bool
windows_lock(Uow *u, const Arrival *arrivals, size_t n, Err *err)
{
	size_t most = 0, found = 0;
	const RuleDef **rules;

	for (size_t i = 0; i < n; i++)
		most += arrivals[i].hits_n;
	rules = arena_array(u->arena, const RuleDef *, most + 1);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < arrivals[i].hits_n; k++)
			if (rule_extras(defs_rules(u->e->defs), arrivals[i].hits[k]) != NULL)
				rules[found++] = arrivals[i].hits[k];
	return gates_lock(u, rules, found, err);
}

static bool
hits_take(Uow *u, const Arrival *arrivals, size_t n, Met *met, Err *err)
{
	Gates gates = { .u = u };

	if (!windows_lock(u, arrivals, n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < arrivals[i].hits_n; k++)
			if (!hit_take(&gates, arrivals[i].hits[k], &arrivals[i].view, arrivals[i].row.correlation,
				false, i, met, err))
				return false;
	return gates_store(&gates, err);
}

static bool
met_secrets(Uow *u, const Met *met, const Id *ids, Err *err)
{
	SecretRows rows = { .a = u->arena };

	for (size_t i = 0; i < met->n; i++)
		if (met->secrets[i].n > 0 && ids[i] != 0 &&
		    !secrets_seal(u->e->vault, &rows, SECRET_OF_ENFORCEMENT, ids[i], &met->secrets[i], err))
			return false;
	return secret_value_insert(u->db, u->arena, rows.rows, rows.n, u->now, err);
}

static bool
met_store(Uow *u, const Met *met, EventOut *ret, Err *err)
{
	Id *ids = arena_array(u->arena, Id, met->n + 1);

	if (!enforcement_insert(u->db, u->arena, met->rows, met->n, u->now, ids, err) ||
	    (met->any_secrets && !met_secrets(u, met, ids, err)))
		return false;
	for (size_t i = 0; i < met->n; i++) {
		const EnforcementNew *e = &met->rows[i];

		if (ids[i] == 0)
			continue;
		ret[met->arrival[i]].enforcements++;
		change_add(u, CHANGE_ENFORCEMENT_CREATED, ids[i], "created", NULL);
		out_enforcement(u, ids[i], e->event, e->rule, str_copy(u->arena, e->rule_ref),
		    str_copy(u->arena, e->trigger_ref), e->correlation);
	}
	return true;
}

static bool
ingest_known(Uow *u, const EventIn *in, size_t n, EventOut *ret, Err *err)
{
	Arrival *arrivals = arena_array(u->arena, Arrival, n);
	Met met = { .a = u->arena };

	for (size_t i = 0; i < n; i++)
		if (!arrival_read(u, &in[i], &arrivals[i], err)) {
			ret[i].refused = true;
			return false;
		}
	if (!arrivals_store(u, arrivals, n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ret[i] = (EventOut){ .id = arrivals[i].id, .correlation = arrivals[i].row.correlation };
		if (arrivals[i].id == 0)
			continue;
		if (!bus_is_local(u->e->bus))
			out_event(u, arrivals[i].id, &arrivals[i].row, arrivals[i].row.correlation);
		change_add(u, CHANGE_EVENT_CREATED, arrivals[i].id, NULL, NULL);
		if (arrivals[i].row.depth > DEPTH_MOST)
			say_too_deep(&arrivals[i]);
		else
			arrival_match(u, &arrivals[i]);
	}
	return hits_take(u, arrivals, n, &met, err) && met_store(u, &met, ret, err);
}

bool
ingest_settled(Uow *u, const RuleDef *rule, const EventKept *e, Err *err)
{
	EventView view = { .id = e->id,
		.trigger = e->trigger,
		.trigger_ref = e->trigger_ref,
		.payload = &e->payload,
		.created = e->created };
	Gates gates = { .u = u };
	Met met = { .a = u->arena };
	EventOut out = { .id = e->id };

	return hit_take(&gates, rule, &view, e->correlation, true, 0, &met, err) && gates_store(&gates, err) &&
	       met_store(u, &met, &out, err);
}

bool
ingest(Uow *u, const EventIn *in, size_t n, EventOut *ret, Err *err)
{
	bool ok;

	if (n == 0)
		return true;
	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	ok = ingest_known(u, in, n, ret, err);
	defs_leave(u->e->defs);
	return ok;
}
