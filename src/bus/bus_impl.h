/*
 * What the implementations of the bus share: the face they fill in, the fields of each kind, the grouping of an outbox
 * into messages. Included only inside this folder and by tests that bring a bus of their own (the simulation).
 */
#pragma once

#include "bus/bus.h"

/* One member of a payload item: its name on the wire and where it lies in MsgItem. */
typedef enum FieldType { FIELD_ID, FIELD_INT, FIELD_STR, FIELD_STATUS, FIELD_TIME, FIELD_UUID } FieldType;

typedef struct Field {
	const char *name;
	FieldType type;
	size_t at;   /* offset in MsgItem */
	size_t also; /* a second place of the same value; 0: none */
	bool needed; /* a payload without it cannot be read; others are left out when zero */
} Field;

typedef struct FieldSet {
	const Field *fields;
	size_t n;
} FieldSet;

extern const FieldSet topic_fields[MSG_KINDS];

bool topic_per_worker(MsgKind kind); /* its routing key holds a worker's id */
bool name_per_worker(const char *pattern);
bool name_per_process(const char *pattern);
Str name_fill(Arena *a, const char *pattern, Id worker, const char *process);

/* The payload alone. Reading and writing come from the same table; an item carries nothing that its kind does not. */
void payload_write(Buf *b, MsgKind kind, const MsgItem *items, size_t n);
MUST_CHECK bool payload_read(
    Arena *a, MsgKind kind, const Json *payload, Uuid correlation, MsgItem **ret, size_t *ret_n, Err *err);

/* A message made of an outbox: items of one kind, and of one worker where the key names one. */
typedef struct OutGroup {
	MsgKind kind;
	Id worker; /* 0: the key names none */
	MsgItem *items;
	size_t n;
	size_t cap;
} OutGroup;

/* Groups in the order of their first items; within a kind (and worker) the order of the outbox is kept. */
size_t outbox_group(Arena *a, const Outbox *o, OutGroup **ret);

/* The face. `kind` of DeadLetter acts and so on: see bus.h. */
typedef struct BusOps {
	void (*close)(Bus *b);
	bool (*port_open)(Bus *b, Port **ret, Err *err);
	void (*port_close)(Port *p);
	bool (*port_publish)(Port *p, const Outbox *o, Err *err);
	bool (*port_settle)(Port *p, TimeUs timeout, Err *err);
	uint64_t (*port_returned)(const Port *p);
	bool (*sub_open)(Bus *b, const SubConfig *config, Sub **ret, Err *err);
	void (*sub_close)(Sub *s);
	size_t (*sub_take)(Sub *s, Arena *a, Msg *msgs, size_t max, size_t max_items, TimeUs wait);
	void (*sub_ack)(Sub *s, const Msg *msgs, size_t n);
	void (*sub_return)(Sub *s, const Msg *msgs, size_t n);
	void (*sub_dead)(Sub *s, const Msg *m, const char *reason);
	void (*sub_wake)(Sub *s);
	bool (*sub_connected)(const Sub *s);
	bool (*depths)(Bus *b, Arena *a, QueueDepth **ret, size_t *ret_n, Err *err);
	bool (*depth)(Bus *b, Arena *a, QueueId q, Id worker, QueueDepth *ret, Err *err);
	bool (*purge)(Bus *b, Err *err);
	bool (*delete_worker_queues)(Bus *b, Id worker, Err *err);
	void (*keep_dead)(Bus *b, DeadKeep *keep, void *self);
	bool (*dead_list)(Bus *b, Arena *a, size_t max, DeadLetter **ret, size_t *ret_n, Err *err);
	bool (*dead_act)(Bus *b, Uuid id, DeadAct act, Err *err);
	bool (*publish_raw)(Bus *b, Exchange x, Str key, Str body, Err *err);
} BusOps;

struct Bus {
	const BusOps *ops;
	Arena *mem; /* names, for the life of the bus */
	const char *process;
	const Clock *clock;
	const char *exchange[EXCHANGES];
	const char *queue[QUEUES]; /* patterns, as in queue_rows */
	bool local;
};

struct Port {
	Bus *bus;
};

struct Sub {
	Bus *bus;
	QueueId queue;
	Id worker;
	uint64_t joined; /* how often it has begun to consume */
};

/* Fills the common part: names, clock, process. */
void bus_init(Bus *b, const BusOps *ops, const BusConfig *config);
void bus_done(Bus *b);
Str bus_queue_name(const Bus *b, Arena *a, QueueId q, Id worker);
/* What a queue would be given by this routing key on this exchange. Walks with *at from 0; false at the end. */
bool bus_routes(QueueId *at, Exchange x, Str key, Id *ret_worker);
/* Reads a body as the consumer of q does. */
MUST_CHECK bool bus_decode(const Bus *b, Arena *a, QueueId q, Str body, Msg *ret, Err *err);

MUST_CHECK bool local_open(const BusConfig *config, Bus **ret, Err *err);
MUST_CHECK bool rabbit_open(const BusConfig *config, Bus **ret, Err *err);
MUST_CHECK bool rabbit_migrate(const BusConfig *config, Err *err);
