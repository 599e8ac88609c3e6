/*
 * The in-process bus: its queues, opened by their first consumer. The register lock is held for reading while a parcel is
 * put, for writing while queues come and go; a queue's own lock nests inside it.
 */
#pragma once

#include "bus/local_queue.h"

typedef struct LocalSet {
	LocalQueue **queues; /* one for a fixed queue, one per worker for the others */
	size_t n;
	size_t cap;
} LocalSet;

typedef struct LocalBus {
	Bus bus;
	pthread_rwlock_t lock;
	LocalSet sets[QUEUES];
	QueueId route[MSG_KINDS]; /* QUEUES: nobody inside listens */
	pthread_mutex_t dead_lock;
	DeadKeep *keep;
	void *keep_self;
} LocalBus;

/* Puts the parcels of one message into each queue that takes it; returns how many did. worker 0: all workers. */
size_t local_put(LocalBus *b, Arena *scratch, Id worker, const ParcelHead *head, const MsgItem *items, size_t n);
void local_dead(LocalBus *b, const DeadLetter *d);

bool local_sub_open(Bus *bus, const SubConfig *config, Sub **ret, Err *err);
void local_sub_close(Sub *s);
size_t local_sub_take(Sub *s, Arena *a, Msg *msgs, size_t max, size_t max_items, TimeUs wait);
void local_sub_ack(Sub *s, const Msg *msgs, size_t n);
void local_sub_return(Sub *s, const Msg *msgs, size_t n);
void local_sub_dead(Sub *s, const Msg *m, const char *reason);
void local_sub_wake(Sub *s);
bool local_sub_connected(const Sub *s);
