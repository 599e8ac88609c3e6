#include "http/thread.h"

#include "http/steps.h"

#include <stdlib.h>

enum { FREE_KEPT_BYTES = 64 * 1024 }; /* an arena that holds more is not kept */

bool
thread_app(HttpThread *t, App **ret, Err *err)
{
	const HttpConfig *c = &t->server->config;

	if (!t->app_open && c->thread_open != NULL && !c->thread_open(c->self, &t->app, err))
		return false;
	t->app_open = true;
	*ret = t->app;
	return true;
}

void
thread_app_close(HttpThread *t)
{
	const HttpConfig *c = &t->server->config;

	if (t->app_open && c->thread_close != NULL)
		c->thread_close(c->self, t->app);
	t->app_open = false;
}

Req *
request_take(HttpThread *t)
{
	Req *q = t->free;

	if (q != NULL) {
		t->free = q->next_free;
	} else {
		q = calloc(1, sizeof(Req));
		if (q == NULL)
			abort();
		q->arena = arena_open();
	}
	q->thread = t;
	q->server = t->server;
	return q;
}

static void
request_free(Req *q)
{
	arena_close(q->arena);
	free(q);
}

void
request_give(Req *q)
{
	HttpThread *t = q->thread;
	Arena *a = q->arena;

	spool_close(&q->spool);
	arena_reset(a);
	if (arena_used(a) > FREE_KEPT_BYTES) {
		request_free(q);
		return;
	}
	memset(q, 0, sizeof(*q));
	q->arena = a;
	q->next_free = t->free;
	t->free = q;
}

/* What it kept; it has ended. */
void
thread_free(HttpThread *t)
{
	while (t->free != NULL) {
		Req *q = t->free;

		t->free = q->next_free;
		request_free(q);
	}
	gzip_close(t->gzip);
	free(t->stats);
}
