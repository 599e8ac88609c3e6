/*
 * How sensors are shared among the sensor workers of a cluster: each takes up to its part of them, leaves the rest to the others for a
 * moment, and then takes what nobody else could run. One that holds more than its part, because it was there first, gives away one at a
 * time to whoever holds less; when one comes back nobody else could run it, and that ends. What a dead worker held is anybody's at once.
 */
#include "sensor/share.h"

#include "sensor/inner.h"
#include "store/worker.h"

enum {
	ALIVE_US = 22 * US_PER_S,    /* two signs of life missed: it is not counted */
	PATIENCE_US = 10 * US_PER_S, /* so long others have to take what is beyond our part */
	UNEVEN_US = 25 * US_PER_S,   /* longer than a dead worker is counted: it is given nothing */
};

void
share_open(Keeper *k)
{
	k->sharing.left = map_open(k->arena);
	k->sharing.given = map_open(k->arena);
}

static size_t
held_by(Str process, const SensorProcess *rows, size_t n)
{
	size_t held = 0;

	for (size_t i = 0; i < n; i++)
		held += rows[i].holder.n > process.n && str_starts(rows[i].holder, process) &&
			rows[i].holder.p[process.n] == '/';
	return held;
}

bool
share_read(Keeper *k, size_t wanted, const SensorProcess *rows, size_t n, Share *ret, Err *err)
{
	Uow *u = k->u;
	size_t workers = 0, count;
	RoleInstance *roles;

	*ret = (Share){ .most = wanted, .least = wanted };
	if (!str_none(u->e->boot_id))
		return true;
	if (!role_list(u->db, u->arena, u->now - ALIVE_US, &roles, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t held;

		if (!str_is(roles[i].role, "sensor"))
			continue;
		workers++;
		held = held_by(roles[i].process, rows, n);
		ret->least = held < ret->least ? held : ret->least;
	}
	if (workers > 1)
		ret->most = (wanted + workers - 1) / workers;
	return true;
}

/* When it was first left to others; 0: it was not. */
static TimeUs *
left_at(Keeper *k, Id sensor)
{
	TimeUs *at = map_get(&k->sharing.left, sensor);

	if (at == NULL) {
		at = arena_new(k->arena, TimeUs);
		map_put(&k->sharing.left, sensor, at);
	}
	return at;
}

bool
share_lets(Keeper *k, const Share *s, size_t held, Id sensor, const SensorProcess *row)
{
	TimeUs now = keeper_mono(k), *at = left_at(k, sensor);

	if ((row != NULL && !str_none(row->holder)) || held < s->most || (*at != 0 && now - *at >= PATIENCE_US)) {
		*at = 0;
		return true;
	}
	if (*at == 0)
		*at = now == 0 ? 1 : now;
	return false;
}

void
share_claimed(Keeper *k, Id sensor)
{
	k->sharing.keeps = k->sharing.keeps || map_get(&k->sharing.given, sensor) != NULL;
}

void
share_give(Keeper *k, const Share *s, size_t held)
{
	TimeUs now = keeper_mono(k);

	if (held <= s->most || s->least >= s->most || k->sharing.keeps) {
		k->sharing.uneven = 0;
		return;
	}
	if (k->sharing.uneven == 0)
		k->sharing.uneven = now == 0 ? 1 : now;
	if (now - k->sharing.uneven < UNEVEN_US)
		return;
	for (Ward *w = k->wards; w != NULL; w = w->next)
		if (w->moves)
			return; /* one at a time */
	for (Ward *w = k->wards; w != NULL; w = w->next)
		if (w->held && !w->lost && w->phase == WARD_UP && map_get(&k->sharing.given, w->want.sensor) == NULL) {
			w->moves = true;
			map_put(&k->sharing.given, w->want.sensor, k);
			return;
		}
}
