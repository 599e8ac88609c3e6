#include "http/outward.h"

#include "http/call.h"
#include "http/libcurl.h"
#include "os/thread.h"

#include <curl/curl.h>
#include <stdlib.h>

enum {
	IDLE_MS = 3600 * 1000,
	HANDLES_MOST = 64, /* that are kept for the next calls */
};

typedef struct Calls {
	Call *first, *last;
} Calls;

struct Outward {
	OutwardConfig config;
	CURLM *multi;
	Thread thread;
	pthread_mutex_t lock;
	Calls sent, done; /* under the lock */
	bool stopping;    /* likewise */
	bool some_dropped;
	Calls active; /* the thread's own, like what follows */
	CURL *handles[HANDLES_MOST];
	size_t handles_n;
};

static void
calls_push(Calls *list, Call *c)
{
	c->next = NULL;
	if (list->first == NULL)
		list->first = c;
	else
		list->last->next = c;
	list->last = c;
}

static Call *
calls_pop(Calls *list)
{
	Call *c = list->first;

	if (c != NULL)
		list->first = c->next;
	return c;
}

static void
calls_unlink(Calls *list, const Call *c)
{
	Call *before = NULL, *at = list->first;

	while (at != c) {
		before = at;
		at = at->next;
	}
	if (before == NULL)
		list->first = c->next;
	else
		before->next = c->next;
	if (list->last == c)
		list->last = before;
}

/* ---- the thread ---- */

static CURL *
handle_take(Outward *o)
{
	CURL *h = o->handles_n > 0 ? o->handles[--o->handles_n] : curl_easy_init();

	if (h == NULL)
		abort();
	return h;
}

static void
handle_give(Outward *o, CURL *h)
{
	if (o->handles_n < HANDLES_MOST)
		o->handles[o->handles_n++] = h;
	else
		curl_easy_cleanup(h);
}

/* Its handle is free again. */
static void
call_leave(Outward *o, Call *c, int code)
{
	CURL *h = c->handle;

	curl_multi_remove_handle(o->multi, h);
	calls_unlink(&o->active, c);
	call_finish(c, code);
	handle_give(o, h);
}

static void
begin_all(Outward *o, Calls sent)
{
	for (Call *c; (c = calls_pop(&sent)) != NULL;) {
		c->reach = &o->config.reach;
		call_prepare(c, handle_take(o));
		calls_push(&o->active, c);
		curl_multi_add_handle(o->multi, c->handle);
	}
}

static void
end_dropped(Outward *o)
{
	Call *next;

	for (Call *c = o->active.first; c != NULL; c = next) {
		bool dropped;

		next = c->next;
		pthread_mutex_lock(&o->lock);
		dropped = c->dropped;
		pthread_mutex_unlock(&o->lock);
		if (!dropped)
			continue;
		call_leave(o, c, CURLE_ABORTED_BY_CALLBACK);
		call_close(c);
	}
}

/* False: the thread is to end. */
static bool
hear(Outward *o)
{
	Calls sent;
	bool dropped, go;

	pthread_mutex_lock(&o->lock);
	sent = o->sent;
	o->sent = (Calls){ 0 };
	dropped = o->some_dropped;
	o->some_dropped = false;
	go = !o->stopping;
	pthread_mutex_unlock(&o->lock);
	begin_all(o, sent);
	if (dropped)
		end_dropped(o);
	return go;
}

static void
end_done(Outward *o)
{
	const CURLMsg *m;
	bool some = false;
	int left;

	while ((m = curl_multi_info_read(o->multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		Call *c = NULL;

		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
		call_leave(o, c, (int)code);
		pthread_mutex_lock(&o->lock);
		calls_push(&o->done, c);
		pthread_mutex_unlock(&o->lock);
		some = true;
	}
	if (some)
		o->config.ended(o->config.self);
}

static void
outward_run(void *self)
{
	Outward *o = self;
	int running;

	while (hear(o)) {
		curl_multi_perform(o->multi, &running);
		end_done(o);
		curl_multi_poll(o->multi, NULL, 0, IDLE_MS, NULL);
	}
}

/* ---- the asker ---- */

bool
outward_open(const OutwardConfig *config, Outward **ret, Err *err)
{
	Outward *o;

	if (!late_load(&libcurl, err))
		return false;
	o = calloc(1, sizeof(*o));
	if (o == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (o->multi = curl_multi_init()) == NULL)
		abort();
	o->config = *config;
	pthread_mutex_init(&o->lock, NULL);
	if (!thread_start(&o->thread, "attune-outward", outward_run, o, err)) {
		outward_close(o);
		return false;
	}
	*ret = o;
	return true;
}

static void
calls_close(Calls *list)
{
	for (Call *c; (c = calls_pop(list)) != NULL;)
		call_close(c);
}

void
outward_close(Outward *o)
{
	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	o->stopping = true;
	pthread_mutex_unlock(&o->lock);
	curl_multi_wakeup(o->multi);
	thread_join(&o->thread);
	while (o->active.first != NULL) {
		Call *c = o->active.first;

		call_leave(o, c, CURLE_ABORTED_BY_CALLBACK);
		call_close(c);
	}
	calls_close(&o->sent);
	calls_close(&o->done);
	while (o->handles_n > 0)
		curl_easy_cleanup(o->handles[--o->handles_n]);
	curl_multi_cleanup(o->multi);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

void
outward_send(Outward *o, Call *c)
{
	pthread_mutex_lock(&o->lock);
	calls_push(&o->sent, c);
	pthread_mutex_unlock(&o->lock);
	curl_multi_wakeup(o->multi);
}

/* Freed by whoever holds it: the thread while it is under way, else outward_take. */
void
outward_drop(Outward *o, Call *c)
{
	pthread_mutex_lock(&o->lock);
	c->dropped = true;
	o->some_dropped = true;
	pthread_mutex_unlock(&o->lock);
	curl_multi_wakeup(o->multi);
}

Call *
outward_take(Outward *o)
{
	Call *c;

	for (;;) {
		pthread_mutex_lock(&o->lock);
		c = calls_pop(&o->done);
		pthread_mutex_unlock(&o->lock);
		if (c == NULL || !c->dropped)
			return c;
		call_close(c);
	}
}
