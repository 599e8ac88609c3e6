/*
 * Reads a stream of server-sent events as its bytes come. Pure; what an event holds is valid while the callback runs.
 */
#pragma once

#include "base/str.h"

typedef struct SseEvent {
	Str name; /* none: "message" */
	Str data;
	Str id; /* none when the event has none */
} SseEvent;

typedef bool SseTake(void *self, const SseEvent *e); /* false: no more */

enum { SSE_EVENT_MAX = 16 * 1024 * 1024 };

typedef struct Sse {
	Arena *a; /* reset after each event */
	Buf line, data;
	SseEvent event;
	bool has_data, after_cr;
} Sse;

Sse sse_open(Arena *a);
/* False when the callback wants no more, or an event is larger than SSE_EVENT_MAX. */
bool sse_feed(Sse *s, Str bytes, SseTake *take, void *self);
