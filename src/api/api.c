#include "api/app.h"

#include "access/access.h"
#include "access/backoff.h"
#include "access/hasher.h"
#include "api/access.h"
#include "api/audit.h"
#include "api/errands.h"
#include "api/handlers.h"
#include "api/once.h"
#include "api/pack_sources.h"
#include "api/streams.h"
#include "api/webhook_group.h"
#include "api/webhook_known.h"
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>

/* descriptors that connections leave to the rest of the process, and to each run a worker in it may have at once */
enum { KEPT = 256, KEPT_OF_RUN = 5 };

enum { LISTED_MOST = 64 }; /* origins, and proxies */

struct Api {
	Engine *engine;
	const Config *config;
	AuditLog *audit;
	Hub *hub;
	Sockets sockets;
	Ear ear;
	Access *access;
	void (*bound)(void *self, int port);
	void *bound_self;
	Hasher *hasher;
	Backoff *backoff;
	Errands *errands;
	HookGroup *hooks;
	PackSources *pack_sources;
	const struct PackTestsConfig *pack_tests;
	HttpServer *http;
	pthread_mutex_t
	    waking; /* held while the server comes and goes: other threads look at passwords and do errands */
	Str origins[LISTED_MOST];
	Network proxies[LISTED_MOST];
};

/* Each HTTP thread has a unit of work of its own. */
static bool
thread_open(void *self, App **ret, Err *err)
{
	Api *api = self;
	App *app = calloc(1, sizeof(App));

	if (app == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	*app = (App){ .engine = api->engine,
		.config = api->config,
		.audit = api->audit,
		.hub = api->hub,
		.sockets = &api->sockets,
		.access = api->access,
		.hasher = api->hasher,
		.backoff = api->backoff,
		.errands = api->errands,
		.hooks = api->hooks,
		.pack_sources = api->pack_sources,
		.pack_tests = api->pack_tests };
	if (!uow_open(api->engine, &app->uow, err)) {
		free(app);
		return false;
	}
	app->callers = callers_open(api->access);
	app->hooks_known = hooks_known_open();
	*ret = app;
	return true;
}

static void
thread_close(void *self, App *app)
{
	(void)self;
	if (app == NULL)
		return;
	callers_close(app->callers);
	hooks_known_close(app->hooks_known);
	uow_close(app->uow);
	free(app);
}

static bool
admit(void *self, App *app, Req *q, const Route *route, Err *err)
{
	app->req = q;
	app->noted = false;
	return api_admit(self, app, q, route, err);
}

static void
answered(void *self, App *app, const Req *q, int status)
{
	Api *api = self;

	audit_request(api->audit, api->engine->clock, app, q, status);
}

static void
bound(void *self, int port)
{
	Api *api = self;

	if (api->bound != NULL)
		api->bound(api->bound_self, port);
}

static bool
is_loopback(Str host)
{
	if (str_is(host, "localhost") || str_is(host, "::1") || str_is(host, "[::1]"))
		return true;
	if (!str_starts(host, str_of("127.")))
		return false;
	for (size_t i = 0; i < host.n; i++) /* an address: 127.example.org is a name that may lead anywhere */
		if (host.p[i] != '.' && !(host.p[i] >= '0' && host.p[i] <= '9'))
			return false;
	return true;
}

/* Passwords and tokens travel in what is sent: over a network only under TLS, or where somebody says that they know. */
static bool
host_check(const Config *c, Str host, Err *err)
{
	if (is_loopback(host) || !str_none(config_str(c, "server.tls_cert")) || config_bool(c, "server.plain_http"))
		return true;
	return err_set(err, ERR_INVALID,
	    "server.host '%.*s' would send passwords and tokens over the network in the clear: set server.tls_cert and "
	    "server.tls_key, or server.plain_http: true where a proxy in front of it speaks TLS",
	    STR_ARG(host));
}

/* A group was written: the requests that wait for it go on. When the server stops they have been woken already. */
static void
group_done(void *self, const int64_t *keys, size_t n)
{
	Api *api = self;

	pthread_mutex_lock(&api->waking);
	if (api->http != NULL)
		http_wake_all(api->http, keys, n);
	pthread_mutex_unlock(&api->waking);
}

/* The same for one, when a password was looked at or an errand done. */
static void
helper_done(void *self, int64_t key)
{
	group_done(self, &key, 1);
}

static bool
server_start(Api *api, const HttpConfig *http, Err *err)
{
	bool ok;

	pthread_mutex_lock(&api->waking);
	ok = http_start(http, &api->http, err);
	pthread_mutex_unlock(&api->waking);
	return ok;
}

static void
server_stop(Api *api, TimeUs grace)
{
	HttpServer *http;

	pthread_mutex_lock(&api->waking);
	http = api->http;
	api->http = NULL;
	pthread_mutex_unlock(&api->waking);
	http_stop(http, grace);
}

static void
api_free(Api *api)
{
	hasher_close(api->hasher);
	errands_close(api->errands);
	hook_group_close(api->hooks);
	pack_sources_close(api->pack_sources);
	backoff_close(api->backoff);
	audit_log_close(api->audit);
	pthread_mutex_destroy(&api->waking);
	free(api);
}

/* What requests need besides the engine. */
static bool
helpers_open(Api *api, Err *err)
{
	const Clock *clock = api->engine->clock;
	AuditLogConfig audit = { .store = api->engine->store, .clock = clock };
	HasherConfig hasher = { .clock = clock, .done = helper_done, .self = api };

	api->backoff = backoff_open(clock);
	api->errands = errands_open(helper_done, api, 0);
	api->hooks = hook_group_open(api->engine, group_done, api);
	api->pack_sources = pack_sources_open(api->config);
	return audit_log_open(&audit, &api->audit, err) && hasher_open(&hasher, &api->hasher, err);
}

static bool
listed(const Config *c, const char *key, const Json **ret, size_t *ret_n, Err *err)
{
	const Json *list = config_json(c, key);

	*ret = list;
	*ret_n = json_is(list, JSON_ARRAY) ? list->n : 0;
	return *ret_n <= LISTED_MOST || err_set(err, ERR_INVALID, "%s has more than %d entries", key, LISTED_MOST);
}

/* What the server is to know of others: whose pages may use it, which proxies it believes. */
static bool
others_read(Api *api, HttpConfig *http, Err *err)
{
	const Json *list;
	size_t n;

	if (!listed(api->config, "server.cors_origins", &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		api->origins[http->origin_count++] = json_as_str(&list->items[i]);
	if (!listed(api->config, "server.trusted_proxies", &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!network_parse(json_as_str(&list->items[i]), &api->proxies[http->proxy_count++]))
			return err_set(err, ERR_INVALID,
			    "server.trusted_proxies: '%.*s' is no address or network like 10.0.0.0/8",
			    STR_ARG(json_as_str(&list->items[i])));
	http->origins = api->origins;
	http->proxies = api->proxies;
	return true;
}

/* ---- what the hub says ---- */

static void
on_ended(void *self, Id execution)
{
	api_wake(self, execution);
}

static void
on_told(void *self, const Notice *notices, size_t n)
{
	Api *api = self;

	http_wake(api->http, STREAM_KEY_ALL);
	for (size_t i = 0; i < n; i++)
		if (change_rows[notices[i].kind].subject == SUBJECT_EXECUTION)
			http_wake(api->http, stream_key(notices[i].id));
}

bool
api_start(const ApiConfig *config, Api **ret, Err *err)
{
	const Config *c = config->config;
	size_t form = 64 * 1024; /* what a form adds to the file in it */
	HttpConfig http = {
		.host = config_str(c, "server.host"),
		.port = (int)config_int(c, "server.port"),
		.max_body = {
			[BODY_USUAL] = (size_t)config_int(c, "server.max_body_size"),
			[BODY_FILE] = (size_t)config_int(c, "artifacts.max_upload_size") + form,
			[BODY_ARCHIVE] = (size_t)config_int(c, "pack_upload.max_size_bytes") + form,
		},
		.spool_dir = config_str(c, "artifacts_dir"),
		.timeout = config_time(c, "server.request_timeout"),
		.kept = KEPT + KEPT_OF_RUN * (unsigned)config_int(c, "worker.max_concurrent_tasks"),
		.tls_cert = config_str(c, "server.tls_cert"),
		.tls_key = config_str(c, "server.tls_key"),
		.cors = config_bool(c, "server.enable_cors"),
		.rate_address = config_int(c, "server.rate_limit.per_address"),
		.rate_token = config_int(c, "server.rate_limit.per_token"),
		.rate_burst = config_int(c, "server.rate_limit.burst_seconds"),
		.routes = api_routes,
		.route_count = api_route_count,
		.bound = bound,
		.thread_open = thread_open,
		.thread_close = thread_close,
		.admit = admit,
		.answered = answered,
		.call = api_call,
	};
	Api *api;

	if (!api_routes_check(api_routes, api_route_count, err) || !host_check(c, http.host, err))
		return false;
	api = calloc(1, sizeof(Api));
	if (api == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	*api = (Api){ .engine = config->engine,
		.config = c,
		.hub = config->hub,
		.sockets = config->sockets,
		.access = config->access,
		.pack_tests = config->pack_tests,
		.bound = config->bound,
		.bound_self = config->self };
	http.self = api;
	pthread_mutex_init(&api->waking, NULL);
	if (!others_read(api, &http, err) || !helpers_open(api, err) || !server_start(api, &http, err)) {
		api_free(api);
		return false;
	}
	api->ear = (Ear){ .ended = on_ended, .told = on_told, .self = api };
	hub_hear(api->hub, &api->ear);
	log_info("API listening on %s://%.*s:%d", str_none(http.tls_cert) ? "http" : "https", STR_ARG(http.host),
	    http_port(api->http));
	*ret = api;
	return true;
}

int
api_port(const Api *a)
{
	return http_port(a->http);
}

void
api_stop(Api *a, TimeUs grace)
{
	if (a == NULL)
		return;
	hub_deaf(a->hub, &a->ear);
	errands_stop(a->errands); /* before requests that wait for one are asked to end */
	server_stop(a, grace);
	api_free(a);
}

void
api_wake(Api *a, Id execution)
{
	http_wake(a->http, execution);
}
