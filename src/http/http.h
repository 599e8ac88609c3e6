/*
 * The HTTP server's face to the product: requests as values, answers as values, routes as one table. The protocol work
 * (libmicrohttpd, limits, smuggling defence, gzip, suspended requests) is inside. A handler runs on one of a few threads, each
 * with an App of its own (a database handle, an arena): plain top-to-bottom code.
 */
#pragma once

#include "base/address.h"
#include "base/clock.h"
#include "base/json.h"
#include "http/multipart.h"

typedef struct App App; /* what a handler works with; one per HTTP thread, defined by the api room */
typedef struct Req Req;
typedef struct Res Res;
typedef struct HttpServer HttpServer;

typedef bool Handler(App *app, Req *q, Res *s, Err *err);

typedef enum RouteFlags {
	ROUTE_PUBLIC = 1,     /* needs no identity */
	ROUTE_RAW_BODY = 2,   /* body is not JSON */
	ROUTE_IDEMPOTENT = 4, /* honours Idempotency-Key; its answers are stored, so they must hold no secret, unless */
	ROUTE_FORM = 8,       /* body is multipart/form-data */
	ROUTE_SECRET = 16,    /* what it is asked and answers is kept sealed only */
} RouteFlags;

/* How large a body may be; HttpConfig has the bytes of each. What is not JSON goes to a file when it is large. */
typedef enum BodyLimit {
	BODY_USUAL,
	BODY_SMALL,   /* a few fields */
	BODY_FILE,    /* a file of somebody's */
	BODY_ARCHIVE, /* many of them */
	BODY_LIMITS
} BodyLimit;

/* {name} in a path takes one segment, {name...} at its end all that are left. Static segments win over parameters. */
typedef struct Route {
	const char *method;
	const char *path;
	Handler *handler;
	const char *right; /* "executions:read"; NULL only with ROUTE_PUBLIC */
	unsigned flags;
	const char *request;  /* schema name of the body, or NULL */
	const char *response; /* schema name of the answer */
	int status;           /* of success */
	const char *help;     /* one sentence */
	BodyLimit body;
} Route;

typedef struct HttpConfig {
	Str host;
	int port;                     /* 0: any free one */
	unsigned threads;             /* 0: 4 */
	size_t max_header;            /* 0: 16 KiB */
	size_t max_body[BODY_LIMITS]; /* 0: 10 MiB, 64 KiB, 100 MiB, 100 MiB */
	Str spool_dir;                /* for large bodies; none: the machine's */
	TimeUs timeout;               /* of a slow request; 0: 30 s */
	unsigned kept; /* descriptors of the process that are not for connections, if it has so many; 0: 256 */
	Str tls_cert, tls_key;
	/* Requests a second that one address, or one token, may make, and how many seconds' worth at once; 0: any number. Public
	 * reads are not counted. */
	int64_t rate_address, rate_token, rate_burst;
	const Network *proxies; /* whose X-Forwarded-For counts */
	size_t proxy_count;
	bool cors;          /* pages of these origins may use the answers, with credentials */
	const Str *origins; /* none: those of development servers on this machine */
	size_t origin_count;
	const Route *routes;
	size_t route_count;
	void (*bound)(
	    void *self, int port); /* the port is ours; the first request is answered after this. May be NULL */
	bool (*thread_open)(void *self, App **ret, Err *err);
	void (*thread_close)(void *self, App *app);
	/* Asked before each call of a handler, and before a body is read: may this request go on? NULL: each may. */
	bool (*admit)(void *self, App *app, Req *q, const Route *route, Err *err);
	/* An answer is on its way; app is NULL when the server itself refused, without a handler. May be NULL. */
	void (*answered)(void *self, App *app, const Req *q, int status);
	/* Calls the handler; NULL: it is called as it is. */
	bool (*call)(void *self, App *app, Req *q, Res *s, const Route *route, Err *err);
	void *self;
} HttpConfig;

