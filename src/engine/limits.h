/*
 * Policies, asked by whoever schedules: how many runs of a class may go now, and what holds the rest. The most particular policy counts:
 * that of the action, else of its pack, else the one for all; of equals the newest. For the moves of src/engine only, between
 * defs_enter and defs_leave.
 */
#pragma once

#include "engine/inner.h"

/* Is there a policy for runs of this action? */
bool limits_any(const Uow *u, const ActionDef *action);
/* Do the rows of a class stand behind what the policies say now? */
bool limits_fit(const Uow *u, const ActionDef *action, Str wait_class);
/* More runs of this action never go at once, and those behind them only wait: so no more need be looked at. */
size_t limits_most(const Uow *u, const ActionDef *action);
/* Puts rows that are about to be made behind their limits, and writes into them how often they are tried again. */
void limits_born(Uow *u, ExecNew *rows, size_t n);

typedef struct Admission {
	ExecWaiting *go; /* those that may be given to a worker, oldest first */
	size_t go_n;
	ExecWaiting *held;
	size_t held_n;
	const PolicyDef *by; /* what holds them; NULL: nothing does */
	WaitReason why;
	TimeUs due;  /* when to look again; 0: when a run of theirs ends */
	Str bucket;  /* none: no rate */
	TimeUs full; /* of the bucket */
	const PolicyDef *rate;
	const PolicyDef
	    *breaker; /* NULL: none is open; else what goes, one, is let through to see whether it still has to be */
	TimeUs opened;
} Admission;

/* What limits_admit will look at, before the rows of the class are: see db_ahead. */
void limits_ahead(Uow *u, const ActionDef *action, Str wait_class);
/* rows are of one class, the oldest first. *ret_stale: the class is not what the policies say now, and was put right: look again. */
MUST_CHECK bool limits_admit(
    Uow *u, const ActionDef *action, const ExecWaiting *rows, size_t n, Admission *ret, bool *ret_stale, Err *err);
/* So many of them have gone; the rest is told why it waits, or cancelled, as its policy says. */
MUST_CHECK bool limits_settle(Uow *u, const Admission *ad, size_t gone, Err *err);
/* Policies have changed since this thread last looked: what runs is counted where it belongs now. */
MUST_CHECK bool limits_follow(Uow *u, Err *err);
