/*
 * How far the timers are that make up for missed ticks: the last one stored, by rule. Goes with its rule.
 */
#pragma once

#include "store/db.h"

typedef struct TimerMark {
	Id rule;
	TimeUs anchor, due;
} TimerMark;

MUST_CHECK bool timer_mark_list(Db *db, Arena *a, TimerMark **ret, size_t *ret_n, Err *err);
/* Never goes back, unless the rule has a new anchor. */
MUST_CHECK bool timer_mark_put(Db *db, Arena *a, const TimerMark *marks, size_t n, Err *err);
