/*
 * Shared among the moves of src/engine, for nobody else.
 */
#pragma once

#include "engine/moves.h"
#include "model/secrets.h"
#include "store/rule_window.h"

/* A class begins with its priority. */
enum { PRIORITY_DIGITS = 4 };
/* Rows of one class need the same of a worker: the action's id, and a hash where a row has a placement of its own. */
Str wait_class_of(Arena *a, Id action, const Json *selector, const Json *tolerations, const Json *affinity);
Id wait_class_action(Str wait_class);
bool wait_class_own(Str wait_class); /* has a placement of its own */
/* The same with a priority, and with what its runs share limits with: high priorities come first, and a class has one line to wait in. */
Str wait_class_full(Arena *a, Str wait_class, int64_t priority, Str slot, Str bucket, Str breaker);
Str wait_class_slot(Str wait_class); /* none: no limit */
Str wait_class_bucket(Str wait_class);
Str wait_class_breaker(Str wait_class);
bool action_inside(const ActionDef *action); /* runs without a worker */

/* Defaults, conversions and secrets of a run that is about to be made; what breaks the schema makes it failed at once. */
void exec_settle(Uow *u, const ActionDef *action, ExecNew *e, Secrets *secrets);
/* Makes them, with their secrets; says so to those who watch, and of those that are failed already to whoever waits for them. */
MUST_CHECK bool exec_make(Uow *u, ExecNew *rows, const Secrets *secrets, size_t n, Id *ret_ids, Err *err);
/* For those who watch, a run is requested first even if it is with a worker by the same commit. */
void exec_say_created(Uow *u, const ExecNew *row, Id id);

/* Gives runs that are about to be made to workers, in their first rows: when nobody else schedules just now, nothing waits and somebody
 * has room; else they stay as they are. One round trip with what else is announced (place_newborn_ahead). *ret_all: none is left that
 * has to be scheduled. newborn_placed: once one has its id. */
void place_newborn_ahead(Uow *u);
MUST_CHECK bool place_newborns(Uow *u, ExecNew *rows, size_t n, bool *ret_all, Err *err);
void newborn_placed(Uow *u, const ExecNew *row, Id id);
/* The same for one, without asking: a worker that has nothing to do, if that is still so. Inside defs_peek; false: who does it is not clear. */
bool newborn_guess(Uow *u, ExecNew *row);

/* What waits goes on, if nobody else schedules just now and it is of few kinds. *ret_done: nothing is left of it for others. Inside
 * defs_enter. */
MUST_CHECK bool schedule_now(Uow *u, bool *ret_done, Err *err);
void schedule_now_ahead(Uow *u); /* see db_ahead */

/* What a run has left becomes versions of artifacts, with its result. kept->files[].placed: see there. */
MUST_CHECK bool kept_store(Uow *u, Id execution, Str action_ref, Kept *kept, Err *err);

/* Messages. */
void out_dispatch(Uow *u, Id execution, int attempt, Id worker, Id action, Str action_ref, Uuid correlation);
void out_completed(Uow *u, const ExecMoved *m, Id execution, TimeUs at);
void out_status(Uow *u, const ExecMoved *m, Id execution, ExecState from, TimeUs at);
void out_enforcement(Uow *u, Id enforcement, Id event, Id rule, Str rule_ref, Str trigger_ref, Uuid correlation);
void out_event(Uow *u, Id event, const EventNew *row, Uuid correlation);
void out_requested(Uow *u, Id execution, Id action, Str action_ref, Id parent, Id enforcement, Uuid correlation);

void out_look(Uow *u, Id workflow); /* it is to go on */

/* The last event of a window that was quiet long enough: what is left of its way to an enforcement. Inside defs_enter. */
MUST_CHECK bool ingest_settled(Uow *u, const RuleDef *rule, const EventKept *e, Err *err);

/* {"error": text, "succeeded": false} */
Json error_result(Arena *a, Str text);
