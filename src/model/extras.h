/*
 * What a rule may say beyond conditions: how often it lets through (throttle, once_within), that it waits for quiet (debounce), that it is
 * about several triggers within a window (triggers, correlate), and what a timer's rule does while its last run goes on (overlap).
 * Pure: what is remembered between events lies in rows (engine/gates.c).
 */
#pragma once

#include "model/condition.h"
#include "model/schedule.h"
#include "model/template.h"

typedef struct Gate {
	bool on;
	const Template *key; /* events of different keys are counted apart; NULL: all together */
} Gate;

/* One of the triggers of a rule on several. */
typedef struct RulePart {
	Str trigger_ref, as; /* its event is events.<as> */
	const Condition *condition;
} RulePart;

typedef struct RuleExtras {
	bool any; /* anything at all is said: the rest is only looked at then */
	Gate throttle, debounce, once, correlate;
	int64_t limit; /* throttle: so many */
	TimeUs per;    /* within this */
	TimeUs quiet, max_wait;
	TimeUs once_within;
	RulePart *parts;
	size_t parts_n; /* 0: an ordinary rule */
	bool all;       /* correlate: each part must have its event; else each event is enough */
	TimeUs within;
	Overlap overlap;
} RuleExtras;

enum { PARTS_MOST = 16 };

/* What the rule says must live as long as the result. ERR_VALIDATION names the field and the cure. *ret_pack_config as in
 * template_compile. */
MUST_CHECK bool extras_compile(Arena *a, const RuleDef *rule, RuleExtras *ret, bool *ret_pack_config, Err *err);
/*
 * A key that can tell no events apart, because it is broken or looks nowhere, counts all of them together. That is refused where it is
 * written; a stored one goes on as it did.
 */
MUST_CHECK bool extras_keys_check(Arena *a, const RuleDef *rule, Err *err);
/* The members of a rule that are its extras. */
extern const char *const extras_names[];
extern const size_t extras_names_n;
