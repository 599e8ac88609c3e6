#include "bus/topics.h"
#include "bus/bus_impl.h"

#include "base/names.h"

#include <stdio.h>

enum {
	BY_API = 1u << ROLE_API,
	BY_EXECUTOR = 1u << ROLE_EXECUTOR,
	BY_WORKER = 1u << ROLE_WORKER,
	BY_SENSOR = 1u << ROLE_SENSOR,
	BY_FOREIGN = 1u << ROLE_FOREIGN,
};

const char *const exchange_names[EXCHANGES] = {
	[EX_EVENTS] = "attune.events",
	[EX_EXECUTIONS] = "attune.executions",
	[EX_NOTIFICATIONS] = "attune.notifications",
	[EX_DEAD] = "attune.dlx",
};

/* A topic exchange for dead letters: only there does the binding "#" mean "everything". */
const char *const exchange_types[EXCHANGES] = {
	[EX_EVENTS] = "topic",
	[EX_EXECUTIONS] = "topic",
	[EX_NOTIFICATIONS] = "fanout",
	[EX_DEAD] = "topic",
};

const char *const role_names[ROLES] = {
	[ROLE_API] = "api",
	[ROLE_EXECUTOR] = "executor",
	[ROLE_WORKER] = "worker",
	[ROLE_SENSOR] = "sensor",
	[ROLE_NOTIFIER] = "notifier",
	[ROLE_FOREIGN] = "foreign",
};

static const char why_event[] = "what happened outside: sensors and rules; whoever listens may be foreign";
static const char why_rule[] = "sensors start and stop ticking by it, as foreign sensor processes do";
static const char why_sensor[] = "whoever runs sensors starts, stops and restarts them by it";
static const char why_pack[] = "every worker prepares its environments; foreign tools may listen";
static const char why_run[] = "a step in the life of an execution";
static const char why_worker[] = "a step in the life of an execution, for one worker only";
static const char why_inquiry[] = "an inquiry holds an execution until it is answered";
static const char why_notice[] = "for people who watch; every notifier gets a copy, so the exchange is a fanout";

const Topic topics[MSG_KINDS] = {
	[MSG_EVENT_CREATED] = { "EventCreated", EX_EVENTS, "event.created", LISTEN_ANNOUNCED, false, true,
	    BY_API | BY_SENSOR, why_event },
	[MSG_RULE_CREATED] = { "RuleCreated", EX_EVENTS, "rule.created", LISTEN_ANNOUNCED, false, true, BY_API,
	    why_rule },
	[MSG_RULE_UPDATED] = { "RuleUpdated", EX_EVENTS, "rule.updated", LISTEN_ANNOUNCED, false, true, BY_API,
	    why_rule },
	[MSG_RULE_ENABLED] = { "RuleEnabled", EX_EVENTS, "rule.enabled", LISTEN_ANNOUNCED, false, true, BY_API,
	    why_rule },
	[MSG_RULE_DISABLED] = { "RuleDisabled", EX_EVENTS, "rule.disabled", LISTEN_ANNOUNCED, false, true, BY_API,
	    why_rule },
	[MSG_RULE_DELETED] = { "RuleDeleted", EX_EVENTS, "rule.deleted", LISTEN_ANNOUNCED, false, true, BY_API,
	    why_rule },
	[MSG_SENSOR_CHANGED] = { "SensorChanged", EX_EVENTS, "sensor.changed", LISTEN_ANNOUNCED, false, true,
	    BY_API | BY_SENSOR, why_sensor },
	[MSG_PACK_REGISTERED] = { "PackRegistered", EX_EVENTS, "pack.registered", LISTEN_ANNOUNCED, false, true, BY_API,
	    why_pack },
	[MSG_PACK_DELETED] = { "PackDeleted", EX_EVENTS, "pack.deleted", LISTEN_ANNOUNCED, false, true, BY_API,
	    why_pack },
	[MSG_PACK_ENVIRONMENT] = { "PackEnvironmentRequested", EX_EVENTS, "pack.environment", LISTEN_ANNOUNCED, false,
	    true, BY_API, why_pack },
	[MSG_ENFORCEMENT_CREATED] = { "EnforcementCreated", EX_EXECUTIONS, "enforcement.created", LISTEN_REQUIRED, true,
	    false, BY_API | BY_SENSOR | BY_EXECUTOR, why_run },
	[MSG_EXECUTION_REQUESTED] = { "ExecutionRequested", EX_EXECUTIONS, "execution.requested", LISTEN_REQUIRED, true,
	    false, BY_API | BY_EXECUTOR | BY_WORKER | BY_FOREIGN, why_run },
	[MSG_EXECUTION_SCHEDULED] = { "ExecutionScheduled", EX_EXECUTIONS, "worker.%lld", LISTEN_REQUIRED, true, false,
	    BY_API | BY_EXECUTOR | BY_WORKER, why_worker },
	[MSG_EXECUTION_STATUS_CHANGED] = { "ExecutionStatusChanged", EX_EXECUTIONS, "execution.status.changed",
	    LISTEN_REQUIRED, true, false, BY_API | BY_EXECUTOR | BY_WORKER, why_run },
	[MSG_EXECUTION_COMPLETED] = { "ExecutionCompleted", EX_EXECUTIONS, "execution.completed", LISTEN_REQUIRED, true,
	    false, BY_API | BY_EXECUTOR | BY_WORKER, why_run },
	[MSG_EXECUTION_CANCEL] = { "ExecutionCancelRequested", EX_EXECUTIONS, "execution.cancel.worker.%lld",
	    LISTEN_REQUIRED, true, false, BY_API | BY_EXECUTOR | BY_WORKER, why_worker },
	[MSG_WORKER_HEARTBEAT] = { "WorkerHeartbeat", EX_EXECUTIONS, "worker.heartbeat", LISTEN_ANNOUNCED, true, false,
	    BY_WORKER, "tells every executor what a worker has free, for the next choice" },
	[MSG_INQUIRY_CREATED] = { "InquiryCreated", EX_EXECUTIONS, "inquiry.created", LISTEN_ANNOUNCED, false, true,
	    BY_EXECUTOR | BY_WORKER, why_inquiry },
	[MSG_INQUIRY_RESPONDED] = { "InquiryResponded", EX_EXECUTIONS, "inquiry.responded", LISTEN_REQUIRED, false,
	    true, BY_API | BY_FOREIGN, why_inquiry },
	[MSG_NOTIFICATION] = { "NotificationCreated", EX_NOTIFICATIONS, "notification.created", LISTEN_ANNOUNCED, true,
	    false, BY_API | BY_EXECUTOR | BY_WORKER | BY_SENSOR, why_notice },
};

