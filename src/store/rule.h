/*
 * Rules: which event makes which action run. A rule's anchor, from which its timers count, is the moment it was enabled or
 * its trigger or trigger parameters changed.
 */
#pragma once

#include "model/defs.h"
#include "store/definition.h"

extern const DefTable rule_table;

MUST_CHECK bool rule_get(Db *db, Arena *a, Id id, RuleDef *ret, Err *err);
MUST_CHECK bool rule_get_ref(Db *db, Arena *a, Str ref, RuleDef *ret, Err *err);
MUST_CHECK bool rule_list(
    Db *db, Arena *a, const DefFilter *f, RuleDef **ret, size_t *ret_n, int64_t *ret_total, Err *err);
/* By ref. d->id is set; what the stored row keeps is put into *d. */
MUST_CHECK bool rule_put(Db *db, Arena *a, RuleDef *d, TimeUs now, DefPut *ret, Err *err);
MUST_CHECK bool rule_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err);
/* Switches it on or off; ERR_NOT_FOUND. */
MUST_CHECK bool rule_set_enabled(Db *db, Arena *a, Str ref, bool enabled, TimeUs now, Err *err);
/* Moves what its timers count from. */
MUST_CHECK bool rule_set_anchor(Db *db, Arena *a, Id id, TimeUs anchor, TimeUs now, Err *err);
/*
 * Whether the rule's pack may refer to it; before: the rule as it was, NULL for a new one. What it was linked to already is not asked
 * for again.
 */
MUST_CHECK bool rule_may_run(const RuleDef *d, const RuleDef *before, const ActionDef *action, Err *err);
MUST_CHECK bool rule_may_hear(const RuleDef *d, const RuleDef *before, const TriggerDef *trigger, Err *err);
/* Each of a rule on several that is there. */
MUST_CHECK bool rule_may_hear_all(Db *db, Arena *a, const RuleDef *d, const RuleDef *before, Err *err);
/*
 * The trigger is new: rules that named it among several before it was there, and may not refer to it, are parted from their triggers
 * until they may, with a warning in the log.
 */
MUST_CHECK bool rule_part(Db *db, Arena *a, const TriggerDef *trigger, TimeUs now, Err *err);
/*
 * Rules whose action or trigger was not there when they were stored, and is now. Those that may not refer to it stay without, with a
 * warning in the log.
 */
MUST_CHECK bool rule_resolve(Db *db, Arena *a, TimeUs now, Err *err);
MUST_CHECK bool rule_list_owner(Db *db, Arena *a, Id owner, RuleDef **ret, size_t *ret_n, Err *err);
