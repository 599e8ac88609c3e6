#include "cli/sse.h"

#include "test.h"

typedef struct Heard {
	Arena *a;
	Buf all;
	int left;
} Heard;

static bool
hear(void *self, const SseEvent *e)
{
	Heard *h = self;

	buf_fmt(&h->all, "[%.*s|%.*s|%.*s]", STR_ARG(e->name), STR_ARG(e->id), STR_ARG(e->data));
	return --h->left > 0;
}

/* Fed in pieces of so many bytes. */
static Str
heard(Arena *a, const char *stream, size_t piece, int most)
{
	CLEANUP(arena_done) Arena *events = arena_open();
	Heard h = { .a = a, .all = buf_open(a), .left = most };
	Sse s = sse_open(events);
	Str all = str_of(stream);

	for (size_t at = 0; at < all.n; at += piece)
		if (!sse_feed(&s, str_sub(all, at, at + piece), hear, &h))
			break;
	return buf_str(&h.all);
}

TEST(events_are_the_same_however_their_bytes_arrive)
{
	static const char stream[] = ": hello\nevent: content\nid: 12\ndata: one\ndata: two\n\ndata:x\r\n\r\n"
				     "event: done\ndata\n\nevent: empty\n\nunfinished: 1\ndata: never";

	for (size_t piece = 1; piece < sizeof(stream); piece++) {
		CLEANUP(arena_done) Arena *a = arena_open();

		CHECK_STR(heard(a, stream, piece, 100), str_of("[content|12|one\ntwo][||x][done||][empty||]"));
	}
}

TEST(a_line_end_at_the_end_of_data_is_kept)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(heard(a, "data: line\ndata:\n\n", 5, 9), str_of("[||line\n]"));
}

TEST(nothing_more_is_read_when_the_reader_has_enough)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(heard(a, "data: 1\n\ndata: 2\n\ndata: 3\n\n", 100, 2), str_of("[||1][||2]"));
}

TEST(an_event_without_an_end_is_refused_when_it_grows_too_large)
{
	CLEANUP(arena_done) Arena *a = arena_open(), *events = arena_open();
	Heard h = { .a = a, .all = buf_open(a), .left = 1 };
	Sse s = sse_open(events);
	char block[65536];
	size_t fed = 0;

	memset(block, 'x', sizeof(block));
	while (fed <= SSE_EVENT_MAX + sizeof(block) && sse_feed(&s, (Str){ block, sizeof(block) }, hear, &h))
		fed += sizeof(block);
	CHECK(fed <= SSE_EVENT_MAX);
}
