/*
 * The least that listens to the notifier: a WebSocket that says what it wants to hear, and reads frames.
 */
#pragma once

#include "base/str.h"

typedef struct Socket {
	int fd;
	size_t have, from;
	char *bytes;
} Socket;

int websocket_try(int port, const char *token); /* a connection after its handshake; -1: nobody there who takes it */
void websocket_open(Socket *s, int port, const char *token);
void websocket_listen(Socket *s, const char *filter); /* returns when the subscription is in force */
Str websocket_next(Socket *s);                        /* the next text, good until the next call */
void websocket_close(Socket *s);
