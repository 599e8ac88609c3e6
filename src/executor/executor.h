/*
 * The executor: enforcements become executions, executions get workers, ended runs make room, and a sweeper looks after what nobody
 * looks after. Several executors may run: every move is guarded. One thread a queue, and the sweeper.
 */
#pragma once

#include "engine/consumer.h"

typedef struct Executor Executor;

MUST_CHECK bool executor_start(Engine *e, Executor **ret, Err *err);
void executor_stop(Executor *x);
void executor_due(Executor *x, TimeUs at); /* something that waits has to be looked at then */
void executor_arm(Executor *x);            /* something waits: the sweeper looks after it (embedded) */

/* The turns themselves, as the threads run them: for the simulation. */
bool executor_on_enforcements(void *self, Uow *u, const Msg *msgs, size_t n, Err *err);
bool executor_on_requests(void *self, Uow *u, const Msg *msgs, size_t n, Err *err);
bool executor_on_completed(void *self, Uow *u, const Msg *msgs, size_t n, Err *err);
bool executor_on_status(void *self, Uow *u, const Msg *msgs, size_t n, Err *err);
bool executor_on_answers(void *self, Uow *u, const Msg *msgs, size_t n, Err *err);
bool executor_on_workers(void *self, Uow *u, const Msg *msgs, size_t n, Err *err);
