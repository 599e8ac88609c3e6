#include "sensor/sensor.h"

#include "base/log.h"
#include "base/map.h"
#include "engine/moves.h"
#include "sensor/ticks.h"
#include "store/timer_mark.h"

#include <stdlib.h>

enum { BATCH = 256 };

struct SensorTurn {
	Uow *u;
	Ticks *timers;
	int64_t version; /* of the definitions the timers were made from */
	Id source;       /* the sensor that owns the timers */
	bool known;
};

SensorTurn *
sensor_turn_open(Uow *u)
{
	SensorTurn *t = calloc(1, sizeof(SensorTurn));

	if (t == NULL)
		abort();
	t->u = u;
	t->timers = ticks_open();
	return t;
}

void
sensor_turn_close(SensorTurn *t)
{
	if (t == NULL)
		return;
	ticks_close(t->timers);
	free(t);
}

/* ---- rules ---- */

/* The last stored tick of the rules that make up for missed ones; read only when such a rule begins to tick. */
typedef struct Marks {
	bool read;
	Map by_rule;
} Marks;

static bool
mark_of(SensorTurn *t, Marks *m, const RuleDef *rule, TimeUs *ret, Err *err)
{
	Uow *u = t->u;
	const TimerMark *found;
	TimerMark *all;
	size_t n;

	*ret = 0;
	if (json_is_null(json_get(&rule->trigger_params, "missed")))
		return true;
	if (!m->read) {
		if (!timer_mark_list(u->db, u->arena, &all, &n, err))
			return false;
		m->by_rule = map_open(u->arena);
		for (size_t i = 0; i < n; i++)
			map_put(&m->by_rule, all[i].rule, &all[i]);
		m->read = true;
	}
	found = map_get(&m->by_rule, rule->id);
	if (found != NULL && found->anchor == (rule->anchor != 0 ? rule->anchor : rule->created))
		*ret = found->due;
	return true;
}

static bool
rules_read(SensorTurn *t, Err *err)
{
	const RuleIndex *rules = defs_rules(t->u->e->defs);
	const TriggerDef *trigger = defs_trigger_ref(t->u->e->defs, str_of("core.intervaltimer"));
	TimeUs now = clock_wall(t->u->e->clock);
	Marks marks = { 0 };
	size_t at = 0;
	const RuleDef *r;

	t->source = trigger == NULL ? 0 : trigger->sensor;
	while ((r = rule_index_next(rules, &at)) != NULL) {
		TimeUs mark;
		Str problem;

		if (ticks_has(t->timers, r))
			continue;
		if (!mark_of(t, &marks, r, &mark, err))
			return false;
		ticks_put(t->timers, r, mark, now, &problem);
		if (!str_none(problem))
			log_warn("rule '%.*s' does not tick: %.*s", STR_ARG(r->ref), STR_ARG(problem));
	}
	return true;
}

/* Rules that are gone. */
static void
rules_forget(SensorTurn *t)
{
	const RuleIndex *rules = defs_rules(t->u->e->defs);
	Id *gone = arena_array(t->u->arena, Id, ticks_count(t->timers) + 1);
	size_t n = ticks_rules(t->timers, gone);

	for (size_t i = 0; i < n; i++)
		if (rule_index_get(rules, gone[i]) == NULL)
			ticks_drop(t->timers, gone[i]);
}

/* Takes over what changed since the last time; inside a transaction, between defs_enter and defs_leave. */
static bool
rules_refresh(SensorTurn *t, Err *err)
{
	int64_t version = defs_version(t->u->e->defs);

	if (t->known && version == t->version)
		return true;
	if (ticks_worn(t->timers)) {
		ticks_close(t->timers);
		t->timers = ticks_open();
	}
	rules_forget(t);
	if (!rules_read(t, err))
		return false;
	t->version = version;
	t->known = true;
	return true;
}

bool
sensor_turn_rules(SensorTurn *t, Err *err)
{
	Uow *u = t->u;
	bool ok;

	if (!uow_begin(u, err))
		return false;
	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	ok = rules_refresh(t, err);
	defs_leave(u->e->defs);
	return ok && uow_commit(u, &points_ingest, err);
}

/* ---- ticks ---- */

static void
add_time(Arena *a, Json *p, const char *key, TimeUs t)
{
	json_add(a, p, key, json_str(time_text(a, t)));
}

