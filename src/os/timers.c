#include "os/timers.h"

#include <stdio.h>
#include <stdlib.h>

static void
place(Timers *t, size_t at, Timer *timer)
{
	t->items[at] = timer;
	timer->at = at;
}

static void
rise(Timers *t, size_t at, Timer *timer)
{
	while (at > 0 && t->items[(at - 1) / 2]->due > timer->due) {
		place(t, at, t->items[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(t, at, timer);
}

static void
sink(Timers *t, size_t at, Timer *timer)
{
	size_t child;

	while ((child = 2 * at + 1) < t->n) {
		if (child + 1 < t->n && t->items[child + 1]->due < t->items[child]->due)
			child++;
		if (t->items[child]->due >= timer->due)
			break;
		place(t, at, t->items[child]);
		at = child;
	}
	place(t, at, timer);
}

static void
room(Timers *t)
{
	if (t->n < t->cap)
		return;
	t->cap = t->cap == 0 ? 64 : t->cap * 2;
	t->items = realloc(t->items, t->cap * sizeof(*t->items));
	if (t->items == NULL) {
		fprintf(stderr, "attune: out of memory for timers\n");
		abort();
	}
}

void
timers_clear(Timers *t, Timer *timer)
{
	Timer *last;

	if (timer->due == 0)
		return;
	timer->due = 0;
	last = t->items[--t->n];
	if (last == timer)
		return;
	sink(t, timer->at, last);
	rise(t, last->at, last);
}

void
timers_set(Timers *t, Timer *timer, TimeUs due)
{
	timers_clear(t, timer);
	room(t);
	timer->due = due;
	rise(t, t->n++, timer);
}

TimeUs
timers_next(const Timers *t)
{
	return t->n == 0 ? 0 : t->items[0]->due;
}

Timer *
timers_take(Timers *t, TimeUs now)
{
	Timer *first;

	if (t->n == 0 || t->items[0]->due > now)
		return NULL;
	first = t->items[0];
	timers_clear(t, first);
	return first;
}

void
timers_close(Timers *t)
{
	free(t->items);
	*t = (Timers){ 0 };
}
