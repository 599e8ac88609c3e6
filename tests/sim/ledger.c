#include "ledger.h"

#include <stdlib.h>

void
ledger_close(Ledger *l)
{
	free(l->starts);
	free(l->lost);
	free(l->sensors);
	free(l->rules);
	free(l->notes);
	free(l->events);
	free(l->signals);
	*l = (Ledger){ 0 };
}

/* Room for one more; the old contents stay. */
static void *
room(void *items, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return items;
	*cap = *cap == 0 ? 64 : *cap * 2;
	items = realloc(items, *cap * size);
	if (items == NULL)
		abort();
	return items;
}

size_t
ledger_start(Ledger *l, Start start)
{
	l->starts = room(l->starts, l->starts_n, &l->starts_cap, sizeof(*l->starts));
	l->starts[l->starts_n] = start;
	return l->starts_n++;
}

void
ledger_lost(Ledger *l, Id worker, TimeUs from, TimeUs to)
{
	l->lost = room(l->lost, l->lost_n, &l->lost_cap, sizeof(*l->lost));
	l->lost[l->lost_n++] = (Lost){ worker, from, to };
}

size_t
ledger_sensor(Ledger *l, Span span)
{
	l->sensors = room(l->sensors, l->sensors_n, &l->sensors_cap, sizeof(*l->sensors));
	l->sensors[l->sensors_n] = span;
	return l->sensors_n++;
}

size_t
ledger_rule(Ledger *l, Span span)
{
	l->rules = room(l->rules, l->rules_n, &l->rules_cap, sizeof(*l->rules));
	l->rules[l->rules_n] = span;
	return l->rules_n++;
}

void
ledger_event(Ledger *l, Id event)
{
	l->events = room(l->events, l->events_n, &l->events_cap, sizeof(*l->events));
	l->events[l->events_n++] = event;
}

void
ledger_signal(Ledger *l, Id event)
{
	l->signals = room(l->signals, l->signals_n, &l->signals_cap, sizeof(*l->signals));
	l->signals[l->signals_n++] = event;
}

RunNote *
ledger_note(Ledger *l, Id execution)
{
	size_t need = (size_t)execution + 1;

	if (need > l->notes_n) {
		size_t n = need * 2;

		l->notes = realloc(l->notes, n * sizeof(RunNote));
		if (l->notes == NULL)
			abort();
		memset(l->notes + l->notes_n, 0, (n - l->notes_n) * sizeof(RunNote));
		l->notes_n = n;
	}
	return &l->notes[execution];
}
