/*
 * When a timer rule ticks: its trigger's parameters, compiled. The clock is an argument and nothing is remembered: the ticks of a rule are
 * a set of moments that parameters and anchor decide, so any number of processes find the same ones, before and after a restart.
 *
 * How wall time becomes moments, for cron, RRULE of DAILY and slower, and times without an offset:
 * - a time that the clock jumps over comes as much later as it was jumped into (02:30 becomes 03:30), once if it falls on another one;
 * - a time that comes twice is the first of the two.
 * A cron expression whose hour is `*`, and RRULE of HOURLY and faster, go by elapsed time instead: nothing moves, and in the hour that
 * comes twice they tick twice.
 */
#pragma once

#include "base/clock.h"
#include "base/zone.h"
#include "model/cron.h"
#include "model/rrule.h"

typedef enum ScheduleKind { SCHEDULE_INTERVAL, SCHEDULE_CRON, SCHEDULE_ONCE, SCHEDULE_RRULE } ScheduleKind;
typedef enum Missed { MISSED_SKIP, MISSED_ONE, MISSED_ALL } Missed;
typedef enum Overlap { OVERLAP_ALLOW, OVERLAP_SKIP, OVERLAP_CANCEL } Overlap;

typedef struct Schedule {
	ScheduleKind kind;
	Missed missed;
	TimeUs anchor;      /* ticks come behind it */
	TimeUs base, every; /* interval: base + n × every; once: base */
	const Zone *zone;
	const Cron *cron;
	const Rrule *rrule;
	TimeUs start, end; /* not before, not after; 0: none */
	int64_t count;     /* ticks at most; 0: no limit */
	TimeUs jitter;
	Str text; /* the expression, or the time as it was given */
} Schedule;

/* A tick and its number, from 1. */
typedef struct Due {
	TimeUs at;
	int64_t n;
} Due;

bool schedule_for(Str trigger_ref); /* is it the trigger of a timer? */
/* What params point to must live as long as the schedule. ERR_VALIDATION names the field and the cure. */
MUST_CHECK bool schedule_compile(
    Arena *a, Zones *zones, Str trigger_ref, const Json *params, TimeUs anchor, Schedule *ret, Err *err);
/* The same, only to see whether it can be done and a tick is left. Other triggers are always fine. */
MUST_CHECK bool schedule_check(Str trigger_ref, const Json *params, TimeUs now, Err *err);

/* The first tick behind `after`; false when none is left. */
bool schedule_next(const Schedule *s, TimeUs after, Due *ret);
/* From a tick to the next one. */
bool schedule_on(const Schedule *s, Due *d);
/* The n-th tick; false when there are not so many. */
bool schedule_nth(const Schedule *s, int64_t n, TimeUs *ret);
/* The last tick behind `after` and not behind `until`. */
bool schedule_last(const Schedule *s, TimeUs after, TimeUs until, Due *ret);
/* How much later that tick of that rule comes: the same wherever it is asked. */
TimeUs schedule_jitter(const Schedule *s, int64_t rule, TimeUs due);

bool overlap_of(const Json *params, Overlap *ret); /* false: no word of it */
