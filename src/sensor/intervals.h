/*
 * Interval timers: when is each rule due, and which tick is that? Pure but for its arena: rules and the time go in, due ticks come out.
 * A tick of a rule is anchor + n × interval; its key names rule, anchor and n, so that any number of processes make it
 * one event. Ticks missed while nobody looked are skipped.
 */
#pragma once

#include "model/defs.h"

typedef struct Intervals Intervals;

typedef struct Tick {
	Id rule;
	int64_t n; /* how often since the anchor: execution_count */
	TimeUs due, anchor, interval;
} Tick;

Intervals *intervals_open(void);
void intervals_close(Intervals *t);
/* A rule as it is now: starts, changes or (disabled, of another trigger, without a sensible interval) stops its timer.
 * ret_problem says what is wrong with its parameters; none when all is well. */
void intervals_put(Intervals *t, const RuleDef *rule, TimeUs now, Str *ret_problem);
void intervals_drop(Intervals *t, Id rule);
size_t intervals_count(const Intervals *t);
TimeUs intervals_next(const Intervals *t); /* 0: none */
/* Takes one tick that is due and moves its timer on; false when none is. */
bool intervals_due(Intervals *t, TimeUs now, Tick *ret);
/* These ticks could not be stored: they are due again. */
void intervals_again(Intervals *t, const Tick *ticks, size_t n);
size_t intervals_rules(const Intervals *t, Id *ret); /* of running timers, intervals_count of them */
/* The interval of these trigger parameters; false when they make none. */
bool interval_of(const Json *params, TimeUs *ret, Str *ret_problem);
