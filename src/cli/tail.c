#include "cli/tail.h"

#include "cli/sse.h"

enum { DAY_S = 86400, TRIES = 5 };

typedef struct Reading {
	Tail *t;
	Sse sse;
	Arena *events;
	char offset[32];
	bool done, heard;
} Reading;

static bool
take_event(void *self, const SseEvent *e)
{
	Reading *r = self;
	Tail *t = r->t;

	r->heard = true;
	if (e->id.n > 0 && e->id.n < sizeof(r->offset))
		snprintf(r->offset, sizeof(r->offset), "%.*s", STR_ARG(e->id));
	if (str_is(e->name, "content") || str_is(e->name, "append")) {
		if (e->data.n > 0) {
			fwrite(e->data.p, 1, e->data.n, t->out);
			fflush(t->out);
			t->written += e->data.n;
			t->midline = e->data.p[e->data.n - 1] != '\n';
		}
		return !ferror(t->out);
	}
	r->done = str_is(e->name, "done");
	return !r->done;
}

static bool
take_bytes(void *self, Str bytes)
{
	Reading *r = self;

	return sse_feed(&r->sse, bytes, take_event, r);
}

static bool
halted(void *self)
{
	const Reading *r = self;

	return r->t->halt != NULL && r->t->halt(r->t->self);
}

static TailEnd
read_stream(Tail *t, Reading *r, Arena *a)
{
	for (int failures = 0; failures < TRIES && !halted(r);) {
		HttpAsk ask = { .method = "GET",
			.accept = "text/event-stream",
			.piece = take_bytes,
			.halt = halted,
			.self = r,
			.seconds = DAY_S };
		HttpReply reply = { 0 };
		Err err = { 0 };
		bool got;

		ask.path = str_fmt(a, "/api/v1/executions/%.*s/logs/%s/stream?offset=%s", STR_ARG(url_escape(a, t->id)),
		    t->stream, r->offset);
		r->heard = false;
		got = client_send(t->client, a, &ask, &reply, &err);
		if (got && reply.status >= 400)
			return TAIL_UNSUPPORTED;
		if (r->done)
			return TAIL_DONE;
		if (ferror(t->out))
			return TAIL_HALTED;
		failures = r->heard ? 0 : failures + 1;
		arena_reset(a);
	}
	return TAIL_HALTED;
}

TailEnd
tail_run(Tail *t)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(arena_done) Arena *events = arena_open();
	Reading r = { .t = t, .sse = sse_open(events), .offset = "0" };
	TailEnd end = read_stream(t, &r, a);

	client_close(t->client);
	t->client = NULL;
	return end;
}
