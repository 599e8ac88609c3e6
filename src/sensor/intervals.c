#include "sensor/intervals.h"

#include "base/map.h"
#include "base/names.h"
#include "os/timers.h"

typedef struct Interval {
	Timer timer; /* set while the rule ticks */
	Id rule;
	TimeUs anchor, interval;
	int64_t n; /* of the tick that is due next */
} Interval;

struct Intervals {
	Arena *arena;
	Map by_rule;
	Timers due;
};

Intervals *
intervals_open(void)
{
	Arena *a = arena_open();
	Intervals *t = arena_new(a, Intervals);

	t->arena = a;
	t->by_rule = map_open(a);
	return t;
}

void
intervals_close(Intervals *t)
{
	if (t == NULL)
		return;
	timers_close(&t->due);
	arena_close(t->arena);
}

static bool
ticking(const Interval *x)
{
	return x != NULL && x->timer.due != 0;
}

/* ---- rules ---- */

bool
interval_of(const Json *params, TimeUs *ret, Str *ret_problem)
{
	static const char *const units[] = { "seconds", "minutes", "hours", "days" };
	static const int64_t seconds[] = { 1, 60, 3600, 86400 };
	enum { MOST = 100 * 366 }; /* days */
	const Json *unit = json_get(params, "unit");
	const Json *interval = json_get(params, "interval");
	int which = json_is_null(unit) ? 0 : name_index(units, countof(units), json_as_str(unit));
	int64_t n = json_is_null(interval) ? 60 : json_as_int(interval, 0);

	if (which < 0) {
		*ret_problem = str_of("unit must be seconds, minutes, hours or days");
		return false;
	}
	if (n <= 0 || n > (int64_t)MOST * 86400 / seconds[which]) {
		*ret_problem = str_of("interval must be a whole number above 0");
		return false;
	}
	*ret = n * seconds[which] * US_PER_S;
	return true;
}

/* The first tick not before now; those missed are skipped. */
static void
interval_aim(Intervals *t, Interval *x, TimeUs now)
{
	int64_t n = now <= x->anchor ? 1 : (now - x->anchor + x->interval - 1) / x->interval;

	x->n = n < 1 ? 1 : n;
	timers_set(&t->due, &x->timer, x->anchor + x->n * x->interval);
}

static Interval *
interval_make(Intervals *t, Id rule)
{
	Interval *x = arena_new(t->arena, Interval);

	x->rule = rule;
	x->timer.owner = x;
	map_put(&t->by_rule, rule, x);
	return x;
}

void
intervals_put(Intervals *t, const RuleDef *rule, TimeUs now, Str *ret_problem)
{
	Interval *x = map_get(&t->by_rule, rule->id);
	TimeUs anchor = rule->anchor != 0 ? rule->anchor : rule->created;
	TimeUs interval;

	*ret_problem = (Str){ 0 };
	if (!rule->enabled || !str_is(rule->trigger_ref, "core.intervaltimer") ||
	    !interval_of(&rule->trigger_params, &interval, ret_problem)) {
		intervals_drop(t, rule->id);
		return;
	}
	if (ticking(x) && x->anchor == anchor && x->interval == interval)
		return;
	if (x == NULL)
		x = interval_make(t, rule->id);
	x->anchor = anchor;
	x->interval = interval;
	interval_aim(t, x, now);
}

void
intervals_drop(Intervals *t, Id rule)
{
	Interval *x = map_get(&t->by_rule, rule);

	if (ticking(x))
		timers_clear(&t->due, &x->timer);
}

size_t
intervals_count(const Intervals *t)
{
	return t->due.n;
}

TimeUs
intervals_next(const Intervals *t)
{
	return timers_next(&t->due);
}

bool
intervals_due(Intervals *t, TimeUs now, Tick *ret)
{
	TimeUs due = timers_next(&t->due);
	Timer *timer = due == 0 ? NULL : timers_take(&t->due, now);
	Interval *x;

	if (timer == NULL)
		return false;
	x = timer->owner;
	*ret = (Tick){ .rule = x->rule, .n = x->n, .due = due, .anchor = x->anchor, .interval = x->interval };
	interval_aim(t, x, now + 1);
	return true;
}

void
intervals_again(Intervals *t, const Tick *ticks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		Interval *x = map_get(&t->by_rule, ticks[i].rule);

		if (!ticking(x) || x->anchor != ticks[i].anchor || x->n <= ticks[i].n)
			continue;
		x->n = ticks[i].n;
		timers_set(&t->due, &x->timer, ticks[i].due);
	}
}

size_t
intervals_rules(const Intervals *t, Id *ret)
{
	for (size_t i = 0; i < t->due.n; i++)
		ret[i] = ((const Interval *)t->due.items[i]->owner)->rule;
	return t->due.n;
}
