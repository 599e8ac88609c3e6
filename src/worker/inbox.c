#include "worker/inbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct Inbox {
	pthread_mutex_t lock;
	InboxItem *items;
	size_t n, cap;
};

Inbox *
inbox_open(void)
{
	Inbox *b = calloc(1, sizeof(Inbox));

	if (b == NULL)
		abort();
	pthread_mutex_init(&b->lock, NULL);
	return b;
}

void
inbox_close(Inbox *b)
{
	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b->items);
	free(b);
}

void
inbox_put(Inbox *b, InboxItem item)
{
	pthread_mutex_lock(&b->lock);
	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 64 : b->cap * 2;
		b->items = realloc(b->items, b->cap * sizeof(InboxItem));
		if (b->items == NULL)
			abort();
	}
	b->items[b->n++] = item;
	pthread_mutex_unlock(&b->lock);
}

size_t
inbox_take(Inbox *b, InboxItem *ret, size_t max)
{
	size_t n;

	pthread_mutex_lock(&b->lock);
	n = b->n < max ? b->n : max;
	if (n > 0)
		memcpy(ret, b->items, n * sizeof(InboxItem));
	b->n -= n;
	if (b->n > 0)
		memmove(b->items, b->items + n, b->n * sizeof(InboxItem));
	pthread_mutex_unlock(&b->lock);
	return n;
}

bool
inbox_waiting(Inbox *b)
{
	bool any;

	pthread_mutex_lock(&b->lock);
	any = b->n > 0;
	pthread_mutex_unlock(&b->lock);
	return any;
}
