#include "sensor/ticks.h"

#include "base/map.h"
#include "os/timers.h"

#include <stdlib.h>

enum {
	GRACE_S = 60,    /* so late a tick may be when a process begins */
	ALL_MOST = 1000, /* missed ticks of one rule that are made up for */
	GARBAGE_MOST = 5000,
};

typedef struct Ticker {
	Timer timer; /* set while the rule ticks */
	Id rule;
	TimeUs anchor; /* of the rule as it was put: rises with every change that matters */
	Due next;
	bool behind; /* several were due at once, and those too old to be made up for are left out already */
	Schedule schedule;
} Ticker;

struct Ticks {
	Arena *arena;
	Zones zones;
	Map by_rule;
	Timers due;
	size_t garbage; /* schedules that nobody needs any more */
};

Ticks *
ticks_open(void)
{
	Ticks *t = calloc(1, sizeof(Ticks));

	if (t == NULL)
		abort();
	t->arena = arena_open();
	t->zones = zones_open(t->arena);
	t->by_rule = map_open(t->arena);
	return t;
}

void
ticks_close(Ticks *t)
{
	if (t == NULL)
		return;
	timers_close(&t->due);
	arena_close(t->arena);
	free(t);
}

static bool
ticking(const Ticker *x)
{
	return x != NULL && x->timer.due != 0;
}

static TimeUs
anchor_of(const RuleDef *rule)
{
	return rule->anchor != 0 ? rule->anchor : rule->created;
}

/* ---- aiming ---- */

static void
ticker_aim(Ticks *t, Ticker *x, bool more)
{
	if (more)
		timers_set(&t->due, &x->timer, x->next.at + schedule_jitter(&x->schedule, x->rule, x->next.at));
	else if (ticking(x))
		timers_clear(&t->due, &x->timer);
}

/* The oldest of the missed ones that is still made up for. */
static bool
first_of_all(const Schedule *s, TimeUs since, TimeUs now, Due *ret)
{
	Due last, d;

	if (!schedule_last(s, since, now, &last) || !schedule_next(s, since, &d))
		return schedule_next(s, since, ret);
	for (int64_t skip = last.n - d.n + 1 - ALL_MOST; skip > 0; skip--)
		if (!schedule_on(s, &d))
			return false;
	*ret = d;
	return true;
}

/* Where a timer begins: with a tick that was missed, or the next one. */
static bool
first_tick(const Schedule *s, TimeUs mark, TimeUs now, Due *ret)
{
	TimeUs since = mark > s->anchor ? mark : s->anchor;
	TimeUs late = now - (TimeUs)GRACE_S * US_PER_S;

	if (s->missed == MISSED_ALL)
		return first_of_all(s, since, now, ret);
	if (s->missed == MISSED_SKIP)
		since = late;
	return schedule_last(s, since, now, ret) || schedule_next(s, now, ret);
}

/* The machine slept, or the clock was set: of several that are due at once a rule that makes up for one has the last. */
static void
last_of_many(Ticker *x, TimeUs now)
{
	Due d = x->next;

	if (x->schedule.missed == MISSED_ONE && schedule_on(&x->schedule, &d) && d.at <= now)
		(void)schedule_last(&x->schedule, x->next.at - 1, now, &x->next);
}

/* From a tick that was taken at `now` to the next one. */
static bool
following(Ticker *x, TimeUs now)
{
	const Schedule *s = &x->schedule;
	bool behind = x->behind;

	if (!schedule_on(s, &x->next))
		return false;
	x->behind = x->next.at <= now && s->missed == MISSED_ALL;
	if (x->next.at > now || (x->behind && behind))
		return true;
	return x->behind ? first_of_all(s, x->next.at - 1, now, &x->next) : schedule_next(s, now, &x->next);
}

/* ---- rules ---- */

static Ticker *
ticker_make(Ticks *t, Id rule)
{
	Ticker *x = arena_new(t->arena, Ticker);

	x->rule = rule;
	x->timer.owner = x;
	map_put(&t->by_rule, rule, x);
	return x;
}

bool
ticks_worn(const Ticks *t)
{
	return t->garbage > GARBAGE_MOST && t->garbage > t->due.n;
}

bool
ticks_has(const Ticks *t, const RuleDef *rule)
{
	const Ticker *x = map_get(&t->by_rule, rule->id);

	return x != NULL && x->anchor == anchor_of(rule) && rule->enabled && schedule_for(rule->trigger_ref);
}

void
ticks_put(Ticks *t, const RuleDef *rule, TimeUs mark, TimeUs now, Str *ret_problem)
{
	Ticker *x;
	Schedule s;
	Err err = { 0 };

	*ret_problem = (Str){ 0 };
	if (ticks_has(t, rule))
		return;
	ticks_drop(t, rule->id);
	if (!rule->enabled || !schedule_for(rule->trigger_ref))
		return;
	x = ticker_make(t, rule->id);
	x->anchor = anchor_of(rule);
	if (!schedule_compile(t->arena, &t->zones, rule->trigger_ref, &rule->trigger_params, x->anchor, &s, &err)) {
		*ret_problem = str_copy(t->arena, str_of(err.text));
		return;
	}
	x->schedule = s;
	x->schedule.text = str_copy(t->arena, s.text);
	ticker_aim(t, x, first_tick(&x->schedule, mark, now, &x->next));
}

void
ticks_drop(Ticks *t, Id rule)
{
	Ticker *x = map_get(&t->by_rule, rule);

	if (ticking(x))
		timers_clear(&t->due, &x->timer);
	if (x == NULL)
		return;
	map_put(&t->by_rule, rule, NULL);
	t->garbage++;
}

size_t
ticks_count(const Ticks *t)
{
	return t->due.n;
}

TimeUs
ticks_next(const Ticks *t)
{
	return timers_next(&t->due);
}

bool
ticks_due(Ticks *t, TimeUs now, Tick *ret)
{
	Timer *timer = timers_take(&t->due, now);
	Ticker *x;

	if (timer == NULL)
		return false;
	x = timer->owner;
	last_of_many(x, now);
	*ret = (Tick){ .rule = x->rule, .due = x->next, .anchor = x->anchor, .schedule = &x->schedule };
	ticker_aim(t, x, following(x, now));
	return true;
}

void
ticks_again(Ticks *t, const Tick *ticks, size_t n)
{
	for (size_t i = n; i-- > 0;) { /* of several of one rule the first is the next */
		Ticker *x = map_get(&t->by_rule, ticks[i].rule);

		if (x == NULL || x->anchor != ticks[i].anchor)
			continue;
		x->next = ticks[i].due;
		ticker_aim(t, x, true);
	}
}

size_t
ticks_rules(const Ticks *t, Id *ret)
{
	for (size_t i = 0; i < t->due.n; i++)
		ret[i] = ((const Ticker *)t->due.items[i]->owner)->rule;
	return t->due.n;
}

Str
tick_key(Arena *a, const Tick *k)
{
	/* the number of an interval's tick; of others the second, which stays what it is when the rules of a zone change */
	int64_t which = k->schedule->kind == SCHEDULE_INTERVAL ? k->due.n : k->due.at / US_PER_S;

	return str_fmt(a, "rule:%lld:%lld:%lld", (long long)k->rule, (long long)k->anchor, (long long)which);
}
