/*
 * Due times in a heap: setting, moving and clearing one costs log n, the next due one is at hand. A Timer lies in its owner,
 * which must clear it before it goes. No clock here: times are what the caller says they are.
 */
#pragma once

#include "base/attr.h"

typedef struct Timer {
	TimeUs due; /* 0: not set */
	size_t at;  /* place in the heap while set */
	void *owner;
} Timer;

typedef struct Timers {
	Timer **items;
	size_t n, cap;
} Timers;

void timers_set(Timers *t, Timer *timer, TimeUs due); /* sets or moves; due is never 0 */
void timers_clear(Timers *t, Timer *timer);
TimeUs timers_next(const Timers *t);       /* 0: none */
Timer *timers_take(Timers *t, TimeUs now); /* cleared and given back when due, else NULL */
void timers_close(Timers *t);
