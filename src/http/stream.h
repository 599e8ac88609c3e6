/*
 * Answers that go on: text/event-stream, written piece by piece while the client listens. Between two pieces the stream sleeps
 * without a thread, as a request that waits does (wait.h), and is woken by its key or its time. A comment every 15 seconds keeps
 * it alive and notices that the client has gone. `next` is called on the connection's own thread, never twice at once.
 */
#pragma once

#include "http/http.h"

enum {
	STREAM_BEAT_S = 15,
	STREAM_PIECE = 64 * 1024, /* about what one turn should write at most: it is in memory until it is sent */
};

typedef struct StreamTurn {
	Buf *out;
	int64_t key;  /* of the sleep that follows: see http_wake */
	TimeUs until; /* monotonic; 0: only when woken */
	bool over;    /* the answer ends with this */
} StreamTurn;

typedef void StreamNext(App *app, void *self, StreamTurn *turn);

typedef struct Stream {
	StreamNext *next;
	void (*done)(void *self); /* the client is gone, or the stream over; may be NULL */
	void *self;               /* may lie in the request's arena */
} Stream;

bool res_stream(Res *s, Stream stream);
/* One event: name NULL for an unnamed one, id below 0 for none; data of many lines becomes many data lines. */
void stream_event(Buf *out, const char *name, int64_t id, Str data);
