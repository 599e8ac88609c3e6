#include "bus/bus_impl.h"

#include "base/map.h"

enum { OUTBOX_FIRST = 16 };

Outbox
outbox_open(Arena *a)
{
	return (Outbox){ .a = a };
}

MsgItem *
outbox_add(Outbox *o, MsgKind kind)
{
	OutMsg *m;

	if (o->n == o->cap) {
		size_t cap = o->cap == 0 ? OUTBOX_FIRST : o->cap * 2;

		o->msgs = arena_grow(o->a, o->msgs, o->cap * sizeof(OutMsg), cap * sizeof(OutMsg));
		o->cap = cap;
	}
	m = &o->msgs[o->n++];
	*m = (OutMsg){ .kind = kind };
	return &m->item;
}

typedef struct Grouping {
	Arena *a;
	Map open; /* kind and worker to the index of the group that still has room, plus one */
	OutGroup *groups;
	size_t n;
	size_t cap;
} Grouping;

static OutGroup *
group_add(Grouping *g, MsgKind kind, Id worker)
{
	if (g->n == g->cap) {
		size_t cap = g->cap == 0 ? OUTBOX_FIRST : g->cap * 2;

		g->groups = arena_grow(g->a, g->groups, g->cap * sizeof(OutGroup), cap * sizeof(OutGroup));
		g->cap = cap;
	}
	g->groups[g->n] = (OutGroup){ .kind = kind, .worker = worker };
	return &g->groups[g->n++];
}

/* The group that takes the next item of this kind and worker. A foreign-facing message holds one object only. */
static OutGroup *
group_for(Grouping *g, MsgKind kind, Id worker)
{
	int64_t key = (int64_t)((uint64_t)worker << 8 | kind);
	uintptr_t at;

	if (!topics[kind].internal)
		return group_add(g, kind, worker);
	at = (uintptr_t)map_get(&g->open, key);
	if (at != 0 && g->groups[at - 1].n < MSG_ITEMS_MAX)
		return &g->groups[at - 1];
	group_add(g, kind, worker);
	map_put(&g->open, key, (void *)(uintptr_t)g->n);
	return &g->groups[g->n - 1];
}

static void
group_item(Arena *a, OutGroup *t, const MsgItem *item)
{
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? (topics[t->kind].internal ? 4 : 1) : t->cap * 4;

		t->items = arena_grow(a, t->items, t->cap * sizeof(MsgItem), cap * sizeof(MsgItem));
		t->cap = cap;
	}
	t->items[t->n++] = *item;
}

size_t
outbox_group(Arena *a, const Outbox *o, OutGroup **ret)
{
	Grouping g = { .a = a, .open = map_open(a) };

	for (size_t i = 0; i < o->n; i++) {
		const OutMsg *m = &o->msgs[i];
		Id worker = topic_per_worker(m->kind) ? m->item.worker : 0;

		group_item(a, group_for(&g, m->kind, worker), &m->item);
	}
	*ret = g.groups;
	return g.n;
}
