#include "base/zone.h"

#include "base/civil.h"
#include "base/zone_rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FILE_MOST = 256 * 1024,
	CHANGES_MOST = 4096,
	TYPES_MOST = 256,
	LAST_YEAR = 2200,
};

/* ---- the file ---- */

typedef struct Header {
	uint32_t isut, isstd, leap, times, types, chars;
} Header;

static uint32_t
be32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static int64_t
be64(const char *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* Takes n bytes off the front; NULL when there are fewer. */
static const char *
take(Str *s, size_t n)
{
	const char *p = s->p;

	if (s->n < n)
		return NULL;
	*s = str_sub(*s, n, s->n);
	return p;
}

static bool
take_header(Str *s, Header *ret)
{
	const char *p = take(s, 44);

	if (p == NULL || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return false;
	*ret = (Header){ be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40) };
	return ret->times <= CHANGES_MOST && ret->types >= 1 && ret->types <= TYPES_MOST && ret->chars <= 4096 &&
	       ret->leap <= 4096 && ret->isut <= TYPES_MOST && ret->isstd <= TYPES_MOST;
}

static size_t
body_size(const Header *h, size_t time)
{
	return h->times * (time + 1) + h->types * 6 + h->chars + h->leap * (time + 4) + h->isstd + h->isut;
}

/* The stretches while they are being made. */
typedef struct Draft {
	int64_t *from;
	int32_t *offset;
	size_t n;
} Draft;

static void
draft_add(Draft *d, int64_t from, int32_t offset)
{
	if (d->n > 0 && (d->offset[d->n - 1] == offset || from <= d->from[d->n - 1]))
		return;
	d->from[d->n] = from;
	d->offset[d->n++] = offset;
}

static bool
draft_table(Draft *d, Str body, const Header *h)
{
	const char *times = take(&body, h->times * 8);
	const char *kinds = take(&body, h->times);
	const char *types = take(&body, h->types * 6);

	if (times == NULL || kinds == NULL || types == NULL)
		return false;
	draft_add(d, INT64_MIN, (int32_t)be32(types));
	for (size_t i = 0; i < h->times; i++) {
		unsigned char kind = (unsigned char)kinds[i];

		if (kind >= h->types)
			return false;
		draft_add(d, be64(times + i * 8), (int32_t)be32(types + (size_t)kind * 6));
	}
	for (size_t i = 0; i < d->n; i++)
		if (d->offset[i] < -90000 || d->offset[i] > 90000)
			return false;
	return true;
}

/* The years behind the table. */
static void
draft_rule(Draft *d, const ZoneRule *r)
{
	int64_t last = d->n < 2 ? 0 : d->from[d->n - 1];
	int64_t year = last < 0 || last > 7258118400 ? 1970 : civil_of(floor_div(last, 86400)).year;

	for (; r->changes && year <= LAST_YEAR; year++) {
		int64_t summer = zone_rule_instant(&r->to_summer, year, r->standard);
		int64_t standard = zone_rule_instant(&r->to_standard, year, r->summer);
		bool north = summer < standard;

		draft_add(d, north ? summer : standard, north ? r->summer : r->standard);
		draft_add(d, north ? standard : summer, north ? r->standard : r->summer);
	}
}

bool
zone_parse(Arena *a, Str name, Str bytes, Zone *ret, Err *err)
{
	size_t most;
	Draft d = { 0 };
	ZoneRule rule;
	Header h;
	Str line = { 0 };

	if (!take_header(&bytes, &h) || take(&bytes, body_size(&h, 4)) == NULL || !take_header(&bytes, &h))
		return err_set(err, ERR_CORRUPT, "the zone file of '%.*s' cannot be read", STR_ARG(name));
	most = h.times + 1 + 2 * (LAST_YEAR - 1970 + 2);
	d.from = arena_array(a, int64_t, most);
	d.offset = arena_array(a, int32_t, most);
	if (!draft_table(&d, bytes, &h) || take(&bytes, body_size(&h, 8)) == NULL)
		return err_set(err, ERR_CORRUPT, "the zone file of '%.*s' cannot be read", STR_ARG(name));
	if (take(&bytes, 1) != NULL && str_cut(&bytes, '\n', &line) && line.n > 0) {
		if (!zone_rule_parse(line, &rule))
			return err_set(err, ERR_CORRUPT, "the zone file of '%.*s' ends in a rule that cannot be read",
			    STR_ARG(name));
		draft_rule(&d, &rule);
	}
	*ret = (Zone){ str_copy(a, name), d.n, d.from, d.offset };
	return true;
}

/* ---- those that were read ---- */

Zones
zones_open(Arena *a)
{
	return (Zones){ a, map_open(a) };
}

static bool
name_good(Str name)
{
	if (name.n == 0 || name.n > 64 || name.p[0] == '/' || str_find(name, str_of(".."), NULL))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9') && c != '/' && c != '_' &&
		    c != '-' && c != '+')
			return false;
	}
	return true;
}

static bool
file_bytes(Arena *a, Str name, Str *ret)
{
	const char *dir = getenv("TZDIR");
	FILE *f = fopen(str_fmt(a, "%s/%.*s", dir == NULL ? "/usr/share/zoneinfo" : dir, STR_ARG(name)).p, "re");
	char *p;
	size_t n;

	if (f == NULL)
		return false;
	p = arena_alloc_raw(a, FILE_MOST);
	n = fread(p, 1, FILE_MOST, f);
	fclose(f);
	*ret = (Str){ p, n };
	return n > 0 && n < FILE_MOST;
}

static bool
is_utc(Str name)
{
	static const char *const names[] = { "UTC", "Etc/UTC", "Z", "utc" };

	for (size_t i = 0; i < countof(names); i++)
		if (str_is(name, names[i]))
			return true;
	return name.n == 0;
}

static bool
zone_load(Zones *z, Str name, Zone *ret, Err *err)
{
	static const int64_t from[] = { INT64_MIN };
	static const int32_t offset[] = { 0 };
	CLEANUP(arena_done) Arena *a = arena_open();
	Str bytes;

	if (is_utc(name)) {
		*ret = (Zone){ str_of("UTC"), 1, from, offset };
		return true;
	}
	if (!name_good(name) || !file_bytes(a, name, &bytes) || !zone_parse(z->a, name, bytes, ret, NULL))
		return err_set(err, ERR_VALIDATION,
		    "there is no time zone '%.*s': give a name like 'Europe/Berlin' or 'UTC'", STR_ARG(name));
	return true;
}

bool
zone_get(Zones *z, Str name, const Zone **ret, Err *err)
{
	Zone *zone = map_get_str(&z->by_name, name);

	if (zone == NULL) {
		Zone made;

		if (!zone_load(z, name, &made, err))
			return false;
		zone = arena_copy(z->a, &made, sizeof(made));
		map_put_str(&z->by_name, str_copy(z->a, name), zone);
	}
	*ret = zone;
	return true;
}

/* ---- asking ---- */

size_t
zone_stretch(const Zone *z, int64_t instant)
{
	size_t low = 0, high = z->n;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (z->from[middle] <= instant)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int64_t
zone_wall(const Zone *z, int64_t instant)
{
	return instant + z->offset[zone_stretch(z, instant)];
}

int64_t
zone_instant(const Zone *z, int64_t wall)
{
	size_t i = zone_stretch(z, wall - 2 * 86400);

	/* on to the next stretch while the wall time lies behind this one and, in the next one's offset, within it */
	while (i + 1 < z->n && wall - z->offset[i] >= z->from[i + 1] && wall - z->offset[i + 1] >= z->from[i + 1])
		i++;
	return wall - z->offset[i];
}
