/*
 * One face over the in-process bus and RabbitMQ. A message is only a wake-up: the row it names is the truth, so what is
 * lost here is announced again by the sweeper. A Bus belongs to the process; a Port is one thread's way to publish; a Sub is
 * one thread's consumer of one queue. Losing the broker is survived inside: publishing fails with ERR_AWAY (the caller goes
 * on, the sweeper repeats), a Sub reconnects with jitter and says so once.
 */
#pragma once

#include "base/clock.h"
#include "bus/topics.h"

typedef struct Bus Bus;
typedef struct Port Port;
typedef struct Sub Sub;

typedef struct BusConfig {
	Str url;                 /* "local:" or "amqp://user:pass@host:port/vhost", "amqps://..." */
	Str process;             /* unique name of this process, for its exclusive queues */
	Str exchange[EXCHANGES]; /* other names, from the configuration; empty: the default */
	Str queue[QUEUES];       /* the same, for the fixed queues */
	bool quorum;             /* message_queue.queue_type: quorum */
	Str management_url;      /* for the full listing of topology, optional */
	const Clock *clock;
	TimeUs heartbeat; /* of the connection; 0: 30 s */
} BusConfig;

/* Declares exchanges, the fixed queues and bindings, and probes each binding with a message of its own. */
MUST_CHECK bool bus_open(const BusConfig *config, Bus **ret, Err *err);
/* Makes a broker with older exchanges fit the table (`attune bus migrate`); loses no message that is waiting. */
MUST_CHECK bool bus_migrate(const BusConfig *config, Err *err);
void bus_close(Bus *b); /* after every Port and Sub */
bool bus_is_local(const Bus *b);
const char *bus_process(const Bus *b);

/* Messages to send after a commit. Grows in an arena; items of one kind (and worker) share envelopes of up to 64. */
typedef struct OutMsg {
	MsgKind kind;
	MsgItem item;
} OutMsg;

typedef struct Outbox {
	Arena *a;
	OutMsg *msgs;
	size_t n;
	size_t cap;
} Outbox;

Outbox outbox_open(Arena *a);
MsgItem *outbox_add(Outbox *o, MsgKind kind); /* zeroed; fill it at once, the pointer moves with the next add */

MUST_CHECK bool port_open(Bus *b, Port **ret, Err *err); /* does not need the broker to be there */
void port_close(Port *p);
/* Publishes all, mandatory where the topic asks for it, and looks at confirms that have come without waiting for its own.
 * What was not confirmed within 10 s is sent again with the same message id. */
MUST_CHECK bool port_publish(Port *p, const Outbox *o, Err *err);
MUST_CHECK bool port_settle(Port *p, TimeUs timeout, Err *err); /* waits until everything is confirmed: drain, tests */
uint64_t port_returned(const Port *p);                          /* required messages nobody listened for */

typedef struct Msg {
	MsgKind kind;
	Uuid message_id;
	Uuid correlation;
	MsgItem *items;
	size_t n;
	uint64_t tag;
	bool redelivered; /* for the log only; never trusted */
} Msg;

typedef struct SubConfig {
	QueueId queue;
	Id worker;               /* for per-worker queues */
	unsigned prefetch;       /* 0: 256 messages */
	bool exclusive_consumer; /* refuse a second consumer of the queue: ERR_CONFLICT */
} SubConfig;

MUST_CHECK bool sub_open(Bus *b, const SubConfig *config, Sub **ret, Err *err);
void sub_close(Sub *s);
/* Waits up to `wait` for a first message, then takes what else is there, up to about max items in all. Messages and items
 * lie in the arena. Undecodable messages and kinds the queue does not carry go to the dead-letter queue at once, with
 * their reason, and are not seen here. Returns the number of messages; 0 on timeout, wake or loss of the broker. */
size_t sub_take(Sub *s, Arena *a, Msg *msgs, size_t max, size_t max_items, TimeUs wait);
void sub_ack(Sub *s, const Msg *msgs, size_t n);         /* all of these */
void sub_return(Sub *s, const Msg *msgs, size_t n);      /* put back: this process cannot handle them now */
void sub_dead(Sub *s, const Msg *m, const char *reason); /* to the dead-letter queue */
void sub_wake(Sub *s);                                   /* from any thread: sub_take returns */
bool sub_connected(const Sub *s);
/* How often it has begun to consume: when this rises, an exclusive queue is a new one, and what came in between is lost. */
uint64_t sub_joined(const Sub *s);

/* What lies where, for `attune status`, health and the tests. Depth -1: unknown. */
typedef struct QueueDepth {
	Str name;
	int64_t messages;
	int64_t consumers;
} QueueDepth;

MUST_CHECK bool bus_depths(Bus *b, Arena *a, QueueDepth **ret, size_t *ret_n, Err *err);
/* One queue, that of a worker as well (of which bus_depths knows only those this process has opened). */
MUST_CHECK bool bus_depth(Bus *b, Arena *a, QueueId q, Id worker, QueueDepth *ret, Err *err);
MUST_CHECK bool bus_purge(Bus *b, Err *err); /* every queue of the table: tests */
MUST_CHECK bool bus_delete_worker_queues(Bus *b, Id worker, Err *err);

/* Dead letters. On RabbitMQ they lie in attune.dlx.queue; in process the bus calls `keep`, which stores a row. */
typedef struct DeadLetter {
	Uuid id;   /* message id */
	Str queue; /* where it was refused */
	Str key;   /* routing key it came by */
	Str reason;
	Str body; /* as it was received */
	TimeUs at;
} DeadLetter;

typedef bool DeadKeep(void *self, const DeadLetter *d);
void bus_keep_dead(Bus *b, DeadKeep *keep, void *self); /* in-process bus only */
enum { DEAD_LETTERS_MOST = 10000 };                     /* are looked at: those behind them wait until some are gone */
/* RabbitMQ: reads up to max letters, the oldest first; they stay. */
MUST_CHECK bool bus_dead_list(Bus *b, Arena *a, size_t max, DeadLetter **ret, size_t *ret_n, Err *err);
typedef enum DeadAct { DEAD_REPLAY, DEAD_DROP } DeadAct;
MUST_CHECK bool bus_dead_act(Bus *b, Uuid id, DeadAct act, Err *err); /* ERR_NOT_FOUND when there is none */
/* Publishes a raw body by exchange and routing key: replay of a stored letter, hostile tests. */
MUST_CHECK bool bus_publish_raw(Bus *b, Exchange x, Str key, Str body, Err *err);
