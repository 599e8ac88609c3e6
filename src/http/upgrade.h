/*
 * Handing a connection over to another protocol: after the answer 101 the socket belongs to whoever took it, and the server knows
 * nothing of it any more. Under TLS the server goes on carrying its bytes until it is told that they end.
 */
#pragma once

#include "http/http.h"

/* What the server still holds of a connection that was handed over; NULL: nothing. */
typedef struct HttpHeld HttpHeld;

/* Called on the connection's thread. The socket does not block. `early`: what the client sent behind its request. */
typedef void HttpTake(void *self, int fd, Str early, HttpHeld *held);

typedef struct Upgrade {
	HttpTake *take;
	void *self; /* may lie in the request's arena until take returns */
} Upgrade;

bool res_upgrade(Res *s, Upgrade upgrade);
void http_release(HttpHeld *held); /* on any thread, after the socket was closed; before http_stop */
