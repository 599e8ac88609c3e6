#include "bus/local_queue.h"

#include <stdlib.h>

LocalQueue *
local_queue_new(QueueId id, Id worker)
{
	LocalQueue *q = calloc(1, sizeof(*q));

	if (q == NULL)
		abort();
	q->id = id;
	q->worker = worker;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->more, NULL);
	return q;
}

void
local_queue_free(LocalQueue *q)
{
	local_queue_purge(q);
	pthread_cond_destroy(&q->more);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

bool
local_queue_push(LocalQueue *q, Parcel *p)
{
	bool wake;

	pthread_mutex_lock(&q->lock);
	if (q->bytes + p->size > QUEUE_BYTES) {
		pthread_mutex_unlock(&q->lock);
		parcel_free(p);
		return false;
	}
	p->next = NULL;
	if (q->tail == NULL)
		q->head = p;
	else
		q->tail->next = p;
	q->tail = p;
	q->n++;
	q->bytes += p->size;
	wake = q->waiting > 0;
	pthread_mutex_unlock(&q->lock);
	if (wake)
		pthread_cond_signal(&q->more);
	return true;
}

void
local_queue_push_front(LocalQueue *q, Parcel *p)
{
	bool wake;

	pthread_mutex_lock(&q->lock);
	p->next = q->head;
	q->head = p;
	if (q->tail == NULL)
		q->tail = p;
	q->n++;
	q->bytes += p->size;
	wake = q->waiting > 0;
	pthread_mutex_unlock(&q->lock);
	if (wake)
		pthread_cond_signal(&q->more);
}

size_t
local_queue_purge(LocalQueue *q)
{
	Parcel *p;
	size_t n;

	pthread_mutex_lock(&q->lock);
	p = q->head;
	n = q->n;
	q->head = q->tail = NULL;
	q->n = q->bytes = 0;
	pthread_mutex_unlock(&q->lock);
	while (p != NULL) {
		Parcel *next = p->next;

		parcel_free(p);
		p = next;
	}
	return n;
}
