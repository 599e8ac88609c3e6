#include "notifier/door.h"

#include "base/log.h"
#include "http/figures.h"

#include <stdlib.h>

static const char protocol[] = "attune.v1";
static const char token_prefix[] = "attune.jwt.";

/* ---- the request ---- */

typedef struct Offer {
	Str token;
	bool protocol; /* attune.v1 is among the protocols */
} Offer;

static Offer
offer_read(const Req *q)
{
	Str list = req_header(q, "Sec-WebSocket-Protocol"), bearer = req_header(q, "Authorization"), piece;
	Offer o = { 0 };

	while (str_cut(&list, ',', &piece)) {
		piece = str_trim(piece);
		o.protocol |= str_is(piece, protocol);
		if (str_starts(piece, str_of(token_prefix)))
			o.token = str_sub(piece, strlen(token_prefix), piece.n);
	}
	if (str_none(o.token) && bearer.n > 7 && str_eq_nocase(str_sub(bearer, 0, 7), str_of("Bearer ")))
		o.token = str_trim(str_sub(bearer, 7, bearer.n));
	return o;
}

/* "https://attune.example:8443" → "attune.example:8443" */
static Str
origin_host(Str origin)
{
	size_t at;

	return str_find(origin, str_of("://"), &at) ? str_sub(origin, at + 3, origin.n) : origin;
}

/* A page of another origin must not use the token of who looks at it: browsers say where a page is from, and nobody else does. */
static bool
origin_allowed(const Config *c, const Req *q)
{
	Str origin = req_header(q, "Origin");
	const Json *list = config_json(c, "server.cors_origins");

	if (str_none(origin) || str_eq_nocase(origin_host(origin), req_header(q, "Host")))
		return true;
	for (size_t i = 0;
	     config_bool(c, "server.enable_cors") && list != NULL && list->kind == JSON_ARRAY && i < list->n; i++)
		if (str_eq_nocase(json_as_str(&list->items[i]), origin) || str_is(json_as_str(&list->items[i]), "*"))
			return true;
	return false;
}

/* ---- handing over ---- */

typedef struct Arrival {
	Notifier *notifier;
	Arena *arena;
	Caller caller;
	Str token;
} Arrival;

static void
on_socket(void *self, int fd, Str early, HttpHeld *held)
{
	Arrival *v = self;
	const NotifierConfig *config = notifier_config(v->notifier);
	Listener *c = listener_new(config->hub, &config->gate, fd, held, v->arena, &v->caller, v->token);

	hub_enter(config->hub);
	c->at = hub_head(config->hub);
	if (early.n > 0)
		ws_feed(c->ws, early);
	if (notifier_arrive(v->notifier, c))
		return;
	hub_exit(config->hub);
	listener_free(c);
}

static Str
token_keep(Str token)
{
	char *p = malloc(token.n + 1);

	if (p == NULL)
		abort();
	memcpy(p, token.p == NULL ? "" : token.p, token.n);
	p[token.n] = '\0';
	return (Str){ p, token.n };
}

/* Sensors and workers hear of what concerns them by other ways. */
static bool
kind_allowed(const Caller *c, Err *err)
{
	static const char *const refused[CALLER_KINDS] = {
		[CALLER_NOBODY] = "missing_token",
		[CALLER_SENSOR] = "sensor_tokens_not_allowed",
		[CALLER_WORKER] = "worker_tokens_not_allowed",
	};

	return refused[c->kind] == NULL || err_set(err, ERR_UNAUTHORIZED, "%s", refused[c->kind]);
}

