#include "model/lifecycle.h"

#include "base/names.h"

static const char *const states[EXEC_STATES] = {
	[EXEC_NONE] = "none",
	[EXEC_REQUESTED] = "requested",
	[EXEC_SCHEDULING] = "scheduling",
	[EXEC_SCHEDULED] = "scheduled",
	[EXEC_RUNNING] = "running",
	[EXEC_COMPLETED] = "completed",
	[EXEC_FAILED] = "failed",
	[EXEC_CANCELING] = "canceling",
	[EXEC_CANCELLED] = "cancelled",
	[EXEC_TIMEOUT] = "timeout",
	[EXEC_ABANDONED] = "abandoned",
};

static const char *const events[EXEC_EVENTS] = {
	[EV_SCHEDULE] = "schedule",
	[EV_RETURN] = "return",
	[EV_CLAIM] = "claim",
	[EV_BEGIN] = "begin",
	[EV_EXIT_OK] = "success",
	[EV_EXIT_BAD] = "failure",
	[EV_TIMEOUT] = "timeout",
	[EV_REFUSE] = "refuse",
	[EV_CANCEL] = "cancel",
	[EV_ENDED] = "end",
	[EV_WORKER_LOST] = "worker lost",
};

static const char *const waits[WAIT_REASONS] = {
	[WAIT_QUEUED] = "queued",
	[WAIT_NO_WORKER] = "no_worker",
	[WAIT_CAPACITY] = "capacity",
	[WAIT_CONCURRENCY] = "concurrency_limit",
	[WAIT_RATE] = "rate_limit",
	[WAIT_BREAKER] = "breaker_open",
	[WAIT_RETRY] = "retry_delay",
	[WAIT_INQUIRY] = "inquiry",
	[WAIT_DELAY] = "delay",
	[WAIT_PAUSED] = "paused",
};

static const ExecState transitions[EXEC_STATES][EXEC_EVENTS] = {
	[EXEC_REQUESTED] = { [EV_SCHEDULE] = EXEC_SCHEDULED,
	    [EV_BEGIN] = EXEC_RUNNING,
	    [EV_REFUSE] = EXEC_FAILED,
	    [EV_CANCEL] = EXEC_CANCELLED },
	[EXEC_SCHEDULING] = { [EV_SCHEDULE] = EXEC_SCHEDULED,
	    [EV_RETURN] = EXEC_REQUESTED,
	    [EV_REFUSE] = EXEC_FAILED,
	    [EV_CANCEL] = EXEC_CANCELLED },
	[EXEC_SCHEDULED] = { [EV_CLAIM] = EXEC_RUNNING,
	    [EV_RETURN] = EXEC_REQUESTED,
	    [EV_REFUSE] = EXEC_FAILED,
	    [EV_CANCEL] = EXEC_CANCELLED },
	[EXEC_RUNNING] = { [EV_EXIT_OK] = EXEC_COMPLETED,
	    [EV_EXIT_BAD] = EXEC_FAILED,
	    [EV_TIMEOUT] = EXEC_TIMEOUT,
	    [EV_CANCEL] = EXEC_CANCELING,
	    [EV_WORKER_LOST] = EXEC_ABANDONED },
	[EXEC_CANCELING] = { [EV_ENDED] = EXEC_CANCELLED, [EV_WORKER_LOST] = EXEC_CANCELLED },
};

static const bool terminal[EXEC_STATES] = {
	[EXEC_COMPLETED] = true,
	[EXEC_FAILED] = true,
	[EXEC_CANCELLED] = true,
	[EXEC_TIMEOUT] = true,
	[EXEC_ABANDONED] = true,
};

bool
exec_next(ExecState from, ExecEvent ev, ExecState *ret, Err *err)
{
	ExecState to = transitions[from][ev];

	if (to == EXEC_NONE)
		return err_set(err, ERR_STALE, "%s in state %s", events[ev], states[from]);
	*ret = to;
	return true;
}

bool
exec_terminal(ExecState s)
{
	return terminal[s];
}

const char *
exec_state_name(ExecState s)
{
	return states[s];
}

ExecState
exec_state_of(Str name)
{
	int i = str_is(name, "canceled") ? EXEC_CANCELLED : name_index(states, EXEC_STATES, name);

	return i < 0 ? EXEC_NONE : (ExecState)i;
}

const char *
exec_event_name(ExecEvent ev)
{
	return events[ev];
}

const char *
wait_reason_name(WaitReason w)
{
	return waits[w];
}

WaitReason
wait_reason_of(Str name)
{
	int i = name_index(waits, WAIT_REASONS, name);

	return i < 0 ? WAIT_NONE : (WaitReason)i;
}
