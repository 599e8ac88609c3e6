#include "engine/gates.h"

#include "engine/inner.h"
#include "engine/moves.h"

#include <stdlib.h>

enum { KEY_MOST = 200 };

static int
by_id(const void *x, const void *y)
{
	Id l = *(const Id *)x, r = *(const Id *)y;

	return (l > r) - (l < r);
}

bool
gates_lock(Uow *u, const RuleDef **rules, size_t n, Err *err)
{
	Id *ids = arena_array(u->arena, Id, n + 1);

	for (size_t i = 0; i < n; i++)
		ids[i] = rules[i]->id;
	if (n > 1)
		qsort(ids, n, sizeof(*ids), by_id);
	for (size_t i = 0; i < n; i++)
		if ((i == 0 || ids[i] != ids[i - 1]) && !rule_window_lock(u->db, u->arena, ids[i], err))
			return false;
	return true;
}

static void
hold(Gates *g, const RuleDef *rule, const EventView *e, Str reason)
{
	if (g->held_n == g->held_cap) {
		size_t cap = g->held_cap == 0 ? 8 : g->held_cap * 2;

		g->held = arena_grow(g->u->arena, g->held, g->held_n * sizeof(*g->held), cap * sizeof(*g->held));
		g->held_cap = cap;
	}
	g->held[g->held_n++] = (RuleHeld){ e->id, rule->id, reason };
}

bool
gates_store(Gates *g, Err *err)
{
	return g->held_n == 0 || rule_held_put(g->u->db, g->u->arena, g->held, g->held_n, g->u->now, err);
}

/* Of any length, and as long as a key of a row may be. */
static Str
key_of(Gates *g, const RuleDef *rule, const Gate *gate, const EventView *e)
{
	Arena *a = g->u->arena;
	Str key = rule_key(defs_rules(g->u->e->defs), a, rule, gate->key, e, g->u->now);
	size_t cut = KEY_MOST;

	if (key.n <= KEY_MOST)
		return key;
	while (cut > 0 && ((unsigned char)key.p[cut] & 0xC0) == 0x80)
		cut--;
	return str_fmt(a, "%.*s#%016llx", (int)cut, key.p, (unsigned long long)str_hash(key));
}

/* " for 'x'" */
static Str
about(Arena *a, const Gate *gate, Str key)
{
	return gate->key == NULL ? str_of("") : str_fmt(a, " for '%.*s'", STR_ARG(key));
}

static void
arm(Gates *g, TimeUs due)
{
	if (g->u->window_due == 0 || due < g->u->window_due)
		g->u->window_due = due;
}

/* ---- so many within so long ---- */

static bool
pass_count(Gates *g, const RuleDef *rule, WindowKind kind, const Gate *gate, int64_t limit, TimeUs per,
    const EventView *e, bool *ret, Err *err)
{
	Uow *u = g->u;
	Str key = key_of(g, rule, gate, e);
	RuleWindow w;

	if (!rule_window_get(u->db, u->arena, rule->id, kind, key, &w, err))
		return false;
	/* one that begins in time to come is of a clock that was set back since */
	if (w.rule == 0 || w.since + per <= u->now || w.since > u->now)
		w = (RuleWindow){ .rule = rule->id, .kind = kind, .key = key, .since = u->now };
	*ret = w.count < limit;
	if (!*ret) {
		hold(g, rule, e,
		    str_fmt(u->arena, "%s%s: %lld passed since %s, which is the limit within %s",
			kind == WINDOW_ONCE ? "once_within" : "throttle", about(u->arena, gate, key).p,
			(long long)w.count, time_text(u->arena, w.since).p, duration_text(u->arena, per).p));
		return true;
	}
	w.count++;
	w.key = key;
	w.due = w.since + per;
	return rule_window_put(u->db, u->arena, &w, err);
}

/* ---- quiet ---- */

/* It was quiet, but nobody was there to see it: what waited acts now, before the next one takes its place. */
static bool
end_late(Uow *u, const RuleDef *rule, RuleWindow *w, Err *err)
{
	EventKept kept;

	if (w->rule == 0 || w->event == 0 || w->due > u->now)
		return true;
	if (!event_kept(u->db, u->arena, w->event, &kept, err) ||
	    (kept.id != 0 && !ingest_settled(u, rule, &kept, err)))
		return false;
	*w = (RuleWindow){ 0 };
	return true;
}

static bool
wait_for_quiet(Gates *g, const RuleDef *rule, const RuleExtras *x, const EventView *e, Err *err)
{
	Uow *u = g->u;
	Str key = key_of(g, rule, &x->debounce, e);
	RuleWindow w;

	if (!rule_window_get(u->db, u->arena, rule->id, WINDOW_DEBOUNCE, key, &w, err) || !end_late(u, rule, &w, err))
		return false;
	if (w.rule == 0)
		w = (RuleWindow){ .rule = rule->id, .kind = WINDOW_DEBOUNCE, .since = u->now };
	else if (w.event != 0 && w.event != e->id)
		hold(g, rule, &(EventView){ .id = w.event },
		    str_fmt(u->arena, "debounce%s: event %lld came before it was quiet",
			about(u->arena, &x->debounce, key).p, (long long)e->id));
	w.key = key;
	w.count++;
	w.event = e->id;
	w.due = u->now + x->quiet;
	if (x->max_wait != 0 && w.due > w.since + x->max_wait)
		w.due = w.since + x->max_wait;
	arm(g, w.due);
	hold(g, rule, e,
	    str_fmt(u->arena, "debounce%s: waits for quiet until %s", about(u->arena, &x->debounce, key).p,
		time_text(u->arena, w.due).p));
	return rule_window_put(u->db, u->arena, &w, err);
}

