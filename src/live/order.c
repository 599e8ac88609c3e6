#include "live/order.h"

#include "model/lifecycle.h"

#include <stdlib.h>

enum {
	KNOWN = 16384, /* rows whose state is remembered, by the low bits of their id */
	HELD_MOST = 4096,
	HELD_US = 50 * US_PER_MS,
};

/* The state of a row after the last change that was told. */
typedef struct Known {
	Id id;
	const char *status;
} Known;

typedef struct Held {
	ToldItem item;
	TimeUs until;
} Held;

struct Order {
	Known *known; /* KNOWN of each subject; pages that nobody wrote cost nothing */
	Held held[HELD_MOST];
	size_t held_n;
};

static Known *
known_new(void)
{
	Known *k = calloc((size_t)SUBJECTS * KNOWN, sizeof(Known));

	if (k == NULL)
		abort();
	return k;
}

Order *
order_open(void)
{
	Order *o = calloc(1, sizeof(Order));

	if (o == NULL)
		abort();
	o->known = known_new();
	return o;
}

void
order_close(Order *o)
{
	if (o == NULL)
		return;
	free(o->known);
	free(o);
}

void
order_forget(Order *o)
{
	free(o->known);
	o->known = known_new();
	o->held_n = 0;
}

TimeUs
order_due(const Order *o)
{
	return o->held_n == 0 ? 0 : o->held[0].until;
}

/* States as constants: what is remembered outlives the message. NULL for what has no states that follow each other. */
static const char *
constant(Str status)
{
	static const char *const others[] = { "created", "processed", "disabled" };
	ExecState s = exec_state_of(status);

	if (s != EXEC_NONE)
		return exec_state_name(s);
	for (size_t i = 0; i < countof(others); i++)
		if (str_is(status, others[i]))
			return others[i];
	return NULL;
}

static Known *
known_of(Order *o, const ToldItem *t)
{
	return &o->known[(size_t)change_rows[t->kind].subject * KNOWN + (uint64_t)t->id % KNOWN];
}

/* May it be told now? Whatever says nothing of a state before follows nothing. */
static bool
follows_known(Order *o, const ToldItem *t)
{
	const Known *k = known_of(o, t);

	return str_none(t->previous) || (k->id == t->id && str_is(t->previous, k->status));
}

static void
let_go(Order *o, const ToldItem *t, Told *ret)
{
	const char *status = constant(t->status);

	ret->items[ret->n++] = *t;
	if (status != NULL)
		*known_of(o, t) = (Known){ t->id, status };
}

/* One change may be what several wait for, one after the other. */
static void
held_try(Order *o, TimeUs now, Told *ret)
{
	bool again = true;

	while (again) {
		size_t kept = 0;

		again = false;
		for (size_t i = 0; i < o->held_n; i++) {
			const Held *h = &o->held[i];

			if (follows_known(o, &h->item) || h->until <= now) {
				let_go(o, &h->item, ret);
				again = true;
			} else {
				o->held[kept++] = *h;
			}
		}
		o->held_n = kept;
	}
}

void
order_sort(Order *o, Arena *a, const Told *told, TimeUs now, Told *ret)
{
	*ret = (Told){ .items = arena_array(a, ToldItem, told->n + o->held_n + 1) };
	held_try(o, now, ret);
	for (size_t i = 0; i < told->n; i++) {
		ToldItem t = told->items[i];
		const char *status = constant(t.status), *previous = constant(t.previous);

		t.status = status == NULL ? t.status : str_of(status);
		t.previous = previous == NULL ? (Str){ 0 } : str_of(previous);
		if (!follows_known(o, &t) && o->held_n < HELD_MOST) {
			o->held[o->held_n++] = (Held){ t, now + HELD_US };
			continue;
		}
		let_go(o, &t, ret);
	}
	held_try(o, now, ret);
}
