/*
 * What a handler of the API works with: one per HTTP thread. Reads go through u->db (db_read, each on its own snapshot), changes
 * through uow_begin … uow_commit.
 */
#pragma once

#include "base/config.h"
#include "engine/moves.h"
#include "http/http.h"
#include "live/hub.h"
#include "model/caller.h"

struct AuditLog;
struct Access;
struct Callers;
struct Hasher;
struct Backoff;
struct Errands;
struct HookGroup;
struct HooksKnown;
struct PackSources;
struct PackTestsConfig;

/* Whoever takes the connections that become WebSockets: the notifier, when it lives in the same process. */
typedef struct Sockets {
	bool (*open)(void *self, Db *db, Req *q, Res *s, Err *err);
	Json (*stats)(void *self, Arena *a);
	void (*figures)(void *self, Buf *b); /* for Prometheus */
	void *self;
} Sockets;

struct App {
	Engine *engine;
	Uow *uow;
	const Config *config;
	const char *right; /* of its route; NULL: it is public */
	Caller caller;     /* of the request that is being answered: see api/access.h */
	struct AuditLog *audit;
	const Req *req;          /* that is being answered */
	bool noted;              /* something has been said of it to the audit */
	struct Access *access;   /* of the process */
	struct Callers *callers; /* of the thread */
	struct Hasher *hasher;
	struct Backoff *backoff;
	struct Errands *errands;
	struct HookGroup *hooks;
	struct HooksKnown *hooks_known; /* of the thread */
	struct PackSources *pack_sources;
	const struct PackTestsConfig *pack_tests;

	/* while a request under an Idempotency-Key is answered: see api/once.h */
	bool held;                  /* app_work leaves its transaction open */
	bool open;                  /* it has left one */
	const CommitPoints *points; /* of the one it has left open */
	bool undone;                /* one that was left open had to be given up */

	Hub *hub;               /* what changes, for streams */
	const Sockets *sockets; /* who takes WebSockets; open NULL: nobody here */
};

extern const Route api_routes[];
extern const size_t api_route_count;

/* The API of one process: routes, threads, and the waking of requests that wait for an execution. */
typedef struct Api Api;

typedef struct ApiConfig {
	Engine *engine;
	const Config *config;
	Hub *hub; /* outlives the API, as the next */
	Sockets sockets;
	struct Access *access;
	const struct PackTestsConfig *pack_tests; /* how the tests of packs are run; outlives it too */
	void (*bound)(void *self, int port);      /* before the first request is answered; may be NULL */
	void *self;
} ApiConfig;

MUST_CHECK bool api_start(const ApiConfig *config, Api **ret, Err *err);
int api_port(const Api *a);
void api_stop(Api *a, TimeUs grace);
/* Requests waiting for this execution look again: called by whoever hears of its end in this process. */
void api_wake(Api *a, Id execution);
