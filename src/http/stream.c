#include "http/stream.h"

#include "http/steps.h"

#include <sys/mman.h>
#include <unistd.h>

enum {
	BLOCK = 4 * 1024,
	HASTE_US = 5 * US_PER_MS, /* a turn that wants to sleep until a time in the past has its next one then */
};

bool
res_stream(Res *s, Stream stream)
{
	s->status = 200;
	s->type = "text/event-stream";
	s->stream = stream;
	s->wait_until = 0;
	return true;
}

/* ---- events ---- */

void
stream_event(Buf *out, const char *name, int64_t id, Str data)
{
	size_t from = 0;

	if (name != NULL)
		buf_fmt(out, "event: %s\n", name);
	if (id >= 0)
		buf_fmt(out, "id: %lld\n", (long long)id);
	/* a reader joins the lines with LF: CR LF and CR alone end a line for it as well */
	for (size_t i = 0; i <= data.n; i++) {
		bool cr = i < data.n && data.p[i] == '\r';

		if (i < data.n && !cr && data.p[i] != '\n')
			continue;
		buf_text(out, "data: ");
		buf_add(out, str_sub(data, from, i));
		buf_char(out, '\n');
		if (cr && i + 1 < data.n && data.p[i + 1] == '\n')
			i++;
		from = i + 1;
	}
	buf_char(out, '\n');
}

/* ---- turns ---- */

static void
turn(Req *q, App *app)
{
	TimeUs now = mono_now();
	StreamTurn t = { .out = &q->stream_out };

	arena_rewind(q->arena, q->stream_begun);
	q->stream_out = buf_open(q->arena);
	q->stream_sent = 0;
	q->seen = atomic_load(&q->server->waits.wakes);
	q->res.stream.next(app, q->res.stream.self, &t);
	q->stream_over = t.over;
	if (q->stream_out.n == 0 && now >= q->stream_beat)
		buf_text(&q->stream_out, ":\n\n");
	if (q->stream_out.n > 0)
		q->stream_beat = now + (TimeUs)STREAM_BEAT_S * US_PER_S;
	q->res.wait_key = t.key;
	q->res.wait_until = t.until == 0 || t.until > q->stream_beat ? q->stream_beat : t.until;
	if (q->res.wait_until < now + HASTE_US)
		q->res.wait_until = now + HASTE_US;
}

static ssize_t
give(Req *q, char *to, size_t max)
{
	size_t n = q->stream_out.n - q->stream_sent;

	if (n > max)
		n = max;
	memcpy(to, q->stream_out.p + q->stream_sent, n);
	q->stream_sent += n;
	return (ssize_t)n;
}

/* The library has cleared the room for what is to be sent, all of it, and a stream that sleeps for hours needs none: its whole pages
 * go back to the kernel, and come again, empty, when they are written. Once: a stream never needs as much again. */
static void
thin(Req *q, char *room, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)room + page - 1) / page * page, to = ((uintptr_t)room + n) / page * page;

	if (!q->stream_thin && to > from)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
	q->stream_thin = true;
}

/* Called by the connection's thread whenever the client can take more. */
static ssize_t
on_read(void *self, uint64_t at, char *to, size_t max)
{
	Req *q = self;
	Err err = { 0 };
	App *app;

	(void)at;
	if (q->slept)
		wait_over(q);
	for (;;) {
		if (q->stream_sent < q->stream_out.n)
			return give(q, to, max);
		if (q->stream_over || atomic_load(&q->server->stopping) || !thread_app(q->thread, &app, &err))
			return MHD_CONTENT_READER_END_OF_STREAM;
		turn(q, app);
		if (q->stream_out.n == 0 && !q->stream_over && wait_begin(q)) {
			thin(q, to, max);
			return 0;
		}
	}
}

bool
stream_send(Req *q)
{
	struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, q, NULL);

	q->stream_begun = arena_mark(q->arena);
	q->stream_beat = mono_now() + (TimeUs)STREAM_BEAT_S * US_PER_S;
	res_header(&q->res, "X-Accel-Buffering", str_of("no"));
	return respond_queue(q, r);
}

void
stream_done(Req *q)
{
	if (q->res.stream.next != NULL && q->res.stream.done != NULL)
		q->res.stream.done(q->res.stream.self);
	q->res.stream = (Stream){ 0 };
}
