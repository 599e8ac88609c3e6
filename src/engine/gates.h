/*
 * What stands between an event that meets a rule and its enforcement: correlation, once_within, throttle, debounce, overlap. What they
 * remember lies in rows of the same transaction, so a crash loses nothing; what they hold back is noted beside the event.
 */
#pragma once

#include "engine/engine.h"
#include "model/extras.h"
#include "store/rule_window.h"

typedef struct Gates {
	Uow *u;
	RuleHeld *held;
	size_t held_n, held_cap;
} Gates;

/* Locks the windows of these rules, which are given in any order and as often as one likes. */
MUST_CHECK bool gates_lock(Uow *u, const RuleDef **rules, size_t n, Err *err);
/* *ret_passes: an enforcement is to be made now, with *ret_events (null for a rule on one trigger). settled: the event has waited for
 * quiet already. */
MUST_CHECK bool gates_pass(Gates *g, const RuleDef *rule, const RuleExtras *x, const EventView *e, bool settled,
    bool *ret_passes, Json *ret_events, Err *err);
MUST_CHECK bool gates_store(Gates *g, Err *err); /* what was held back */