const QueueRow queue_rows[QUEUES] = {
	[Q_ENFORCEMENTS] = { "attune.enforcements.queue", 1u << MSG_ENFORCEMENT_CREATED, ROLE_EXECUTOR, false,
	    "enforcement processor" },
	[Q_REQUESTS] = { "attune.execution.requests.queue", 1u << MSG_EXECUTION_REQUESTED, ROLE_EXECUTOR, false,
	    "scheduler" },
	[Q_STATUS] = { "attune.execution.status.queue", 1u << MSG_EXECUTION_STATUS_CHANGED, ROLE_EXECUTOR, false,
	    "execution manager" },
	[Q_COMPLETED] = { "attune.execution.completed.queue", 1u << MSG_EXECUTION_COMPLETED, ROLE_EXECUTOR, false,
	    "completion listener" },
	[Q_INQUIRY] = { "attune.inquiry.responses.queue", 1u << MSG_INQUIRY_RESPONDED, ROLE_EXECUTOR, false,
	    "inquiry handler" },
	[Q_WORKER_EXECUTIONS] = { "worker.%lld.executions", 1u << MSG_EXECUTION_SCHEDULED, ROLE_WORKER, false,
	    "worker" },
	[Q_WORKER_CANCEL] = { "worker.%lld.cancel", 1u << MSG_EXECUTION_CANCEL, ROLE_WORKER, false, "worker, cancels" },
	[Q_WORKER_PACKS] = { "worker.%lld.packs",
	    1u << MSG_PACK_REGISTERED | 1u << MSG_PACK_DELETED | 1u << MSG_PACK_ENVIRONMENT, ROLE_WORKER, false,
	    "worker, environments" },
	[Q_EXECUTOR_WORKERS] = { "executor.%s.workers", 1u << MSG_WORKER_HEARTBEAT, ROLE_EXECUTOR, true,
	    "worker table of one executor" },
	[Q_SENSOR_RULES] = { "sensor.%s.rules",
	    1u << MSG_RULE_CREATED | 1u << MSG_RULE_UPDATED | 1u << MSG_RULE_ENABLED | 1u << MSG_RULE_DISABLED |
		1u << MSG_RULE_DELETED,
	    ROLE_SENSOR, true, "timers of one sensor process" },
	[Q_SENSOR_CHANGES] = { "sensor.%s.sensors", 1u << MSG_SENSOR_CHANGED, ROLE_SENSOR, true,
	    "sensors of one sensor process" },
	[Q_API_CHANGES] = { "notifier.api.%s.changes", 1u << MSG_NOTIFICATION, ROLE_API, true,
	    "one API process: streams, waiters" },
	[Q_NOTIFIER_CHANGES] = { "notifier.%s.changes", 1u << MSG_NOTIFICATION, ROLE_NOTIFIER, true,
	    "one notifier: WebSockets" },
	[Q_DEAD] = { "attune.dlx.queue", 0, ROLE_API, false, "people, through `attune dlq`" },
};