/* ---- several triggers ---- */

static Json
event_json(Arena *a, Id id, Str trigger_ref, const Json *payload, TimeUs created)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(id));
	json_add(a, &o, "trigger", json_str(trigger_ref));
	json_add(a, &o, "created", json_str(time_text(a, created)));
	json_add(a, &o, "payload", payload == NULL ? json_null() : *payload);
	return o;
}

/* The parts that this event is for get it. */
static bool
parts_fill(Gates *g, const RuleDef *rule, const RuleExtras *x, const EventView *e, Str key, Err *err)
{
	for (size_t i = 0; i < x->parts_n; i++) {
		RuleWindow w = { .rule = rule->id,
			.kind = WINDOW_PART,
			.part = x->parts[i].as,
			.key = key,
			.since = g->u->now,
			.due = g->u->now + x->within,
			.count = 1,
			.event = e->id };

		if (str_eq(x->parts[i].trigger_ref, e->trigger_ref) &&
		    condition_met(g->u->arena, x->parts[i].condition, e) &&
		    !rule_window_put(g->u->db, g->u->arena, &w, err))
			return false;
	}
	return true;
}

/* The events that are there, by name; *ret_missing names those that are not. */
static bool
parts_gather(Gates *g, const RuleExtras *x, const RuleWindow *found, size_t n, const EventView *e, Json *ret,
    Str *ret_missing, Err *err)
{
	Arena *a = g->u->arena;
	Buf missing = buf_open(a);

	*ret = json_object();
	for (size_t i = 0; i < x->parts_n; i++) {
		const RuleWindow *w = NULL;
		EventKept kept;

		for (size_t k = 0; k < n; k++)
			if (str_eq(found[k].part, x->parts[i].as) &&
			    (found[k].due > g->u->now || found[k].event == e->id))
				w = &found[k];
		if (w == NULL) {
			buf_fmt(&missing, "%s'%.*s'", missing.n > 0 ? ", " : "", STR_ARG(x->parts[i].as));
			continue;
		}
		if (!event_kept(g->u->db, a, w->event, &kept, err))
			return false;
		json_set_str(
		    a, ret, x->parts[i].as, event_json(a, w->event, kept.trigger_ref, &kept.payload, kept.created));
	}
	*ret_missing = buf_str(&missing);
	return true;
}

static bool
pass_parts(
    Gates *g, const RuleDef *rule, const RuleExtras *x, const EventView *e, bool *ret, Json *ret_events, Err *err)
{
	Uow *u = g->u;
	Str key = key_of(g, rule, &x->correlate, e), missing;
	RuleWindow *found;
	size_t n;

	if (!parts_fill(g, rule, x, e, key, err) ||
	    !rule_window_parts(u->db, u->arena, rule->id, key, &found, &n, err) ||
	    !parts_gather(g, x, found, n, e, ret_events, &missing, err))
		return false;
	*ret = !x->all || missing.n == 0;
	if (*ret)
		return !x->all || rule_window_drop(u->db, u->arena, rule->id, WINDOW_PART, key, err);
	hold(g, rule, e,
	    str_fmt(u->arena, "correlate%s: waits for %.*s within %s", about(u->arena, &x->correlate, key).p,
		STR_ARG(missing), duration_text(u->arena, x->within).p));
	return true;
}

/* ---- the last run goes on ---- */

static bool
pass_overlap(Gates *g, const RuleDef *rule, const RuleExtras *x, const EventView *e, bool *ret, Err *err)
{
	Uow *u = g->u;
	Id *runs;
	size_t n;
	bool waits;

	if (!rule_runs(u->db, u->arena, rule->id, rule->ref, &runs, &n, &waits, err))
		return false;
	*ret = x->overlap == OVERLAP_CANCEL || (n == 0 && !waits);
	if (!*ret)
		hold(g, rule, e,
		    n == 0 ? str_of("overlap: the tick before has not become a run yet")
			   : str_fmt(u->arena, "overlap: execution %lld goes on", (long long)runs[0]));
	for (size_t i = 0; *ret && i < n; i++) {
		ExecState state;
		Err why = { 0 };

		if (execution_cancel(u, runs[i], str_of("the next tick of its timer"), &state, &why))
			continue;
		if (why.code != ERR_CONFLICT && why.code != ERR_STALE &&
		    why.code != ERR_NOT_FOUND) { /* else it has just ended */
			*err = why;
			return false;
		}
	}
	return true;
}

bool
gates_pass(Gates *g, const RuleDef *rule, const RuleExtras *x, const EventView *e, bool settled, bool *ret_passes,
    Json *ret_events, Err *err)
{
	bool passes = true;

	*ret_events = json_null();
	if (x->correlate.on && !pass_parts(g, rule, x, e, &passes, ret_events, err))
		return false;
	if (passes && x->debounce.on && !settled) {
		*ret_passes = false;
		return wait_for_quiet(g, rule, x, e, err);
	}
	if (passes && x->once.on && !pass_count(g, rule, WINDOW_ONCE, &x->once, 1, x->once_within, e, &passes, err))
		return false;
	if (passes && x->throttle.on &&
	    !pass_count(g, rule, WINDOW_THROTTLE, &x->throttle, x->limit, x->per, e, &passes, err))
		return false;
	if (passes && x->overlap != OVERLAP_ALLOW && !pass_overlap(g, rule, x, e, &passes, err))
		return false;
	*ret_passes = passes;
	return true;
}
