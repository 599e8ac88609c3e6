/*
 * What follows from what: for each queue, when its consumer acknowledges and which kinds its handler publishes; and what is published
 * without a message having come. `attune bus topology` and docs/messages.md show it; a test holds it against the table of topics.
 */
#pragma once

#include "bus/topics.h"

typedef struct Ack {
	const char *when, *why;
} Ack;

extern const Ack acks[QUEUES];

typedef struct Follows {
	const char *who; /* "scheduler" */
	Role role;
	unsigned heard;     /* bits of QueueId: what it reads; 0: it begins by itself */
	unsigned publishes; /* bits of MsgKind */
	unsigned others;    /* of those, kinds that it also hears: published about another row only */
	const char *note;
} Follows;

extern const Follows follows[];
extern const size_t follows_count;
