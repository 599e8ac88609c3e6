/*
 * What the files of the server do for each other, in the order in which a request meets them. All run on the request's own thread.
 */
#pragma once

#include "http/inside.h"

/* thread.c: what a thread keeps, and its reuse of requests */
MUST_CHECK bool thread_app(HttpThread *t, App **ret, Err *err);
void thread_app_close(HttpThread *t);
Req *request_take(HttpThread *t);
void request_give(Req *q);
void thread_free(HttpThread *t);

/* server.c: the library's part of a thread */
MUST_CHECK bool daemon_start(HttpThread *t, Err *err);

/* pool.c: the threads at work */
MUST_CHECK bool pool_start(HttpServer *s, Err *err);
void pool_stop(HttpServer *s);   /* closes what is still connected; again is harmless */
void thread_wake(HttpThread *t); /* from any thread */
void guest_give(HttpThread *t, Guest *g);
Guest *guest_take_back(HttpThread *t); /* by another thread; NULL: none is there */
void held_give(HttpHeld *held);

/* accept.c: deals new connections out to the threads */
MUST_CHECK bool acceptor_start(HttpServer *s, Err *err);
void acceptor_stop(HttpServer *s);

/* request.c: from bytes to a Req; on false the refusal is in q->res */
MUST_CHECK bool request_begin(Req *q, const char *method, const char *version);
MUST_CHECK bool request_body(Req *q, const char *data, size_t n);
/* Calls the handler until it has answered or sleeps; false when the request sleeps. */
MUST_CHECK bool request_run(Req *q);

/* limit.c: false when the caller has asked too often, and is told so */
MUST_CHECK bool limit_check(Req *q);
enum { LIMIT_HEADERS = 3 };
/* What every answer says of the limit its request was counted under; 0: it was under none. */
size_t limit_told(const Req *q, ResHeader told[LIMIT_HEADERS]);

/* offer.c: what the client asked for, and what every answer carries */
void offer_body(Req *q);
void offer_headers(Req *q, struct MHD_Response *r);

/* last_word.c: how our answers are sent; those that the library makes by itself get our shape there */
QueueCall *queue_of_library(void);

/* respond.c */
void respond_refuse(Req *q, int status, const char *code, const char *fmt, ...) PRINTF(4, 5);
void respond_err(Req *q, const Err *err);
MUST_CHECK bool respond_send(Req *q);
MUST_CHECK bool respond_queue(Req *q, struct MHD_Response *r); /* with the headers; takes r, which may be NULL */

/* stream.c and upgrade.c: answers that are more than a text */
MUST_CHECK bool stream_send(Req *q);
void stream_done(Req *q);
MUST_CHECK bool upgrade_send(Req *q);
void upgrade_let_go(Req *q, struct MHD_UpgradeResponseHandle *handle);
