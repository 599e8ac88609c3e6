/*
 * Definitions and workers as this process last saw them. Brought up to date inside each transaction that uses them, by reading the
 * definition_change rows behind the last one seen: a change is seen by the next event, not "soon". Shared by all threads of
 * the process: defs_enter, use, defs_leave before the commit. Pointers are good between enter and leave.
 */
#pragma once

#include "model/rules.h"
#include "store/key.h"

typedef struct Defs Defs;

Defs *defs_open(void);
void defs_close(Defs *d);
/* Order: the transaction first, then this. */
MUST_CHECK bool defs_enter(Defs *d, Db *db, Arena *a, Err *err);
void defs_enter_ahead(Defs *d, Db *db, Arena *a); /* see db_ahead */
void defs_leave(Defs *d);
/* As they were last seen, up to this change, without asking, until defs_leave; false: never yet, and there is nothing to leave. For who
 * lets the database say whether that is all. */
MUST_CHECK bool defs_peek(Defs *d, Id *ret_last);

const ActionDef *defs_action(const Defs *d, Id id);
const ActionDef *defs_action_ref(const Defs *d, Str ref);
const RuntimeDef *defs_runtime(const Defs *d, Id id);
const PackDef *defs_pack(const Defs *d, Id id);
const TriggerDef *defs_trigger(const Defs *d, Id id);
const TriggerDef *defs_trigger_ref(const Defs *d, Str ref);
const RuleDef *defs_rule(const Defs *d, Id id);
const RuleIndex *defs_rules(const Defs *d);
/* Workers of role "action", in order of name. */
const WorkerDef *const *defs_workers(const Defs *d, size_t *ret_n);
/* The keys that the action is given, in the order in which they win over each other: its own, its pack's, and the system keys that it
 * declares. Costs nothing where there are none. */
const KeyName *const *defs_keys(const Defs *d, Arena *a, const ActionDef *action, size_t *ret_n);
/* The policy that limits runs of this action at once, or their rate: its own, else its pack's, else the one for all; of equals the newest.
 * NULL: none. */
typedef enum LimitKind { LIMIT_SLOT, LIMIT_RATE, LIMIT_BREAKER, LIMIT_KINDS } LimitKind;

const PolicyDef *defs_policy_of(const Defs *d, const ActionDef *action, LimitKind kind);
int64_t defs_policies_version(const Defs *d); /* rises with each change of them; 0 as long as there were none */
/* Does some rule react to the end of runs? As last seen: asked outside of enter and leave. */
bool defs_hears_completions(const Defs *d);
/* All anew at the next defs_enter. */
void defs_forget(Defs *d);
/* Rises with every change this process has seen: timers look whether it moved. */
int64_t defs_version(const Defs *d);
