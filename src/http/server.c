#include "http/http.h"

#include "base/log.h"
#include "http/libmicrohttpd.h"
#include "http/steps.h"
#include "http/listen.h"
#include "os/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	THREADS = 4,
	MAX_HEADER = 16 * 1024,
	TIMEOUT_S = 30,
	/* per connection: room for headers at their limit, and for longer targets, so that their refusal is our own */
	CONNECTION_MEMORY = 48 * 1024,
	CONNECTIONS_MOST = 10000,
	KEPT = 256, /* descriptors, for everything else */
	TLS_FILE_MAX = 1024 * 1024,
};

/*
 * A lenient libmicrohttpd hands us more of what is wrong with a request, which check.c then refuses in our own words. Later
 * versions know forms that only they can see, so those are strict.
 */
enum { STRICT = MHD_VERSION < 0x00097600 ? -1 : 1 };

static void
on_log(void *self, const char *fmt, va_list ap)
{
	char text[500];

	(void)self;
	if (!log_wants(LOG_DEBUG))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	log_debug("http: %.*s", STR_ARG(str_trim(str_of(text))));
}

/* We decode by ourselves, once, after splitting. */
static size_t
on_unescape(void *self, struct MHD_Connection *c, char *text)
{
	(void)self;
	(void)c;
	return strlen(text);
}

static void
on_connection(void *self, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode what)
{
	HttpThread *t = self;
	HttpServer *s = t->server;
	Link *l = *context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		l = calloc(1, sizeof(Link));
		if (l == NULL)
			abort();
		l->inner = -1;
		l->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		*context = l;
		t->begun++;
		link_open(s, l);
	} else if (l != NULL) {
		atomic_fetch_sub(&s->taken, 1);
		atomic_fetch_sub(&t->links, 1);
		t->leaving -= l->leaving;
		link_close(s, l);
		free(l);
		*context = NULL;
	}
}

/* The request line is there: the request begins. */
static void *
on_target(void *self, const char *target, struct MHD_Connection *c)
{
	Req *q = request_take(self);

	q->mhd = c;
	q->link = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	q->res.a = q->arena;
	q->target = str_copy(q->arena, str_of(target));
	q->line.target = target;
	q->line.target_n = q->target.n;
	return q;
}

static void
on_completed(void *self, struct MHD_Connection *c, void **context, enum MHD_RequestTerminationCode how)
{
	HttpServer *s = ((HttpThread *)self)->server;
	Req *q = *context;

	(void)c;
	(void)how;
	if (q == NULL)
		return;
	*context = NULL;
	wait_over(q);
	stream_done(q);
	if (q->link->inner >= 0)
		link_hand(s, q->link, -1);
	atomic_store(&q->link->due, mono_now() + s->config.timeout);
	if (q->counted && atomic_fetch_sub(&s->active, 1) == 1 && atomic_load(&s->stopping)) {
		pthread_mutex_lock(&s->lock);
		pthread_cond_broadcast(&s->quiet);
		pthread_mutex_unlock(&s->lock);
	}
	request_give(q);
}

static void
note(Req *q)
{
	const HttpConfig *c = &q->server->config;
	const RouteEntry *e = q->match.entry;
	size_t at = e == NULL ? c->route_count : (size_t)(e->route - c->routes);

	stats_note(&q->thread->stats[at], q->res.status, q->handler_at == 0 ? 0 : mono_now() - q->handler_at);
}

static enum MHD_Result
send_answer(Req *q)
{
	const HttpConfig *c = &q->server->config;
	bool sent;

	q->stage = STAGE_ANSWERED;
	atomic_store(&q->link->due, 0);
	if (c->answered != NULL)
		c->answered(c->self, q->app, q, q->res.status);
	sent = respond_send(q);
	note(q);
	return sent ? MHD_YES : MHD_NO;
}

