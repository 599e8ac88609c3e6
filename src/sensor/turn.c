#include "sensor/sensor.h"

#include "base/log.h"
#include "engine/moves.h"
#include "sensor/intervals.h"

#include <stdlib.h>

enum { BATCH = 256 };

struct SensorTurn {
	Uow *u;
	Intervals *timers;
	int64_t version; /* of the definitions the timers were made from */
	Id source;       /* the sensor that owns the interval timer */
	bool known;
};

SensorTurn *
sensor_turn_open(Uow *u)
{
	SensorTurn *t = calloc(1, sizeof(SensorTurn));

	if (t == NULL)
		abort();
	t->u = u;
	t->timers = intervals_open();
	return t;
}

void
sensor_turn_close(SensorTurn *t)
{
	if (t == NULL)
		return;
	intervals_close(t->timers);
	free(t);
}

/* ---- rules ---- */

static void
rules_read(SensorTurn *t)
{
	const RuleIndex *rules = defs_rules(t->u->e->defs);
	const TriggerDef *trigger = defs_trigger_ref(t->u->e->defs, str_of("core.intervaltimer"));
	TimeUs now = clock_wall(t->u->e->clock);
	size_t at = 0;
	const RuleDef *r;

	t->source = trigger == NULL ? 0 : trigger->sensor;
	while ((r = rule_index_next(rules, &at)) != NULL) {
		Str problem;

		intervals_put(t->timers, r, now, &problem);
		if (!str_none(problem))
			log_warn("rule '%.*s' does not tick: %.*s", STR_ARG(r->ref), STR_ARG(problem));
	}
}

/* Rules that are gone. */
static void
rules_forget(SensorTurn *t)
{
	const RuleIndex *rules = defs_rules(t->u->e->defs);
	Id *gone = arena_array(t->u->arena, Id, intervals_count(t->timers) + 1);
	size_t n = intervals_rules(t->timers, gone);

	for (size_t i = 0; i < n; i++)
		if (rule_index_get(rules, gone[i]) == NULL)
			intervals_drop(t->timers, gone[i]);
}

/* Takes over what changed since the last time; inside a transaction, between defs_enter and defs_leave. */
static void
rules_refresh(SensorTurn *t)
{
	int64_t version = defs_version(t->u->e->defs);

	if (t->known && version == t->version)
		return;
	rules_forget(t);
	rules_read(t);
	t->version = version;
	t->known = true;
}

bool
sensor_turn_rules(SensorTurn *t, Err *err)
{
	Uow *u = t->u;

	if (!uow_begin(u, err))
		return false;
	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	rules_refresh(t);
	defs_leave(u->e->defs);
	return uow_commit(u, &points_ingest, err);
}

/* ---- ticks ---- */

static Json
tick_payload(Arena *a, const Tick *k, TimeUs now)
{
	Json p = json_object();

	json_add(a, &p, "type", json_cstr("interval"));
	json_add(a, &p, "interval_seconds", json_int(k->interval / US_PER_S));
	json_add(a, &p, "fired_at", json_str(time_text(a, now)));
	json_add(a, &p, "execution_count", json_int(k->n));
	json_add(a, &p, "sensor_ref", json_cstr("core.timer_sensor"));
	return p;
}

static EventIn
tick_event(SensorTurn *t, const Tick *k)
{
	Arena *a = t->u->arena;
	Json *payload = arena_new(a, Json);

	*payload = tick_payload(a, k, t->u->now);
	return (EventIn){
		.trigger_ref = str_of("core.intervaltimer"),
		.rule = k->rule,
		.source = t->source,
		.source_ref = str_of("core.timer_sensor"),
		.payload = payload,
		.tick_key =
		    str_fmt(a, "rule:%lld:%lld:%lld", (long long)k->rule, (long long)k->anchor, (long long)k->n),
	};
}

static void
say_fired(const EventIn *in, const EventOut *out, const Tick *ticks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		LogField fields[] = { log_int("rule", in[i].rule), log_int("event", out[i].id),
			log_int("enforcements", (int64_t)out[i].enforcements) };

		if (out[i].id != 0)
			log_line(LOG_INFO, fields, countof(fields), "Timer of rule %lld fired (tick %lld)",
			    (long long)in[i].rule, (long long)ticks[i].n);
	}
}

static bool
ticks_store(SensorTurn *t, const Tick *ticks, size_t n, Err *err)
{
	Uow *u = t->u;
	EventIn *in;
	EventOut *out;

	if (!uow_begin(u, err))
		return false;
	in = arena_array(u->arena, EventIn, n);
	out = arena_array(u->arena, EventOut, n);
	for (size_t i = 0; i < n; i++)
		in[i] = tick_event(t, &ticks[i]);
	if (!ingest(u, in, n, out, err) || !uow_commit(u, &points_ingest, err))
		return false;
	say_fired(in, out, ticks, n);
	return true;
}

bool
sensor_turn_fire(SensorTurn *t, TimeUs *ret_next, Err *err)
{
	Tick ticks[BATCH];
	size_t n;

	do {
		TimeUs now = clock_wall(t->u->e->clock);

		n = 0;
		while (n < BATCH && intervals_due(t->timers, now, &ticks[n]))
			n++;
		if (n > 0 && !ticks_store(t, ticks, n, err)) {
			intervals_again(t->timers, ticks, n); /* they are due until they are stored */
			return false;
		}
	} while (n == BATCH);
	*ret_next = intervals_next(t->timers);
	return true;
}
