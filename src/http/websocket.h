/*
 * WebSockets (RFC 6455), the protocol without the socket: the handshake, and one connection's frames into messages and back. What the
 * client sends goes in, what is to be sent to it comes out. Text, ping, pong and close only; a message is bounded, a frame that
 * breaks a rule closes the connection with the code the RFC has for it. One thread at a time.
 */
#pragma once

#include "http/http.h"

typedef struct WsConn WsConn;

enum {
	WS_GOING_AWAY = 1001,
	WS_NOT_TEXT = 1003,
	WS_TOO_MANY = 1008,
};

/* Checks the request and puts the headers of the answer; else ERR_INVALID says what is missing. */
MUST_CHECK bool ws_handshake(const Req *q, Res *s, Err *err);

/* message: one whole text, valid UTF-8, which lives for the time of the call. */
WsConn *ws_open(void (*message)(void *self, Str text), void *self, size_t message_max);
void ws_free(WsConn *w);
void ws_feed(WsConn *w, Str bytes); /* from the client; calls message */
void ws_text(WsConn *w, Str text);  /* to the client */
void ws_close(WsConn *w, int code, Str reason);
/* What is to be sent; ws_sent drops the first n bytes of it. */
Str ws_output(const WsConn *w);
void ws_sent(WsConn *w, size_t n);
bool ws_ending(const WsConn *w); /* a close was sent or came: no more texts */
bool ws_over(const WsConn *w);   /* our half is closed */
bool ws_ended(const WsConn *w);  /* both are, or nothing can be read any more: the socket may go after the output */
