/*
 * What rules remember between events: the windows of throttle, once_within and debounce, and the parts of rules on several triggers that
 * have had their event. Each has the time when it is over. And what a rule held back, with the reason, beside the event.
 */
#pragma once

#include "store/db.h"

typedef enum WindowKind { WINDOW_THROTTLE, WINDOW_ONCE, WINDOW_DEBOUNCE, WINDOW_PART, WINDOW_KINDS } WindowKind;

typedef struct RuleWindow {
	Id rule;
	WindowKind kind;
	Str part, key;
	TimeUs since, due;
	int64_t count;
	Id event;
} RuleWindow;

/* Nobody else changes windows of that rule until the transaction ends. Of several rules take the lowest id first. */
MUST_CHECK bool rule_window_lock(Db *db, Arena *a, Id rule, Err *err);
/* ret->rule is 0 when there is none. */
MUST_CHECK bool rule_window_get(Db *db, Arena *a, Id rule, WindowKind kind, Str key, RuleWindow *ret, Err *err);
MUST_CHECK bool rule_window_put(Db *db, Arena *a, const RuleWindow *w, Err *err);
MUST_CHECK bool rule_window_parts(Db *db, Arena *a, Id rule, Str key, RuleWindow **ret, size_t *ret_n, Err *err);
MUST_CHECK bool rule_window_drop(Db *db, Arena *a, Id rule, WindowKind kind, Str key, Err *err);
/* That very one, unless it has been moved on. */
MUST_CHECK bool rule_window_forget(Db *db, Arena *a, const RuleWindow *w, TimeUs now, Err *err);
/* Those that are over, the oldest first. */
MUST_CHECK bool rule_window_over(Db *db, Arena *a, TimeUs now, size_t most, RuleWindow **ret, size_t *ret_n, Err *err);
/* When the next debounce is over, and when the next of all; 0: there is none. */
MUST_CHECK bool rule_window_next(Db *db, Arena *a, TimeUs *ret_debounce, TimeUs *ret_any, Err *err);

/* An event as a rule looks at it. */
typedef struct EventKept {
	Id id, trigger;
	Str trigger_ref, rule_ref;
	Json payload;
	TimeUs created;
	Uuid correlation;
} EventKept;

/* ret->id is 0 when it is gone. */
MUST_CHECK bool event_kept(Db *db, Arena *a, Id id, EventKept *ret, Err *err);

/* The latest of a trigger that this rule may look at (bound to no rule, or to it), none older than `since`; newest first. */
MUST_CHECK bool events_recent(Db *db, Arena *a, Str trigger_ref, Str rule_ref, TimeUs since, size_t most,
    EventKept **ret, size_t *ret_n, Err *err);
/* 0: that rule made none of that event. */
MUST_CHECK bool enforcement_of(Db *db, Arena *a, Id event, Id rule, Id *ret, Err *err);

typedef struct RuleHeld {
	Id event, rule;
	Str reason;
} RuleHeld;

MUST_CHECK bool rule_held_put(Db *db, Arena *a, const RuleHeld *rows, size_t n, TimeUs now, Err *err);
MUST_CHECK bool rule_held_get(Db *db, Arena *a, Id event, Id rule, Str *ret_reason, Err *err);
/* Runs of that rule that have not ended, and whether an enforcement of it waits. */
MUST_CHECK bool rule_runs(Db *db, Arena *a, Id rule, Str rule_ref, Id **ret, size_t *ret_n, bool *ret_waits, Err *err);
