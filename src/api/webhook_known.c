#include "api/webhook_known.h"

#include "store/trigger.h"

#include <stdlib.h>

enum { PLACES = 64 };

typedef struct Place {
	Arena *a;        /* NULL: never used */
	int64_t version; /* 0: nothing is known */
	Str key;
	TriggerDef trigger;
} Place;

struct HooksKnown {
	Place places[PLACES];
};

HooksKnown *
hooks_known_open(void)
{
	HooksKnown *k = calloc(1, sizeof(HooksKnown));

	if (k == NULL)
		abort();
	return k;
}

void
hooks_known_close(HooksKnown *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < PLACES; i++)
		if (k->places[i].a != NULL)
			arena_close(k->places[i].a);
	free(k);
}

static Place *
place_of(HooksKnown *k, Str key)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < key.n; i++)
		hash = (hash ^ (unsigned char)key.p[i]) * 0x100000001b3ULL;
	return &k->places[hash >> 32 & (PLACES - 1)];
}

static void
place_empty(Place *p)
{
	if (p->a == NULL)
		p->a = arena_open();
	arena_reset(p->a);
	p->version = 0;
}

bool
hooks_known_get(HooksKnown *k, Uow *u, Str key, bool fresh, const TriggerDef **ret, int64_t *ret_version, Err *err)
{
	Place *p = place_of(k, key);
	int64_t version = defs_version(u->e->defs); /* before it is read: what changes in between is newer */
	bool found = false;

	*ret = NULL;
	*ret_version = 0;
	if (!fresh && version != 0 && p->version == version && str_eq(p->key, key)) {
		*ret = &p->trigger;
		*ret_version = version;
		return true;
	}
	place_empty(p);
	if (!trigger_get_webhook(u->db, p->a, key, &p->trigger, &found, err))
		return false;
	if (!found)
		return true;
	p->key = str_copy(p->a, key);
	p->version = version;
	*ret = &p->trigger;
	return true;
}
