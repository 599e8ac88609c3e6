/*
 * What the files of the server share and nobody else sees: the request, the answer, the threads and the waiters.
 *
 * A request belongs to one of the server's threads from its first line to its end, so its fields need no lock; the exceptions are
 * those of Waits and Links, which have the server's. Requests and their arenas are reused by the thread.
 */
#pragma once

#include "http/check.h"
#include "http/rate.h"
#include "http/router.h"
#include "http/stream.h"
#include "http/spool.h"
#include "http/thread.h"
#include "http/wait.h"

#include <microhttpd.h>
#include <pthread.h>

enum {
	RES_HEADERS = 16, /* a handler may add */
	REQUEST_ID_MAX = 64,
};

typedef enum MHD_Result QueueCall(struct MHD_Connection *c, unsigned status, struct MHD_Response *r);

typedef struct ResHeader {
	const char *name;
	Str value;
} ResHeader;

struct Res {
	Arena *a;
	int status; /* 0: not answered yet */
	const char *type;
	Str body;
	bool has_file; /* instead of the body */
	int file;
	uint64_t file_at, file_n;
	ResHeader headers[RES_HEADERS];
	size_t n;
	int64_t wait_key;
	TimeUs wait_until; /* 0: no wait asked for */
	Stream stream;     /* next NULL: none */
	Upgrade upgrade;   /* take NULL: none */
};

typedef enum Stage { STAGE_LINE, STAGE_BODY, STAGE_ANSWERED } Stage;

struct Req {
	HttpThread *thread;
	HttpServer *server;
	Link *link;
	struct MHD_Connection *mhd;
	Arena *arena;
	ArenaMark begun; /* what the handler allocates lies behind it, and is dropped when it is called again */
	Stage stage;
	bool counted;
	bool refused; /* by the server itself: no handler is called */
	bool close;   /* the connection cannot be used again */
	RawLine line;
	Str target;
	Heads heads;
	Method method;
	Str path;
	Query query;
	RouteMatch match;
	Str id;
	char *body;
	size_t body_n, body_cap;
	bool body_over;
	Spool spool;           /* where the body goes on when it is large */
	const Err *body_fault; /* why it could not be kept */
	RateState rate;        /* of the limit it was counted under */
	Res res;
	Json faults; /* an array of {"field", "message"} once the handler has found some */

	int64_t serial;      /* see req_serial */
	App *app;            /* of the thread whose handler has answered; NULL: none was called */
	TimeUs handler_at;   /* when the handler was first called, on the monotonic clock */
	bool slept;          /* was suspended, not called again yet, as its own thread knows it */
	bool waited;         /* this call of the handler is not the first */
	TimeUs waited_until; /* what it asked for the last time */
	uint64_t seen;       /* wakes before the handler began */
	bool waiting;        /* in the table of waiters; from here on under the server's lock */
	bool pending;        /* resumed, not called again yet */
	Req *wait_before, *wait_after;

	/* of an answer that goes on */
	ArenaMark stream_begun; /* what a turn allocates lies behind it */
	Buf stream_out;         /* written, not wholly sent */
	size_t stream_sent;
	TimeUs stream_beat; /* when the next comment is due */
	bool stream_over;
	bool stream_thin; /* its spare memory was given back */

	Req *next_free;
};

struct HttpServer {
	HttpConfig config;
	Arena *arena; /* of the server's life; used by the starting thread only */
	Router *router;
	QueueCall *queue;
	RateTable *rates; /* NULL: nobody is counted */
	int fd;
	int port;
	HttpThread *threads; /* so many as the config says */
	pthread_t timer;
	bool timer_runs;
	pthread_t acceptor;
	bool acceptor_runs;
	unsigned connections_most;
	atomic_uint taken; /* connections that are not closed yet */
	unsigned turn;     /* the acceptor's: whom it looks at first */

	atomic_bool closed; /* nobody is accepted any more */
	atomic_bool stopping;
	atomic_bool over;        /* the threads end */
	_Atomic int64_t serials; /* of requests so far */
	atomic_size_t active;    /* requests between their headers and their end */

	pthread_mutex_t door; /* of what lies at the doors of the threads; nothing else is locked under it */
	pthread_mutex_t lock;
	pthread_cond_t tick;  /* for the timer */
	pthread_cond_t quiet; /* for http_stop */
	TimeUs timer_next;    /* 0: sleeps until called */
	bool quit;
	Link *links;
	Waits waits;
};
