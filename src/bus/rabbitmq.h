/*
 * What the files of the RabbitMQ bus share. A Conn is one connection with one channel, used by one thread (the admin one
 * under its lock). Every Port and Sub has its own; losing it is normal: conn_ready makes a new one when it is time.
 */
#pragma once

#include "bus/bus_impl.h"

#include <pthread.h>
#include <stdatomic.h>
#include <amqp.h>
#include <amqp_framing.h>

enum {
	CHANNEL = 1,
	CONNECT_QUICK_US = 700 * US_PER_MS, /* a publisher's caller must not wait for long */
	CONNECT_PATIENT_US = 5 * US_PER_S,
};

typedef struct RabbitUrl {
	const char *starred; /* for every text */
	const char *host;
	int port;
	const char *user;
	const char *password;
	const char *vhost;
	bool tls;
	bool tls_verify;
	const char *cacert;
} RabbitUrl;

typedef struct RabbitBus RabbitBus;

typedef struct Conn {
	RabbitBus *bus;
	const char *what;          /* "publisher", "consumer of X": in logs and in the broker's list */
	amqp_connection_state_t c; /* NULL: not connected */
	TimeUs patience;           /* for connecting and for each answer */
	TimeUs heartbeat;
	bool confirms;
	bool blocked; /* the broker takes no messages now */
	unsigned tries;
	TimeUs next_try; /* monotonic */
} Conn;

/* Worker queues that this process has opened, for depths and purging. */
typedef struct KnownQueue {
	QueueId id;
	Id worker;
} KnownQueue;

struct RabbitBus {
	Bus bus;
	RabbitUrl url;
	TimeUs heartbeat;
	bool quorum;
	atomic_bool away;     /* said so; the next connection that stands says the contrary */
	pthread_mutex_t lock; /* guards what follows */
	Conn admin;
	KnownQueue *known;
	size_t known_n;
	size_t known_cap;
};

MUST_CHECK bool rabbit_url_parse(Arena *a, Str text, RabbitUrl *ret, Err *err);

/* Connects when not connected. Away: waits with jitter between tries, answering ERR_AWAY at once meanwhile. */
MUST_CHECK bool conn_ready(Conn *k, Err *err);
MUST_CHECK bool conn_connect(Conn *k, Err *err); /* one try, now */
void conn_delay(Conn *k);                        /* the next try only after a while, longer each time */
void conn_lost(Conn *k, const char *why);        /* drops it */
void conn_close(Conn *k);                        /* at once */
void conn_goodbye(Conn *k);                      /* as the protocol asks, so that the broker logs no complaint */
MUST_CHECK bool conn_channel(Conn *k, Err *err); /* a new channel after the broker closed ours */
/* Checks the answer of a synchronous call. On failure of the connection it is dropped; when the broker closed the
 * channel, a new one is opened. */
MUST_CHECK bool conn_reply(Conn *k, amqp_rpc_reply_t r, Err *err);
MUST_CHECK bool conn_answer(Conn *k, const void *answer, Err *err); /* of calls that give NULL on failure */
/* Reads one frame: true with a frame; false with none there (the connection stays) or lost (k->c is NULL). Frames of
 * the connection itself are handled inside. */
bool conn_frame(Conn *k, TimeUs wait, amqp_frame_t *ret);
/* A channel or connection closed by the broker: sets err. */
bool conn_closed_by(const Conn *k, const amqp_method_t *m, Err *err);

amqp_bytes_t bytes_of(Str s);
Str str_of_bytes(amqp_bytes_t b);
const amqp_table_entry_t *header_find(const amqp_basic_properties_t *p, const char *name);
Str header_text(const amqp_basic_properties_t *p, const char *name);
struct timeval timeval_of(TimeUs t);

/* Topology. Each leaves the connection usable. */
MUST_CHECK bool topology_declare(RabbitBus *b, Conn *k, Err *err);
MUST_CHECK bool topology_migrate(RabbitBus *b, Conn *k, Err *err);
MUST_CHECK bool topology_probe(RabbitBus *b, Conn *k, Err *err);
MUST_CHECK bool topology_queue(RabbitBus *b, Conn *k, QueueId q, Id worker, Err *err); /* declares and binds */
MUST_CHECK bool queue_depth(Conn *k, Str name, QueueDepth *ret, Err *err);             /* passive declare */

/* Publishes and waits for the broker's word. *ret_returned: no queue took it. */
MUST_CHECK bool publish_confirmed(
    Conn *k, Str exchange, Str key, const amqp_basic_properties_t *p, Str body, bool *ret_returned, Err *err);

extern const char probe_header[];
extern const char reason_header[];
extern const char queue_header[];
extern const char exchange_header[];

bool rabbit_port_open(Bus *bus, Port **ret, Err *err);
void rabbit_port_close(Port *p);
bool rabbit_port_publish(Port *p, const Outbox *o, Err *err);
bool rabbit_port_settle(Port *p, TimeUs timeout, Err *err);
uint64_t rabbit_port_returned(const Port *p);

bool rabbit_sub_open(Bus *bus, const SubConfig *config, Sub **ret, Err *err);
void rabbit_sub_close(Sub *s);
size_t rabbit_sub_take(Sub *s, Arena *a, Msg *msgs, size_t max, size_t max_items, TimeUs wait);
void rabbit_sub_ack(Sub *s, const Msg *msgs, size_t n);
void rabbit_sub_return(Sub *s, const Msg *msgs, size_t n);
void rabbit_sub_dead(Sub *s, const Msg *m, const char *reason);
void rabbit_sub_wake(Sub *s);
bool rabbit_sub_connected(const Sub *s);

/* The admin connection, locked; NULL with err when the broker is away. */
Conn *admin_take(RabbitBus *b, Err *err);
void admin_give(RabbitBus *b);
bool rabbit_depths(Bus *bus, Arena *a, QueueDepth **ret, size_t *ret_n, Err *err);
bool rabbit_depth(Bus *bus, Arena *a, QueueId q, Id worker, QueueDepth *ret, Err *err);
bool rabbit_purge(Bus *bus, Err *err);
bool rabbit_delete_worker_queues(Bus *bus, Id worker, Err *err);
bool rabbit_publish_raw(Bus *bus, Exchange x, Str key, Str body, Err *err);
bool rabbit_dead_list(Bus *bus, Arena *a, size_t max, DeadLetter **ret, size_t *ret_n, Err *err);
bool rabbit_dead_act(Bus *bus, Uuid id, DeadAct act, Err *err);
void rabbit_keep_dead(Bus *b, DeadKeep *keep, void *self); /* nothing to do: the broker keeps them */
void rabbit_know(RabbitBus *b, QueueId id, Id worker);