static enum MHD_Result
run(Req *q)
{
	if (q->stage == STAGE_ANSWERED)
		return MHD_YES;
	atomic_store(&q->link->due, 0);
	if (q->refused)
		return send_answer(q);
	if (q->slept)
		wait_over(q);
	else if (!q->waited)
		q->begun = arena_mark(q->arena);
	return request_run(q) ? send_answer(q) : MHD_YES;
}

static enum MHD_Result
on_access(void *self, struct MHD_Connection *c, const char *url, const char *method, const char *version,
    const char *data, size_t *size, void **context)
{
	HttpServer *s = ((HttpThread *)self)->server;
	Req *q = *context;

	(void)c;
	(void)url;
	if (q == NULL)
		return MHD_NO;
	if (q->stage == STAGE_LINE) {
		atomic_fetch_add(&s->active, 1);
		q->counted = true;
		q->stage = STAGE_BODY;
		q->refused = !request_begin(q, method, version);
		/* an answer before the request's end makes libmicrohttpd close the connection: only where that is wanted */
		return q->refused && q->close ? send_answer(q) : MHD_YES;
	}
	if (*size > 0) {
		bool on = q->stage == STAGE_ANSWERED || request_body(q, data, *size);

		*size = 0;
		return on ? MHD_YES : MHD_NO;
	}
	return run(q);
}

/* Starting */

/* At most half of a small limit is kept from connections. */
static unsigned
connections_most(unsigned kept)
{
	struct rlimit r = { 0 };

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= CONNECTIONS_MOST + kept)
		return CONNECTIONS_MOST;
	return r.rlim_cur > 2 * (rlim_t)kept ? (unsigned)r.rlim_cur - kept : (unsigned)r.rlim_cur / 2;
}

static const size_t max_bodies[BODY_LIMITS] = {
	[BODY_USUAL] = 10 * 1024 * 1024,
	[BODY_SMALL] = 64 * 1024,
	[BODY_FILE] = 100 * 1024 * 1024,
	[BODY_ARCHIVE] = 100 * 1024 * 1024,
};

static void
fill_defaults(HttpConfig *c)
{
	for (int i = 0; i < BODY_LIMITS; i++)
		if (c->max_body[i] == 0)
			c->max_body[i] = max_bodies[i];
	if (str_none(c->host) || c->host.n == 0)
		c->host = str_of("127.0.0.1");
	if (c->threads == 0)
		c->threads = THREADS;
	if (c->max_header == 0)
		c->max_header = MAX_HEADER;
	if (c->kept == 0)
		c->kept = KEPT;
	if (c->timeout == 0)
		c->timeout = (TimeUs)TIMEOUT_S * US_PER_S;
}

static bool
read_file(Arena *a, Str path, const char **ret, Err *err)
{
	const char *name = str_cstr(a, path);
	char *text = arena_alloc(a, TLS_FILE_MAX + 1);
	FILE *f = fopen(name, "re");
	size_t n;

	if (f == NULL)
		return err_sys(err, errno, "read '%s'", name);
	n = fread(text, 1, TLS_FILE_MAX, f);
	fclose(f);
	if (n == 0 || n == TLS_FILE_MAX)
		return err_set(err, ERR_INVALID, "'%s' is no PEM file", name);
	*ret = text;
	return true;
}

static bool
tls_options(HttpServer *s, struct MHD_OptionItem *at, Err *err)
{
	const char *cert, *key;

	if (s->config.tls_cert.n == 0 && s->config.tls_key.n == 0)
		return true;
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_NO)
		return err_set(err, ERR_UNSUPPORTED, "this libmicrohttpd was built without TLS");
	if (!read_file(s->arena, s->config.tls_cert, &cert, err) || !read_file(s->arena, s->config.tls_key, &key, err))
		return err_wrap(err, "server.tls_cert and server.tls_key");
	at[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert };
	at[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key };
	return true;
}

/* Without threads of its own: version 0.9.75 forgets those that are ready, until something else happens, whenever they are 128 or a
 * multiple of it. pool.c tells it when to look at its connections, and it never waits for them. */
