/*
 * What is said to the sensors when rules change: sent after the commit that changed them.
 */
#pragma once

#include "engine/engine.h"

void out_rule(Uow *u, MsgKind kind, const RuleDef *d);
/* rule.updated, and rule.enabled or rule.disabled where that changed, or where a ticking timer got other parameters. */
void out_rule_changed(Uow *u, const RuleDef *before, const RuleDef *d);
/* The same kind for every rule of a trigger, or of a pack; the other one is none. */
MUST_CHECK bool out_rules_of(Uow *u, MsgKind kind, Str trigger_ref, Str pack_ref, Err *err);
