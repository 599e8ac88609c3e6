/*
 * A rule of each kind that remembers something between events, and the judge of what they did.
 */
#pragma once

#include "base/json.h"

typedef struct Sim Sim;

typedef enum Remembers {
	REMEMBERS_THROTTLE,
	REMEMBERS_ONCE,
	REMEMBERS_DEBOUNCE,
	REMEMBERS_PAIR,
	RULES_THAT_REMEMBER,
} Remembers;

Json windows_extras(Sim *s, Remembers which);
void judge_windows(Sim *s); /* when it is over */