static void
interval_payload(Arena *a, Json *p, const Tick *k, TimeUs now)
{
	json_add(a, p, "type", json_cstr("interval"));
	json_add(a, p, "interval_seconds", json_int(k->schedule->every / US_PER_S));
	add_time(a, p, "fired_at", now);
	json_add(a, p, "execution_count", json_int(k->due.n));
}

static void
cron_payload(Arena *a, Json *p, const Tick *k, TimeUs now)
{
	Due next = k->due;
	bool more = schedule_on(k->schedule, &next);

	json_add(a, p, "type", json_cstr("cron"));
	add_time(a, p, "fired_at", now);
	add_time(a, p, "scheduled_at", k->due.at);
	json_add(a, p, "expression", json_str(k->schedule->text));
	json_add(a, p, "timezone", json_str(k->schedule->zone->name));
	json_add(a, p, "next_fire_at", more ? json_str(time_text(a, next.at)) : json_cstr("unknown"));
	json_add(a, p, "execution_count", json_int(k->due.n));
}

static Json
delay_ms(const Tick *k, TimeUs now)
{
	return json_int(now > k->due.at ? (now - k->due.at) / US_PER_MS : 0);
}

static void
once_payload(Arena *a, Json *p, const Tick *k, TimeUs now)
{
	json_add(a, p, "type", json_cstr("one_shot"));
	json_add(a, p, "fire_at", json_str(k->schedule->text));
	add_time(a, p, "fired_at", now);
	json_add(a, p, "timezone", json_str(k->schedule->zone->name));
	json_add(a, p, "delay_ms", delay_ms(k, now));
}

static void
rrule_payload(Arena *a, Json *p, const Tick *k, TimeUs now)
{
	json_add(a, p, "type", json_cstr("rrule"));
	add_time(a, p, "fired_at", now);
	add_time(a, p, "scheduled_at", k->due.at);
	json_add(a, p, "delay_ms", delay_ms(k, now));
	json_add(a, p, "execution_count", json_int(k->due.n));
}

static const struct {
	const char *trigger_ref;
	void (*payload)(Arena *a, Json *p, const Tick *k, TimeUs now);
} kinds[] = {
	[SCHEDULE_INTERVAL] = { "core.intervaltimer", interval_payload },
	[SCHEDULE_CRON] = { "core.crontimer", cron_payload },
	[SCHEDULE_ONCE] = { "core.datetimetimer", once_payload },
	[SCHEDULE_RRULE] = { "core.rruletimer", rrule_payload },
};

static EventIn
tick_event(SensorTurn *t, const Tick *k)
{
	Arena *a = t->u->arena;
	Json *payload = arena_new(a, Json);

	*payload = json_object();
	kinds[k->schedule->kind].payload(a, payload, k, t->u->now);
	json_add(a, payload, "sensor_ref", json_cstr("core.timer_sensor"));
	return (EventIn){
		.trigger_ref = str_of(kinds[k->schedule->kind].trigger_ref),
		.rule = k->rule,
		.source = t->source,
		.source_ref = str_of("core.timer_sensor"),
		.payload = payload,
		.tick_key = tick_key(a, k),
	};
}

/* Rules that make up for missed ticks remember how far they are. */
static bool
marks_put(Uow *u, const Tick *ticks, size_t n, Err *err)
{
	TimerMark *marks = arena_array(u->arena, TimerMark, n);
	size_t marks_n = 0;

	for (size_t i = 0; i < n; i++)
		if (ticks[i].schedule->missed != MISSED_SKIP)
			marks[marks_n++] = (TimerMark){ ticks[i].rule, ticks[i].anchor, ticks[i].due.at };
	return timer_mark_put(u->db, u->arena, marks, marks_n, err);
}

static void
say_fired(const EventIn *in, const EventOut *out, const Tick *ticks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		LogField fields[] = { log_int("rule", in[i].rule), log_int("event", out[i].id),
			log_int("enforcements", (int64_t)out[i].enforcements) };

		if (out[i].id != 0)
			log_line(LOG_INFO, fields, countof(fields), "Timer of rule %lld fired (tick %lld)",
			    (long long)in[i].rule, (long long)ticks[i].due.n);
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
	if (!ingest(u, in, n, out, err) || !marks_put(u, ticks, n, err) || !uow_commit(u, &points_ingest, err))
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
		while (n < BATCH && ticks_due(t->timers, now, &ticks[n]))
			n++;
		if (n > 0 && !ticks_store(t, ticks, n, err)) {
			ticks_again(t->timers, ticks, n); /* they are due until they are stored */
			return false;
		}
	} while (n == BATCH);
	*ret_next = ticks_next(t->timers);
	return true;
}
