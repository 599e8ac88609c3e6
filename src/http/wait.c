#include "http/wait.h"

#include "http/steps.h"
#include "os/thread.h"

#include <errno.h>
#include <sys/socket.h>

/*
 * Requests that sleep, and the time limits of connections. Everything under the server's lock. A wake between the handler's look
 * at the world and its falling asleep must not be lost: each wake is numbered and remembered by a hash of its key, and a request
 * that finds a later number than it saw at its beginning runs again at once.
 */

static size_t
key_hash(int64_t key)
{
	return (size_t)(((uint64_t)key * 0x9e3779b97f4a7c15ULL) >> 40);
}

static Req **
bucket_of(Waits *w, int64_t key)
{
	return &w->buckets[key_hash(key) % WAIT_BUCKETS];
}

TimeUs
mono_now(void)
{
	return clock_mono(clock_real());
}

/* The timer looks again at `due` at the latest. Caller holds the lock. */
static void
timer_by(HttpServer *s, TimeUs due)
{
	if (s->timer_next != 0 && s->timer_next <= due)
		return;
	s->timer_next = due;
	pthread_cond_signal(&s->tick);
}

static void
waiter_add(Waits *w, Req *q)
{
	Req **head = bucket_of(w, q->res.wait_key);

	q->wait_before = NULL;
	q->wait_after = *head;
	if (*head != NULL)
		(*head)->wait_before = q;
	*head = q;
	q->waiting = true;
	w->n++;
}

static void
waiter_remove(Waits *w, Req *q)
{
	if (q->wait_before != NULL)
		q->wait_before->wait_after = q->wait_after;
	else
		*bucket_of(w, q->res.wait_key) = q->wait_after;
	if (q->wait_after != NULL)
		q->wait_after->wait_before = q->wait_before;
	q->waiting = false;
	w->n--;
}

/* Its thread learns of it by threads_call. Caller holds the lock. */
static void
waiter_resume(HttpServer *s, Req *q)
{
	waiter_remove(&s->waits, q);
	q->pending = true;
	s->waits.pending++;
	MHD_resume_connection(q->mhd);
	atomic_store(&q->thread->called, true);
}

/*
 * Each thread that has somebody to go on with, once, after all of them have been resumed: a thread that is woken for the first of
 * many serves that one alone, and is woken again for the next. Without the lock wherever possible, for who is woken wants it.
 */
static void
threads_call(HttpServer *s)
{
	for (unsigned i = 0; i < s->config.threads; i++)
		if (atomic_exchange(&s->threads[i].called, false))
			thread_wake(&s->threads[i]);
}

bool
wait_begin(Req *q)
{
	HttpServer *s = q->server;
	bool late;

	pthread_mutex_lock(&s->lock);
	late = s->waits.slots[key_hash(q->res.wait_key) % WAKE_SLOTS] > q->seen || atomic_load(&s->stopping) ||
	       q->res.wait_until <= mono_now();
	if (!late) {
		q->slept = true;
		MHD_suspend_connection(q->mhd);
		waiter_add(&s->waits, q);
		timer_by(s, q->res.wait_until);
	}
	pthread_mutex_unlock(&s->lock);
	return !late;
}

/* The handler is called again, or the request ends while it slept, however it came to that. */
void
wait_over(Req *q)
{
	HttpServer *s = q->server;

	if (!q->slept)
		return;
	q->slept = false;
	pthread_mutex_lock(&s->lock);
	if (q->waiting)
		waiter_remove(&s->waits, q);
	if (q->pending && --s->waits.pending == 0)
		pthread_cond_broadcast(&s->quiet);
	q->pending = false;
	pthread_mutex_unlock(&s->lock);
}

static void
key_wake(HttpServer *s, int64_t key)
{
	s->waits.slots[key_hash(key) % WAKE_SLOTS] = ++s->waits.wakes;
	for (Req *q = *bucket_of(&s->waits, key), *next; q != NULL; q = next) {
		next = q->wait_after;
		if (q->res.wait_key == key)
			waiter_resume(s, q);
	}
}

