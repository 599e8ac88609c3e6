/*
 * The timers of one process: which rule ticks next, and which tick is that? Rules and the time go in, due ticks come out; when a rule
 * ticks is its schedule's business (model/schedule.h). The key of a tick names rule, anchor and tick, so that any number of processes
 * make it one event.
 *
 * A tick that is up to a minute late when a process begins is not missed: whoever stops at the wrong moment loses nothing, and what
 * another process has stored already is known by its key. What is older is skipped, unless the rule's `missed` says `one` or `all`.
 */
#pragma once

#include "model/defs.h"
#include "model/schedule.h"

typedef struct Ticks Ticks;

typedef struct Tick {
	Id rule;
	Due due; /* as the schedule has it; a jitter may come on top */
	TimeUs anchor;
	const Schedule *schedule; /* good until the rule is put again */
} Tick;

Ticks *ticks_open(void);
void ticks_close(Ticks *t);
/* A rule as it is now: starts, changes or (disabled, of another trigger, without sensible parameters) stops its timer.
 * mark: the last tick known to be stored, 0 for none; looked at where `missed` needs it. ret_problem says what is wrong with the
 * parameters; none when all is well. */
void ticks_put(Ticks *t, const RuleDef *rule, TimeUs mark, TimeUs now, Str *ret_problem);
bool ticks_has(const Ticks *t, const RuleDef *rule); /* put already, and as it is now */
void ticks_drop(Ticks *t, Id rule);
bool ticks_worn(const Ticks *t); /* so much has been replaced that it is time for new ones */
size_t ticks_count(const Ticks *t);
TimeUs ticks_next(const Ticks *t); /* 0: none */
/* Takes one tick that is due and moves its timer on; false when none is. */
bool ticks_due(Ticks *t, TimeUs now, Tick *ret);
/* These ticks could not be stored: they are due again. */
void ticks_again(Ticks *t, const Tick *ticks, size_t n);
size_t ticks_rules(const Ticks *t, Id *ret); /* of running timers, ticks_count of them */
Str tick_key(Arena *a, const Tick *k);
