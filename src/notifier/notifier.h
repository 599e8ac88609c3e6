/*
 * The role that tells people and programs of changes while they happen: WebSockets that speak `attune.v1`. One thread serves all of
 * them; it is handed each connection by the HTTP server that took the request. On its own the role has a server of its own
 * (/ws, /health, /stats); in `attune up` the API's server hands over what comes to /ws.
 *
 * A subscription is in force before anything that its client asks for later: the thread first reads every frame that has arrived,
 * then tells of what was announced before.
 */
#pragma once

#include "base/config.h"
#include "http/http.h"
#include "live/gate.h"
#include "live/hub.h"

typedef struct Notifier Notifier;

typedef struct NotifierConfig {
	Engine *engine;
	const Config *config;
	Hub *hub;
	Gate gate;
	bool serves; /* has a server of its own */
} NotifierConfig;

MUST_CHECK bool notifier_start(const NotifierConfig *config, Notifier **ret, Err *err);
void notifier_stop(Notifier *n);      /* tells the clients that it goes; before the server that handed them over */
int notifier_port(const Notifier *n); /* of its own server */

/* Answers GET /ws; any HTTP thread, with its own database handle. */
MUST_CHECK bool notifier_open(void *notifier, Db *db, Req *q, Res *s, Err *err);
/* {"connected_clients", "total_subscriptions"} */
Json notifier_stats(void *notifier, Arena *a);
/* The same, and how many changes it has told, for Prometheus. */
void notifier_figures(void *notifier, Buf *b);