MUST_CHECK bool http_start(const HttpConfig *config, HttpServer **ret, Err *err);
int http_port(const HttpServer *s);
void http_stop(HttpServer *s, TimeUs grace); /* no new requests, lets the running ones finish */
/* Calls the handlers that wait for this key, or for one of these, again (see res_wait). */
void http_wake(HttpServer *s, int64_t key);
void http_wake_all(HttpServer *s, const int64_t *keys, size_t n);

/* Reading a request. Everything lives in its arena. */
Arena *req_arena(const Req *q);
Str req_method(const Req *q);
Str req_path(const Req *q);
Str req_target(const Req *q);                  /* path and query as they were sent */
Str req_param(const Req *q, const char *name); /* of the path */
MUST_CHECK bool req_id(const Req *q, const char *name, Id *ret, Err *err);
Str req_query(const Req *q, const char *name); /* Str{0} when absent; the last one when given twice */
MUST_CHECK bool req_query_int(const Req *q, const char *name, int64_t fallback, int64_t *ret, Err *err);
MUST_CHECK bool req_query_bool(const Req *q, const char *name, bool fallback, bool *ret, Err *err);
Str req_header(const Req *q, const char *name);
Str req_body(const Req *q);
MUST_CHECK bool req_json(const Req *q, Json *ret, Err *err); /* the body as a JSON object; else a clear ERR_INVALID */
MUST_CHECK bool req_json_many(const Req *q, Json *ret, Err *err); /* the same, or an array */
/* One thing that is wrong with the body: it goes into the `details` of the ERR_VALIDATION that the handler fails with. */
void req_fault(Req *q, const char *field, Str message);
/* The body as a form; its parts are slices of the body. ERR_INVALID says what is wrong with it. */
MUST_CHECK bool req_form(const Req *q, Form *ret, Err *err);
Str req_id_text(const Req *q);        /* request id, made or taken from X-Request-Id */
bool req_waited(const Req *q);        /* this call comes after res_wait */
TimeUs req_began(const Req *q);       /* when the handler was first called, on the monotonic clock */
TimeUs req_took(const Req *q);        /* since then; 0 when none was called */
const Route *req_route(const Req *q); /* NULL when no route was found */
int64_t req_serial(const Req *q);     /* of this server, no other request has it */
Str req_peer(const Req *q);           /* address of the other end of the connection */
Str req_client(const Req *q);         /* of the client, when the other end is a proxy of ours; none: it is not known */

/* Pages: page/page_size/per_page/limit/offset as decisions 1.1, clamped. */
typedef struct Page {
	int64_t page, size, offset;
	bool totals; /* include_total=true */
	Str after;   /* cursor, none when absent */
} Page;

Page req_page(const Req *q, int64_t default_size, int64_t cap);

/* Answering. All return true so that a handler ends with `return res_...`. */
bool res_json(Res *s, int status, const Json *body);
bool res_data(Res *s, int status, Json data, const char *message); /* {"data": ..., "message"?} */
/* {"data": rows, "items": rows, "pagination": {...}}; rows may hold one more than page->size, which says has_next. total < 0:
 * not counted. */
bool res_list(Res *s, const Page *page, Json rows, int64_t total);
bool res_bytes(Res *s, int status, const char *content_type, Str body);
/* Bytes of an open file, sent from disk; fd is the answer's from now on. */
bool res_file(Res *s, int status, const char *content_type, int fd, uint64_t at, uint64_t n);
bool res_empty(Res *s, int status);
int res_status(const Res *s); /* 0: not answered */
Str res_body(const Res *s);
void res_clear(Res *s); /* as if nothing had been answered */
void res_header(Res *s, const char *name, Str value);
/* Lets the request sleep without a thread until http_wake(key) or the monotonic time `until`; the handler is then called
 * again from the start. */
bool res_wait(Res *s, int64_t key, TimeUs until);
