/*
 * The one table of message kinds, exchanges and queues. Topology is declared from it, envelopes are written and read by
 * it, `attune bus topology` prints it. Every kind has one exchange and one exact routing key; every queue lists the kinds
 * it carries and has one consumer role. Adding a message is adding a row.
 */
#pragma once

#include "base/json.h"
#include "base/uuid.h"

typedef enum Exchange { EX_EVENTS, EX_EXECUTIONS, EX_NOTIFICATIONS, EX_DEAD, EXCHANGES } Exchange;

typedef enum MsgKind {
	MSG_NONE,
	MSG_EVENT_CREATED,
	MSG_RULE_CREATED,
	MSG_RULE_UPDATED,
	MSG_RULE_ENABLED,
	MSG_RULE_DISABLED,
	MSG_RULE_DELETED,
	MSG_SENSOR_CHANGED, /* it, or what is wished of its process */
	MSG_PACK_REGISTERED,
	MSG_PACK_DELETED,
	MSG_PACK_ENVIRONMENT,
	MSG_ENFORCEMENT_CREATED,
	MSG_EXECUTION_REQUESTED,
	MSG_EXECUTION_SCHEDULED, /* the dispatch, to one worker */
	MSG_EXECUTION_STATUS_CHANGED,
	MSG_EXECUTION_COMPLETED,
	MSG_EXECUTION_CANCEL, /* to one worker */
	MSG_WORKER_HEARTBEAT,
	MSG_INQUIRY_CREATED,
	MSG_INQUIRY_RESPONDED,
	MSG_NOTIFICATION,
	MSG_KINDS
} MsgKind;

typedef enum QueueId {
	Q_ENFORCEMENTS,
	Q_REQUESTS,
	Q_STATUS,
	Q_COMPLETED,
	Q_INQUIRY,
	Q_WORKER_EXECUTIONS, /* one per worker id */
	Q_WORKER_CANCEL,     /* one per worker id */
	Q_WORKER_PACKS,      /* one per worker id */
	Q_EXECUTOR_WORKERS,  /* one per executor process, exclusive */
	Q_SENSOR_RULES,      /* one per sensor process, exclusive */
	Q_SENSOR_CHANGES,    /* one per sensor process, exclusive */
	Q_API_CHANGES,       /* one per API process, exclusive */
	Q_NOTIFIER_CHANGES,  /* one per notifier process, exclusive */
	Q_DEAD,
	QUEUES
} QueueId;

typedef enum Role { ROLE_API, ROLE_EXECUTOR, ROLE_WORKER, ROLE_SENSOR, ROLE_NOTIFIER, ROLE_FOREIGN, ROLES } Role;

/* A required kind has a listener whenever its role is up: it is published mandatory, a return is an error. An announced
 * kind may have none. */
typedef enum Listen { LISTEN_REQUIRED, LISTEN_ANNOUNCED } Listen;

typedef struct Topic {
	const char *type; /* on the wire: "EnforcementCreated" */
	Exchange exchange;
	const char *key; /* exact routing key; "%lld" stands for a worker's id */
	Listen listen;
	bool internal;       /* payload is an array of MsgItem fields; else one object from MsgItem.json */
	bool durable;        /* delivery mode 2: foreign processes may rely on it */
	unsigned publishers; /* bits of Role */
	const char *why;     /* why it lies on that exchange */
} Topic;

typedef struct QueueRow {
	const char *name; /* "%lld" worker id, "%s" process name */
	unsigned kinds;   /* bits of MsgKind */
	Role consumer;
	bool exclusive;  /* exclusive and auto-delete, one per process */
	const char *who; /* how people call its consumer */
} QueueRow;

/* What travels: a list of these per message (internal kinds), or one with json (foreign-facing kinds). Internal items hold
 * ids only: the row has the rest. Which fields a kind writes stands in topics.c. */
typedef struct MsgItem {
	Id id;       /* execution, enforcement, worker or rule id, by kind */
	Id action;   /* execution.*: action id */
	Id worker;   /* scheduled, cancel, heartbeat */
	Id parent;   /* execution.*: parent id; enforcement: event id; heartbeat: how far ahead */
	Id other;    /* requested, completed: enforcement id; enforcement: rule id; heartbeat: free slots */
	int attempt; /* execution.*; heartbeat: running */
	int settled; /* completed: 1 when what follows it was done with it */
	Uuid correlation;
	TimeUs at;    /* changed_at, completed_at; heartbeat: sent at */
	Str status;   /* new status, lower case */
	Str previous; /* status.changed */
	Str ref;      /* action_ref, rule_ref; heartbeat: incarnation */
	Str ref2;     /* trigger_ref */
	Json json;    /* the payload object of a foreign-facing kind */
} MsgItem;

extern const Topic topics[MSG_KINDS];
extern const QueueRow queue_rows[QUEUES];
extern const char *const exchange_names[EXCHANGES];
extern const char *const exchange_types[EXCHANGES];
extern const char *const role_names[ROLES];

MsgKind topic_of_type(Str type); /* MSG_NONE when unknown */
bool queue_carries(QueueId q, MsgKind kind);

/* An envelope on the wire (engine 2.4). */
typedef struct Envelope {
	Uuid message_id;
	Uuid correlation;
	MsgKind kind;
	TimeUs timestamp;
	const char *source; /* role that sends */
} Envelope;

enum { MSG_ITEMS_MAX = 64 };

Str envelope_write(Arena *a, const Envelope *e, const MsgItem *items, size_t n);
/* Reads what envelope_write wrote, and what older or foreign writers send: a single object for an internal kind, missing
 * ids and headers. ERR_INVALID says what is wrong, for the dead-letter queue. */
MUST_CHECK bool envelope_read(Arena *a, Str text, Envelope *ret, MsgItem **ret_items, size_t *ret_n, Err *err);
