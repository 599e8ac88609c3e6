#include "sensor/timers.h"

#include "base/map.h"
#include "base/names.h"

#include <stdlib.h>

typedef struct Timer {
	Id rule;
	TimeUs anchor, interval, due;
	int64_t n;
	size_t at; /* place in the heap; SIZE_MAX: not in it */
} Timer;

struct Timers {
	Arena *arena;
	Map by_rule;
	Timer **heap; /* least due first */
	size_t n, cap;
};

Timers *
timers_open(void)
{
	Arena *a = arena_open();
	Timers *t = arena_new(a, Timers);

	t->arena = a;
	t->by_rule = map_open(a);
	return t;
}

void
timers_close(Timers *t)
{
	if (t == NULL)
		return;
	free(t->heap);
	arena_close(t->arena);
}

/* ---- the heap ---- */

static bool
before(const Timer *a, const Timer *b)
{
	return a->due != b->due ? a->due < b->due : a->rule < b->rule;
}

static void
heap_set(Timers *t, size_t at, Timer *x)
{
	t->heap[at] = x;
	x->at = at;
}

static void
heap_up(Timers *t, size_t at)
{
	Timer *x = t->heap[at];

	while (at > 0 && before(x, t->heap[(at - 1) / 2])) {
		heap_set(t, at, t->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_set(t, at, x);
}

static void
heap_down(Timers *t, size_t at)
{
	Timer *x = t->heap[at];

	for (;;) {
		size_t child = at * 2 + 1;

		if (child >= t->n)
			break;
		if (child + 1 < t->n && before(t->heap[child + 1], t->heap[child]))
			child++;
		if (!before(t->heap[child], x))
			break;
		heap_set(t, at, t->heap[child]);
		at = child;
	}
	heap_set(t, at, x);
}

static void
heap_add(Timers *t, Timer *x)
{
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->heap = realloc(t->heap, t->cap * sizeof(*t->heap));
		if (t->heap == NULL)
			abort();
	}
	t->heap[t->n] = x;
	heap_up(t, t->n++);
}

static void
heap_take(Timers *t, Timer *x)
{
	size_t at = x->at;
	Timer *last = t->heap[--t->n];

	x->at = SIZE_MAX;
	if (last == x)
		return;
	heap_set(t, at, last);
	heap_up(t, at);
	heap_down(t, last->at);
}

/* ---- rules ---- */

bool
timer_interval(const Json *params, TimeUs *ret, Str *ret_problem)
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
timer_aim(Timer *x, TimeUs now)
{
	int64_t n = now <= x->anchor ? 1 : (now - x->anchor + x->interval - 1) / x->interval;

	x->n = n < 1 ? 1 : n;
	x->due = x->anchor + x->n * x->interval;
}

void
timers_put(Timers *t, const RuleDef *rule, TimeUs now, Str *ret_problem)
{
	Timer *x = map_get(&t->by_rule, rule->id);
	TimeUs anchor = rule->anchor != 0 ? rule->anchor : rule->created;
	TimeUs interval;

	*ret_problem = (Str){ 0 };
	if (!rule->enabled || !str_is(rule->trigger_ref, "core.intervaltimer") ||
	    !timer_interval(&rule->trigger_params, &interval, ret_problem)) {
		timers_drop(t, rule->id);
		return;
	}
	if (x != NULL && x->at != SIZE_MAX && x->anchor == anchor && x->interval == interval)
		return;
	if (x == NULL) {
		x = arena_new(t->arena, Timer);
		x->rule = rule->id;
		x->at = SIZE_MAX;
		map_put(&t->by_rule, rule->id, x);
	}
	if (x->at != SIZE_MAX)
		heap_take(t, x);
	x->anchor = anchor;
	x->interval = interval;
	timer_aim(x, now);
	heap_add(t, x);
}

void
timers_drop(Timers *t, Id rule)
{
	Timer *x = map_get(&t->by_rule, rule);

	if (x != NULL && x->at != SIZE_MAX)
		heap_take(t, x);
}

size_t
timers_count(const Timers *t)
{
	return t->n;
}

TimeUs
timers_next(const Timers *t)
{
	return t->n == 0 ? 0 : t->heap[0]->due;
}

bool
timers_due(Timers *t, TimeUs now, Tick *ret)
{
	Timer *x = t->n == 0 ? NULL : t->heap[0];

	if (x == NULL || x->due > now)
		return false;
	*ret = (Tick){ .rule = x->rule, .n = x->n, .due = x->due, .anchor = x->anchor, .interval = x->interval };
	timer_aim(x, now + 1);
	heap_down(t, 0);
	return true;
}

void
timers_again(Timers *t, const Tick *ticks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		Timer *x = map_get(&t->by_rule, ticks[i].rule);

		if (x == NULL || x->at == SIZE_MAX || x->anchor != ticks[i].anchor || x->n <= ticks[i].n)
			continue;
		x->n = ticks[i].n;
		x->due = ticks[i].due;
		heap_up(t, x->at);
	}
}

size_t
timers_rules(const Timers *t, Id *ret)
{
	for (size_t i = 0; i < t->n; i++)
		ret[i] = t->heap[i]->rule;
	return t->n;
}
