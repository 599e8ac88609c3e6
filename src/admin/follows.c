#include "admin/follows.h"

#define K(name) (1u << MSG_##name)
#define Q(name) (1u << Q_##name)

static const char after_commit[] = "after the commit";
static const char row_first[] =
    "the row has moved by then; if the process dies before, the message comes again and finds the guard closed";

const Ack acks[QUEUES] = {
	[Q_ENFORCEMENTS] = { after_commit, row_first },
	[Q_REQUESTS] = { after_commit, row_first },
	[Q_STATUS] = { "when it is read", "the row is right already" },
	[Q_COMPLETED] = { after_commit, row_first },
	[Q_INQUIRY] = { "when it is read", "the answer stands in the inquiry's row" },
	[Q_WORKER_EXECUTIONS] = { "in the worker's inbox",
	    "the row says `scheduled` until it is claimed, so a worker that dies with a full inbox loses nothing" },
	[Q_WORKER_CANCEL] = { "in the worker's inbox", "the row says `canceling`; the sweeper tells the worker again" },
	[Q_WORKER_PACKS] = { "when the builders are told",
	    "whoever needs an environment has it built; a wish for a new one is in its row" },
	[Q_EXECUTOR_WORKERS] = { after_commit, "the next heartbeat says it again" },
	[Q_SENSOR_RULES] = { "when the timers are told", "what changed is read from the database" },
	[Q_SENSOR_CHANGES] = { "when it is read", "what changed is read from the database" },
	[Q_API_CHANGES] = { "when those who watch are told", "a watcher sees by the numbers that one is missing" },
	[Q_NOTIFIER_CHANGES] = { "when those who watch are told", "a watcher sees by the numbers that one is missing" },
	[Q_DEAD] = { "by people", "`attune dlq replay` and `attune dlq drop`" },
};

/* A row whose action is gone ends failed wherever it is met. */
enum { STOPS = K(EXECUTION_CANCEL) | K(EXECUTION_STATUS_CHANGED) };
enum { PLACED = K(EXECUTION_SCHEDULED) | K(EXECUTION_STATUS_CHANGED) | K(EXECUTION_COMPLETED) | K(NOTIFICATION) };
/* Who looks at what waits asks the policies, and one may cancel the oldest run. */
enum { CHOSEN = PLACED | K(EXECUTION_CANCEL) };

const Follows follows[] = {
	{ "event in (API)", ROLE_API, 0, K(EVENT_CREATED) | K(ENFORCEMENT_CREATED) | K(NOTIFICATION), 0,
	    "one enforcement for each rule that the event meets" },
	{ "timer fires", ROLE_SENSOR, 0, K(EVENT_CREATED) | K(ENFORCEMENT_CREATED) | K(NOTIFICATION), 0, "the same" },
	{ "execution asked for (API)", ROLE_API, 0, K(EXECUTION_REQUESTED) | PLACED, 0,
	    "with a worker in the same transaction when nothing else waits; completed at once when the parameters "
	    "break the schema" },
	{ "cancel asked for (API)", ROLE_API, 0,
	    K(EXECUTION_CANCEL) | K(EXECUTION_STATUS_CHANGED) | K(EXECUTION_COMPLETED) | K(NOTIFICATION), 0,
	    "the worker is told of a running one; a waiting one is completed at once" },
	{ "rule changed (API)", ROLE_API, 0,
	    K(RULE_CREATED) | K(RULE_UPDATED) | K(RULE_ENABLED) | K(RULE_DISABLED) | K(RULE_DELETED), 0,
	    "sensors change their timers" },
	{ "sensor changed, started, stopped (API)", ROLE_API, 0, K(SENSOR_CHANGED) | K(RULE_UPDATED), 0,
	    "whoever runs sensors looks again" },
	{ "pack registered or removed (API)", ROLE_API, 0,
	    K(PACK_REGISTERED) | K(PACK_DELETED) | K(RULE_CREATED) | K(RULE_UPDATED) | K(RULE_ENABLED) |
		K(RULE_DISABLED) | K(RULE_DELETED) | K(SENSOR_CHANGED),
	    0, "and what that changed of rules" },
	{ "environments asked for anew (API)", ROLE_API, 0, K(PACK_ENVIRONMENT), 0, "each machine builds them once" },
	{ "enforcement processor", ROLE_EXECUTOR, Q(ENFORCEMENTS), CHOSEN, 0,
	    "execution and worker in one transaction; completed at once when the parameters break the schema" },
	{ "scheduler", ROLE_EXECUTOR, Q(REQUESTS), CHOSEN, 0,
	    "completed when the action is gone; cancel where a policy ends the oldest run" },
	{ "completion listener", ROLE_EXECUTOR, Q(COMPLETED), PLACED | K(EXECUTION_REQUESTED) | STOPS,
	    K(EXECUTION_COMPLETED), "the workflow of the ended run goes on, and its room is given to what waits" },
	{ "execution manager", ROLE_EXECUTOR, Q(STATUS), PLACED | K(EXECUTION_REQUESTED) | STOPS,
	    K(EXECUTION_STATUS_CHANGED), "a workflow that is being cancelled ends what runs under it" },
	{ "inquiry handler", ROLE_EXECUTOR, Q(INQUIRY), 0, 0, "notes it in the log" },
	{ "worker table", ROLE_EXECUTOR, Q(EXECUTOR_WORKERS), CHOSEN, 0, "a worker with room gets what waits" },
	{ "worker", ROLE_WORKER, Q(WORKER_EXECUTIONS) | Q(WORKER_CANCEL), PLACED | K(EXECUTION_REQUESTED) | STOPS,
	    K(EXECUTION_SCHEDULED) | K(EXECUTION_CANCEL),
	    "completed when a run has ended, and what follows it, as far as nobody has to be waited for; requested for "
	    "what it gives back unstarted" },
	{ "environments", ROLE_WORKER, Q(WORKER_PACKS), 0, 0, "builds what packs need" },
	{ "worker, by the clock", ROLE_WORKER, 0, K(WORKER_HEARTBEAT), 0, "" },
	{ "those who watch", ROLE_API, Q(API_CHANGES), 0, 0, "wakes requests and streams that wait for a change" },
	{ "notifier", ROLE_NOTIFIER, Q(NOTIFIER_CHANGES), 0, 0, "tells its WebSockets" },
	{ "timers", ROLE_SENSOR, Q(SENSOR_RULES), 0, 0, "changes when they are due, and which sensors run" },
	{ "sensors", ROLE_SENSOR, Q(SENSOR_CHANGES), 0, 0, "starts, stops and restarts them" },
	{ "sensor reports, fails or is given up", ROLE_SENSOR, 0,
	    K(EVENT_CREATED) | K(ENFORCEMENT_CREATED) | K(SENSOR_CHANGED) | K(NOTIFICATION), 0,
	    "an alert is an event; one that is given up is taken by another process" },
	{ "sweeper", ROLE_EXECUTOR, 0, K(ENFORCEMENT_CREATED) | K(EXECUTION_REQUESTED) | CHOSEN, 0,
	    "says again what a row still waits for; settles the runs of lost workers" },
};
const size_t follows_count = countof(follows);