bool
daemon_start(HttpThread *t, Err *err)
{
	HttpServer *s = t->server;
	struct MHD_OptionItem tls[3] = { { MHD_OPTION_END, 0, NULL }, { MHD_OPTION_END, 0, NULL },
		{ MHD_OPTION_END, 0, NULL } };
	unsigned flags =
	    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_ALLOW_UPGRADE | MHD_USE_NO_LISTEN_SOCKET;
	unsigned timeout = (unsigned)((s->config.timeout + US_PER_S - 1) / US_PER_S);

	if (!tls_options(s, tls, err))
		return false;
	if (tls[0].option != MHD_OPTION_END)
		flags |= MHD_USE_TLS;
	t->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_access, t, /* the logger must be first */
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	    MHD_OPTION_STRICT_FOR_CLIENT, (int)STRICT, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_CONNECTION_LIMIT, s->connections_most, MHD_OPTION_CONNECTION_TIMEOUT, timeout,
	    MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, t,
	    MHD_OPTION_URI_LOG_CALLBACK, on_target, t, MHD_OPTION_NOTIFY_COMPLETED, on_completed, t, MHD_OPTION_ARRAY,
	    tls, MHD_OPTION_END);
	if (t->daemon == NULL)
		return err_set(err, ERR_SYS,
		    "the HTTP server cannot be started on port %d (certificate and key of TLS?)", s->port);
	return true;
}

static void
server_free(HttpServer *s)
{
	acceptor_stop(s);
	pool_stop(s);
	timer_stop(s);
	rate_close(s->rates);
	if (s->fd >= 0)
		close(s->fd);
	pthread_cond_destroy(&s->quiet);
	pthread_cond_destroy(&s->tick);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->door);
	arena_close(s->arena);
	free(s);
}

static bool
say_bound(HttpServer *s)
{
	if (s->config.bound != NULL)
		s->config.bound(s->config.self, s->port);
	return true;
}

bool
http_start(const HttpConfig *config, HttpServer **ret, Err *err)
{
	HttpServer *s;

	if (!late_load(&libmicrohttpd, err))
		return false;
	s = calloc(1, sizeof(HttpServer));
	if (s == NULL)
		abort();
	s->config = *config;
	s->fd = -1;
	s->queue = queue_of_library();
	if (config->rate_address > 0 || config->rate_token > 0)
		s->rates = rate_open();
	s->arena = arena_open();
	fill_defaults(&s->config);
	s->connections_most = connections_most(s->config.kept);
	pthread_mutex_init(&s->door, NULL);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->tick, NULL);
	pthread_cond_init(&s->quiet, NULL);
	if (router_open(s->arena, s->config.routes, s->config.route_count, &s->router, err) &&
	    listen_open(s->config.host, s->config.port, &s->fd, &s->port, err) && timer_start(s, err) && say_bound(s) &&
	    pool_start(s, err) && acceptor_start(s, err)) {
		*ret = s;
		return true;
	}
	server_free(s);
	return false;
}

int
http_port(const HttpServer *s)
{
	return s->port;
}

void
http_wake(HttpServer *s, int64_t key)
{
	wait_wake(s, &key, 1);
}

void
http_wake_all(HttpServer *s, const int64_t *keys, size_t n)
{
	wait_wake(s, keys, n);
}

/* libmicrohttpd aborts when it is stopped while a connection sleeps, so all are called again first. */
void
http_stop(HttpServer *s, TimeUs grace)
{
	TimeUs end;

	if (s == NULL)
		return;
	acceptor_stop(s);
	end = mono_now() + grace;
	pthread_mutex_lock(&s->lock);
	atomic_store(&s->stopping, true);
	wait_resume_all(s);
	while (atomic_load(&s->active) > 0)
		if (!thread_wait(&s->quiet, &s->lock, end - mono_now()))
			break;
	while (s->waits.pending > 0)
		pthread_cond_wait(&s->quiet, &s->lock);
	pthread_mutex_unlock(&s->lock);
	server_free(s);
}
