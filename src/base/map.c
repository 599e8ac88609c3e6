#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

enum { CAP_FIRST = 16, VEC_FIRST = 8 };

/* name.p is NULL for an integer key; for a string key `key` is its hash. A live slot has a value; a deleted one has no value and the
 * name `dead`: a search goes on past it. */
struct MapSlot {
	int64_t key;
	Str name;
	void *value;
};

static const char dead[1];

static size_t
mix(int64_t key)
{
	uint64_t x = (uint64_t)key;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return (size_t)(x ^ (x >> 31));
}

static bool
is_empty(const MapSlot *s)
{
	return s->value == NULL && s->name.p != dead;
}

static bool
same(const MapSlot *s, int64_t key, Str name)
{
	if (s->value == NULL || s->key != key || str_none(s->name) != str_none(name))
		return false;
	return str_none(name) || str_eq(s->name, name);
}

/* The slot of the key, or NULL; *ret_free is where it would go. */
static MapSlot *
find(const Map *m, int64_t key, Str name, MapSlot **ret_free)
{
	size_t i = mix(key) & (m->cap - 1);
	MapSlot *free_slot = NULL;

	for (;; i = (i + 1) & (m->cap - 1)) {
		MapSlot *s = &m->slots[i];

		if (same(s, key, name))
			return s;
		if (s->value == NULL && free_slot == NULL)
			free_slot = s;
		if (is_empty(s))
			break;
	}
	if (ret_free != NULL)
		*ret_free = free_slot;
	return NULL;
}

static void
insert_all(Map *m, const MapSlot *from, size_t count)
{
	MapSlot *to = NULL;

	m->used = m->n;
	for (size_t i = 0; i < count; i++) {
		if (from[i].value == NULL)
			continue;
		find(m, from[i].key, from[i].name, &to);
		*to = from[i];
	}
}

/* Deleted slots have filled the table: the same memory is used again, so that churn does not grow the arena. */
static void
tidy(Map *m)
{
	size_t size = m->cap * sizeof(MapSlot);
	MapSlot *before = malloc(size);

	if (before == NULL) {
		fprintf(stderr, "attune: out of memory (%zu bytes)\n", size);
		abort();
	}
	memcpy(before, m->slots, size);
	memset(m->slots, 0, size);
	insert_all(m, before, m->cap);
	free(before);
}

static void
make_room(Map *m)
{
	const MapSlot *before = m->slots;
	size_t count = m->cap;

	if ((m->used + 1) * 4 <= m->cap * 3)
		return;
	if (m->n * 2 < m->cap && m->cap > 0) {
		tidy(m);
		return;
	}
	m->cap = count == 0 ? CAP_FIRST : count * 2;
	m->slots = arena_array(m->a, MapSlot, m->cap);
	insert_all(m, before, count);
}

/* A deleted slot with an empty one behind it ends no search: it and the deleted ones before it become empty. */
static void
delete_slot(Map *m, MapSlot *s)
{
	size_t i = (size_t)(s - m->slots);

	*s = (MapSlot){ .name.p = dead };
	m->n--;
	if (!is_empty(&m->slots[(i + 1) & (m->cap - 1)]))
		return;
	for (; m->slots[i].name.p == dead; i = (i - 1) & (m->cap - 1)) {
		m->slots[i].name.p = NULL;
		m->used--;
	}
}

static void
put(Map *m, int64_t key, Str name, void *value)
{
	MapSlot *to = NULL;
	MapSlot *s = m->cap == 0 ? NULL : find(m, key, name, NULL);

	if (s != NULL && value != NULL) {
		s->value = value;
		return;
	}
	if (s != NULL)
		delete_slot(m, s);
	if (value == NULL)
		return;
	make_room(m);
	find(m, key, name, &to);
	if (to->name.p != dead)
		m->used++;
	m->n++;
	*to = (MapSlot){ .key = key, .name = name, .value = value };
}

/* A string key always has a pointer, so that no string is not taken for an integer key. */
static Str
named(Str key)
{
	return str_none(key) ? str_of("") : key;
}

Map
map_open(Arena *a)
{
	return (Map){ .a = a };
}

void *
map_get(const Map *m, int64_t key)
{
	const MapSlot *s = m->n == 0 ? NULL : find(m, key, (Str){ 0 }, NULL);

	return s == NULL ? NULL : s->value;
}

void
map_put(Map *m, int64_t key, void *value)
{
	put(m, key, (Str){ 0 }, value);
}

void *
map_get_str(const Map *m, Str key)
{
	const MapSlot *s = m->n == 0 ? NULL : find(m, (int64_t)str_hash(key), named(key), NULL);

	return s == NULL ? NULL : s->value;
}

void
map_put_str(Map *m, Str key, void *value)
{
	put(m, (int64_t)str_hash(key), named(key), value);
}

bool
map_next(const Map *m, size_t *at, int64_t *key, Str *name, void **value)
{
	while (*at < m->cap && m->slots[*at].value == NULL)
		(*at)++;
	if (*at >= m->cap)
		return false;
	if (key != NULL)
		*key = m->slots[*at].key;
	if (name != NULL)
		*name = m->slots[*at].name;
	if (value != NULL)
		*value = m->slots[*at].value;
	(*at)++;
	return true;
}

Vec
vec_open(Arena *a)
{
	return (Vec){ .a = a };
}

void
vec_push(Vec *v, void *item)
{
	if (v->n == v->cap) {
		size_t cap = v->cap == 0 ? VEC_FIRST : v->cap * 2;

		v->items = arena_grow(v->a, v->items, v->n * sizeof(void *), cap * sizeof(void *));
		v->cap = cap;
	}
	v->items[v->n++] = item;
}