void
wait_wake(HttpServer *s, const int64_t *keys, size_t n)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < n; i++)
		key_wake(s, keys[i]);
	pthread_mutex_unlock(&s->lock);
	threads_call(s);
}

/* Resumes those whose time has come (all when now is 0); returns the earliest time of the others, 0 when there are none. */
static TimeUs
waits_expire(HttpServer *s, TimeUs now)
{
	TimeUs first = 0;

	for (size_t i = 0; i < WAIT_BUCKETS && s->waits.n > 0; i++) {
		for (Req *q = s->waits.buckets[i], *next; q != NULL; q = next) {
			next = q->wait_after;
			if (now == 0 || q->res.wait_until <= now)
				waiter_resume(s, q);
			else if (first == 0 || q->res.wait_until < first)
				first = q->res.wait_until;
		}
	}
	return first;
}

void
wait_resume_all(HttpServer *s)
{
	waits_expire(s, 0);
	threads_call(s);
}

void
link_open(HttpServer *s, Link *l)
{
	TimeUs due = mono_now() + s->config.timeout;

	atomic_store(&l->due, due);
	pthread_mutex_lock(&s->lock);
	l->before = NULL;
	l->after = s->links;
	if (s->links != NULL)
		s->links->before = l;
	s->links = l;
	timer_by(s, due);
	pthread_mutex_unlock(&s->lock);
}

void
link_close(HttpServer *s, Link *l)
{
	pthread_mutex_lock(&s->lock);
	if (l->before != NULL)
		l->before->after = l->after;
	else
		s->links = l->after;
	if (l->after != NULL)
		l->after->before = l->before;
	pthread_mutex_unlock(&s->lock);
}

void
link_hand(HttpServer *s, Link *l, int inner)
{
	pthread_mutex_lock(&s->lock);
	l->inner = inner;
	pthread_mutex_unlock(&s->lock);
}

/* Under TLS, the library does not tell whoever has a connection that its client is gone, until something is written to it. */
static void
link_tell(const Link *l)
{
	char c;
	ssize_t n = recv(l->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		shutdown(l->inner, SHUT_RD);
}

/* Ends connections whose request is late; libmicrohttpd's own limit counts silence only, and a slow client is never silent. */
static TimeUs
links_expire(HttpServer *s, TimeUs now)
{
	TimeUs first = 0;

	for (Link *l = s->links; l != NULL; l = l->after) {
		TimeUs due = atomic_load(&l->due);

		if (due == 0 || due <= now) {
			if (due != 0)
				shutdown(l->fd, SHUT_RDWR);
			due = now + s->config.timeout;
		}
		if (l->inner >= 0)
			link_tell(l);
		if (first == 0 || due < first)
			first = due;
	}
	return first;
}

static void
timer_sleep(HttpServer *s, TimeUs now)
{
	if (s->timer_next == 0) {
		pthread_cond_wait(&s->tick, &s->lock);
		return;
	}
	(void)thread_wait(&s->tick, &s->lock, s->timer_next - now);
}

static void *
timer_main(void *self)
{
	HttpServer *s = self;

	pthread_mutex_lock(&s->lock);
	while (!s->quit) {
		TimeUs now = mono_now();

		if (s->timer_next != 0 && s->timer_next <= now) {
			TimeUs waits = waits_expire(s, now), links = links_expire(s, now);

			threads_call(s);
			s->timer_next = waits != 0 && (links == 0 || waits < links) ? waits : links;
		}
		timer_sleep(s, now);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

bool
timer_start(HttpServer *s, Err *err)
{
	int got = pthread_create(&s->timer, NULL, timer_main, s);

	if (got != 0)
		return err_sys(err, got, "start the HTTP server's timer");
	s->timer_runs = true;
	return true;
}

void
timer_stop(HttpServer *s)
{
	if (!s->timer_runs)
		return;
	pthread_mutex_lock(&s->lock);
	s->quit = true;
	pthread_cond_signal(&s->tick);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->timer, NULL);
	s->timer_runs = false;
}