#define AT(member) offsetof(MsgItem, member)

static const Field enforcement_fields[] = {
	{ "enforcement_id", FIELD_ID, AT(id), .needed = true },
	{ "rule_id", FIELD_ID, AT(other) },
	{ "rule_ref", FIELD_STR, AT(ref) },
	{ "event_id", FIELD_ID, AT(parent) },
	{ "trigger_ref", FIELD_STR, AT(ref2) },
	{ "correlation_id", FIELD_UUID, AT(correlation) },
};

static const Field requested_fields[] = {
	{ "execution_id", FIELD_ID, AT(id), .needed = true },
	{ "action_id", FIELD_ID, AT(action) },
	{ "action_ref", FIELD_STR, AT(ref) },
	{ "parent_id", FIELD_ID, AT(parent) },
	{ "enforcement_id", FIELD_ID, AT(other) },
	{ "attempt", FIELD_INT, AT(attempt) },
	{ "correlation_id", FIELD_UUID, AT(correlation) },
};

static const Field scheduled_fields[] = {
	{ "execution_id", FIELD_ID, AT(id), .needed = true },
	{ "worker_id", FIELD_ID, AT(worker), .needed = true },
	{ "action_id", FIELD_ID, AT(action) },
	{ "action_ref", FIELD_STR, AT(ref) },
	{ "parent_id", FIELD_ID, AT(parent) },
	{ "scheduled_attempt_updated_at", FIELD_TIME, AT(at) },
	{ "attempt", FIELD_INT, AT(attempt) },
	{ "correlation_id", FIELD_UUID, AT(correlation) },
};

static const Field status_fields[] = {
	{ "execution_id", FIELD_ID, AT(id), .needed = true },
	{ "action_id", FIELD_ID, AT(action) },
	{ "action_ref", FIELD_STR, AT(ref) },
	{ "parent_id", FIELD_ID, AT(parent) },
	{ "previous_status", FIELD_STATUS, AT(previous) },
	{ "new_status", FIELD_STATUS, AT(status), .needed = true },
	{ "changed_at", FIELD_TIME, AT(at) },
	{ "attempt", FIELD_INT, AT(attempt) },
	{ "correlation_id", FIELD_UUID, AT(correlation) },
};

static const Field completed_fields[] = {
	{ "execution_id", FIELD_ID, AT(id), .needed = true },
	{ "action_id", FIELD_ID, AT(action) },
	{ "action_ref", FIELD_STR, AT(ref) },
	{ "parent_id", FIELD_ID, AT(parent) },
	{ "enforcement_id", FIELD_ID, AT(other) },
	{ "status", FIELD_STATUS, AT(status), .needed = true },
	{ "completed_at", FIELD_TIME, AT(at) },
	{ "attempt", FIELD_INT, AT(attempt) },
	{ "settled", FIELD_INT, AT(settled) },
	{ "correlation_id", FIELD_UUID, AT(correlation) },
};

static const Field cancel_fields[] = {
	{ "execution_id", FIELD_ID, AT(id), .needed = true },
	{ "worker_id", FIELD_ID, AT(worker), .needed = true },
	{ "attempt", FIELD_INT, AT(attempt) },
	{ "correlation_id", FIELD_UUID, AT(correlation) },
};

/* The worker is both the subject (id) and the worker: whichever the sender filled, the reader finds both. */
static const Field heartbeat_fields[] = {
	{ "worker_id", FIELD_ID, AT(id), .also = AT(worker), .needed = true },
	{ "free_slots", FIELD_ID, AT(other) },
	{ "running", FIELD_INT, AT(attempt) },
	{ "ahead", FIELD_ID, AT(parent) },
	{ "sent_at", FIELD_TIME, AT(at) },
	{ "incarnation", FIELD_STR, AT(ref) },
	{ "status", FIELD_STATUS, AT(status) },
	{ "correlation_id", FIELD_UUID, AT(correlation) },
};

/* Of foreign-facing kinds the whole object is in `json`; these members are found by name as well. */
static const Field event_fields[] = {
	{ "event_id", FIELD_ID, AT(id), .needed = true },
	{ "trigger_id", FIELD_ID, AT(other) },
	{ "trigger_ref", FIELD_STR, AT(ref2) },
};

