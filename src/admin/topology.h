/*
 * The tables of messages, for people: exchanges, queues, kinds, acknowledgement, and what follows from what. From bus/topics.c and
 * admin/follows.c; with the names that the configuration gives, and depths where they are known.
 */
#pragma once

#include "base/json.h"
#include "bus/bus.h"

typedef struct Topology {
	Arena *a;
	const char *exchange[EXCHANGES];
	const char *queue[QUEUES];
	const QueueDepth *depths; /* fixed queues and those of workers; NULL: not asked */
	size_t depth_count;
} Topology;

/* names: of the configuration, may be NULL. */
Topology topology_of(Arena *a, const BusConfig *names);
void topology_print(const Topology *t, Buf *b);
void topology_markdown(const Topology *t, Buf *b);
Json topology_json(const Topology *t);
