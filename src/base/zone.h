/*
 * Time zones: which offset from UTC is in force when. Read from the system's zoneinfo files (TZDIR, else /usr/share/zoneinfo) and laid out
 * as stretches of one offset each, up to the year 2200. A Zone does not change; Zones remembers those that were read, one thread at a time.
 * Times here are whole seconds: an instant counts from 1970 in UTC, a wall time is what the clock on the wall of that zone shows,
 * counted as if it were UTC.
 */
#pragma once

#include "base/err.h"
#include "base/map.h"

typedef struct Zone {
	Str name;
	size_t n;
	const int64_t *from;   /* instants; the first is INT64_MIN */
	const int32_t *offset; /* from then on, seconds east of UTC */
} Zone;

typedef struct Zones {
	Arena *a;
	Map by_name;
} Zones;

Zones zones_open(Arena *a);
/* An IANA name; none is UTC. ERR_VALIDATION when there is no such zone. */
MUST_CHECK bool zone_get(Zones *z, Str name, const Zone **ret, Err *err);
/* The bytes of a TZif file. */
MUST_CHECK bool zone_parse(Arena *a, Str name, Str bytes, Zone *ret, Err *err);

size_t zone_stretch(const Zone *z, int64_t instant); /* index of the stretch that holds it */
/* The instant of a wall time. One that the clock jumps over is read with the offset before the jump (02:30 becomes 03:30), one that comes
 * twice is the first (RFC 5545, 3.3.5). */
int64_t zone_instant(const Zone *z, int64_t wall);
int64_t zone_wall(const Zone *z, int64_t instant);
