/*
 * The two worlds of the bus tests. ATTUNE_TEST_BUS=local or rabbitmq chooses; the broker is ATTUNE_TEST_AMQP, and each test
 * has a virtual host of its own there, made through ATTUNE_TEST_AMQP_CTL. One arena per test holds all it reads.
 */
#pragma once

#include "bus/bus.h"
#include "test.h"

enum { WORLD_WAIT_US = 20 * US_PER_S, WORLD_DEAD_MOST = 64 };

typedef struct World {
	Arena *a;
	BusConfig config;
	Bus *bus;
	Port *port;
	char vhost[40];
	DeadLetter kept[WORLD_DEAD_MOST]; /* local: what the bus gave to be kept */
	size_t kept_n;
} World;

bool world_rabbit(void);
World *world_open(void);
World *world_bare(void); /* a virtual host and a configuration, nothing opened */
void world_done(World **w);
void world_ctl(const World *w, const char *fmt, ...) PRINTF(2, 3); /* rabbitmqctl */
void world_broker(const char *what);                               /* start, stop, restart, kill */
Str world_url(const World *w, const char *user, const char *password);

Sub *world_sub(World *w, QueueId q, Id worker);
/* Publishes n items of a kind with ids from `first`. */
void world_publish(World *w, MsgKind kind, Id worker, Id first, Id n);
/* Takes until that many items have come. Returns the messages; their items are also listed in items. */
size_t world_take(World *w, Sub *s, Msg *msgs, size_t max, MsgItem *items, size_t want);
void world_no_more(World *w, Sub *s);
/* Waits until there are that many dead letters. */
DeadLetter *world_dead(World *w, size_t want);
int64_t world_depth(World *w, QueueId q, Id worker);