static const Field rule_fields[] = {
	{ "rule_id", FIELD_ID, AT(id), .needed = true },
	{ "rule_ref", FIELD_STR, AT(ref) },
	{ "trigger_ref", FIELD_STR, AT(ref2) },
};

static const Field sensor_fields[] = {
	{ "sensor_id", FIELD_ID, AT(id), .needed = true },
	{ "sensor_ref", FIELD_STR, AT(ref) },
};

static const Field pack_fields[] = {
	{ "pack_id", FIELD_ID, AT(id) },
	{ "pack_ref", FIELD_STR, AT(ref), .needed = true },
};

static const Field inquiry_fields[] = {
	{ "inquiry_id", FIELD_ID, AT(id), .needed = true },
	{ "execution_id", FIELD_ID, AT(parent) },
};

/* One item tells the same of many rows: their ids stand in one text, "101,102,103", in the order of the changes. */
static const Field notification_fields[] = {
	{ "notification_type", FIELD_STR, AT(ref), .needed = true },
	{ "ids", FIELD_STR, AT(ref2), .needed = true },
	{ "status", FIELD_STATUS, AT(status) },
	{ "previous_status", FIELD_STATUS, AT(previous) },
	{ "changed_at", FIELD_TIME, AT(at) },
};

const FieldSet topic_fields[MSG_KINDS] = {
	[MSG_EVENT_CREATED] = { event_fields, countof(event_fields) },
	[MSG_RULE_CREATED] = { rule_fields, countof(rule_fields) },
	[MSG_RULE_UPDATED] = { rule_fields, countof(rule_fields) },
	[MSG_RULE_ENABLED] = { rule_fields, countof(rule_fields) },
	[MSG_RULE_DISABLED] = { rule_fields, countof(rule_fields) },
	[MSG_RULE_DELETED] = { rule_fields, countof(rule_fields) },
	[MSG_SENSOR_CHANGED] = { sensor_fields, countof(sensor_fields) },
	[MSG_PACK_REGISTERED] = { pack_fields, countof(pack_fields) },
	[MSG_PACK_DELETED] = { pack_fields, countof(pack_fields) },
	[MSG_PACK_ENVIRONMENT] = { pack_fields, countof(pack_fields) },
	[MSG_ENFORCEMENT_CREATED] = { enforcement_fields, countof(enforcement_fields) },
	[MSG_EXECUTION_REQUESTED] = { requested_fields, countof(requested_fields) },
	[MSG_EXECUTION_SCHEDULED] = { scheduled_fields, countof(scheduled_fields) },
	[MSG_EXECUTION_STATUS_CHANGED] = { status_fields, countof(status_fields) },
	[MSG_EXECUTION_COMPLETED] = { completed_fields, countof(completed_fields) },
	[MSG_EXECUTION_CANCEL] = { cancel_fields, countof(cancel_fields) },
	[MSG_WORKER_HEARTBEAT] = { heartbeat_fields, countof(heartbeat_fields) },
	[MSG_INQUIRY_CREATED] = { inquiry_fields, countof(inquiry_fields) },
	[MSG_INQUIRY_RESPONDED] = { inquiry_fields, countof(inquiry_fields) },
	[MSG_NOTIFICATION] = { notification_fields, countof(notification_fields) },
};

MsgKind
topic_of_type(Str type)
{
	for (MsgKind k = MSG_NONE + 1; k < MSG_KINDS; k++)
		if (str_is(type, topics[k].type))
			return k;
	return MSG_NONE;
}

bool
queue_carries(QueueId q, MsgKind kind)
{
	return (queue_rows[q].kinds >> kind & 1) != 0;
}

bool
name_per_worker(const char *pattern)
{
	return strstr(pattern, "%lld") != NULL;
}

bool
name_per_process(const char *pattern)
{
	return strstr(pattern, "%s") != NULL;
}

bool
topic_per_worker(MsgKind kind)
{
	return name_per_worker(topics[kind].key);
}

Str
name_fill(Arena *a, const char *pattern, Id worker, const char *process)
{
	const char *at = strchr(pattern, '%');
	int before;

	if (at == NULL)
		return str_copy(a, str_of(pattern));
	before = (int)(at - pattern);
	if (name_per_worker(pattern))
		return str_fmt(a, "%.*s%lld%s", before, pattern, (long long)worker, at + strlen("%lld"));
	return str_fmt(a, "%.*s%s%s", before, pattern, process, at + strlen("%s"));
}
