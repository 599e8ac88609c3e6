/*
 * The life of an execution as one table of legal moves: what is not written there is illegal. A state is moved by one function
 * (store/execution.h: execution_move), guarded by the state it moves from.
 */
#pragma once

#include "base/err.h"

typedef enum ExecState {
	EXEC_NONE,
	EXEC_REQUESTED,
	EXEC_SCHEDULING,
	EXEC_SCHEDULED,
	EXEC_RUNNING,
	EXEC_COMPLETED,
	EXEC_FAILED,
	EXEC_CANCELING,
	EXEC_CANCELLED,
	EXEC_TIMEOUT,
	EXEC_ABANDONED,
	EXEC_STATES
} ExecState;

typedef enum ExecEvent {
	EV_SCHEDULE, /* a worker was chosen */
	EV_RETURN,   /* the worker did not start it: it waits again */
	EV_CLAIM,    /* the worker starts it */
	EV_BEGIN,    /* it begins without a worker: a workflow, a question */
	EV_EXIT_OK,
	EV_EXIT_BAD,    /* exit code, signal, time limit, set-up */
	EV_TIMEOUT,     /* nobody answered a question in time */
	EV_REFUSE,      /* cannot ever run: bad parameters, no worker in time */
	EV_CANCEL,      /* somebody wants it stopped */
	EV_ENDED,       /* the process of a cancelled run is gone */
	EV_WORKER_LOST, /* the worker fell silent, or shut down in the middle */
	EXEC_EVENTS
} ExecEvent;

/* ERR_STALE when the move is not in the table. */
MUST_CHECK bool exec_next(ExecState from, ExecEvent ev, ExecState *ret, Err *err);
bool exec_terminal(ExecState s);
const char *exec_state_name(ExecState s); /* on the wire: "canceling" with one l, "cancelled" with two */
ExecState exec_state_of(Str name);        /* EXEC_NONE when unknown; "canceled" is read as cancelled */
const char *exec_event_name(ExecEvent ev);

/* Why a waiting execution waits (decisions 2.7). */
typedef enum WaitReason {
	WAIT_NONE,
	WAIT_QUEUED, /* accepted, not yet looked at */
	WAIT_NO_WORKER,
	WAIT_CAPACITY,
	WAIT_CONCURRENCY,
	WAIT_RATE,
	WAIT_BREAKER, /* too many have failed: a policy holds it back */
	WAIT_RETRY,
	WAIT_INQUIRY,
	WAIT_DELAY,  /* asked for later */
	WAIT_PAUSED, /* until somebody resumes it */
	WAIT_REASONS
} WaitReason;

const char *wait_reason_name(WaitReason w);
WaitReason wait_reason_of(Str name);
