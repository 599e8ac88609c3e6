/*
 * A queue of the in-process bus: a list of parcels under one lock, one condition for its consumers. Bounded: beyond
 * QUEUE_BYTES of waiting parcels new ones are dropped, and the sweeper announces their rows again.
 */
#pragma once

#include "bus/parcel.h"

#include <pthread.h>

enum { QUEUE_BYTES = 256 * 1024 * 1024 };

typedef struct LocalQueue {
	QueueId id;
	Id worker;
	pthread_mutex_t lock;
	pthread_cond_t more;
	Parcel *head;
	Parcel *tail;
	size_t n;
	size_t bytes;
	unsigned waiting;   /* consumers asleep */
	unsigned consumers; /* guarded by the bus's lock, as is the next */
	bool held;          /* by an exclusive consumer */
} LocalQueue;

LocalQueue *local_queue_new(QueueId id, Id worker);
void local_queue_free(LocalQueue *q);
bool local_queue_push(LocalQueue *q, Parcel *p); /* takes the parcel; false: full, and it is gone */
void local_queue_push_front(LocalQueue *q, Parcel *p);
size_t local_queue_purge(LocalQueue *q);