bool
notifier_open(void *notifier, Db *db, Req *q, Res *s, Err *err)
{
	Notifier *n = notifier;
	const NotifierConfig *config = notifier_config(n);
	Offer offer = offer_read(q);
	Arrival *v = arena_new(req_arena(q), Arrival);

	if (!ws_handshake(q, s, err))
		return false;
	if (!origin_allowed(config->config, q))
		return err_set(err, ERR_FORBIDDEN, "origin_not_allowed");
	if (!notifier_has_room(n))
		return err_set(
		    err, ERR_AWAY, "The notifier has as many connections as notifier.max_connections allows");
	*v = (Arrival){ .notifier = n, .arena = arena_open() };
	if (!config->gate.admit(config->gate.self, db, v->arena, offer.token, &v->caller, err)) {
		arena_close(v->arena);
		return false;
	}
	if (!kind_allowed(&v->caller, err)) {
		arena_close(v->arena);
		return false;
	}
	v->token = token_keep(offer.token);
	if (offer.protocol)
		res_header(s, "Sec-WebSocket-Protocol", str_of(protocol));
	return res_upgrade(s, (Upgrade){ on_socket, v });
}

/* ---- the role's own server ---- */

struct App {
	Notifier *notifier;
	Db *db;
};

static bool
door_ws(App *app, Req *q, Res *s, Err *err)
{
	return notifier_open(app->notifier, app->db, q, s, err);
}

static bool
door_stats(App *app, Req *q, Res *s, Err *err)
{
	Json stats = notifier_stats(app->notifier, req_arena(q));

	(void)err;
	return res_json(s, 200, &stats);
}

static bool
door_health(App *app, Req *q, Res *s, Err *err)
{
	Json o = json_object();

	(void)app;
	(void)err;
	json_add(req_arena(q), &o, "status", json_cstr("ok"));
	return res_json(s, 200, &o);
}

/* To those to whom the API would show its own. */
static bool
door_metrics(App *app, Req *q, Res *s, Err *err)
{
	const NotifierConfig *config = notifier_config(app->notifier);
	Arena *a = req_arena(q);
	Buf b = buf_open(a);
	Caller caller;

	if (!config->gate.admit(config->gate.self, app->db, a, offer_read(q).token, &caller, err))
		return false;
	if (!grants_allow(&caller, "workers:read", NULL))
		return err_set(err, ERR_FORBIDDEN, "Insufficient permissions: workers:read");
	notifier_figures(app->notifier, &b);
	figure_single(&b, "attune_database_statements_total", "counter", "statements run by this process",
	    (double)store_statements(config->engine->store));
	figures_process(&b);
	figures_requests(&b, q);
	return res_figures(s, &b);
}

static const Route routes[] = {
	{ "GET", "/ws", door_ws, NULL, ROUTE_PUBLIC, NULL, NULL, 101, "the WebSocket" },
	{ "GET", "/stats", door_stats, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "how many are connected" },
	{ "GET", "/health", door_health, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "is the notifier up?" },
	{ "GET", "/metrics", door_metrics, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "figures for Prometheus" },
};

static bool
thread_open(void *self, App **ret, Err *err)
{
	Notifier *n = self;
	App *app = calloc(1, sizeof(App));

	if (app == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	app->notifier = n;
	if (!db_open(notifier_config(n)->engine->store, &app->db, err)) {
		free(app);
		return false;
	}
	*ret = app;
	return true;
}

static void
thread_close(void *self, App *app)
{
	(void)self;
	if (app == NULL)
		return;
	db_close(app->db);
	free(app);
}

bool
door_start(Notifier *n, HttpServer **ret, Err *err)
{
	const Config *c = notifier_config(n)->config;
	HttpConfig http = {
		.host = config_str(c, "notifier.host"),
		.port = (int)config_int(c, "notifier.port"),
		.threads = 2,
		.timeout = config_time(c, "server.request_timeout"),
		.tls_cert = config_str(c, "server.tls_cert"),
		.tls_key = config_str(c, "server.tls_key"),
		.routes = routes,
		.route_count = countof(routes),
		.thread_open = thread_open,
		.thread_close = thread_close,
		.self = n,
	};

	if (!http_start(&http, ret, err))
		return false;
	log_info("notifier listening on %s://%.*s:%d, ready", str_none(http.tls_cert) ? "http" : "https",
	    STR_ARG(http.host), http_port(*ret));
	return true;
}
