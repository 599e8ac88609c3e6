/*
 * The clock is an argument: nothing above base asks the machine for the time behind its caller's back.
 * clock_real() is the machine's; tests and the simulation bring their own.
 */
#pragma once

#include "base/str.h"

typedef struct Clock {
	TimeUs (*wall)(void *self); /* since 1970, UTC; may step */
	TimeUs (*mono)(void *self); /* never steps back, goes on during suspend (CLOCK_BOOTTIME) */
	void *self;
} Clock;

const Clock *clock_real(void);

static inline TimeUs
clock_wall(const Clock *c)
{
	return c->wall(c->self);
}

static inline TimeUs
clock_mono(const Clock *c)
{
	return c->mono(c->self);
}

/* RFC 3339: "2026-11-21T01:33:24.5Z", with 0, 3 or 6 digits of fraction, as few as needed. */
Str time_text(Arena *a, TimeUs t);
/* Any RFC 3339 date-time with offset, or a bare date-time read as UTC. */
MUST_CHECK bool time_parse(Str text, TimeUs *ret);

/* Durations: a plain number is seconds; "300ms", "5s", "10m", "1h", "2d". */
MUST_CHECK bool duration_parse(Str text, TimeUs *ret);
Str duration_text(Arena *a, TimeUs d); /* for people: "850 us", "1.4 ms", "2.3 s", "4 min 10 s" */
