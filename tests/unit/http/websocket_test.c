#include "http/websocket.h"

#include "test.h"

typedef struct Heard {
	char text[4096];
	size_t n, count;
} Heard;

static void
on_text(void *self, Str text)
{
	Heard *h = self;

	memcpy(h->text, text.p, text.n);
	h->n = text.n;
	h->count++;
}

/* One masked frame of a client; the mask is zero, so that the bytes can be read here. */
static Str
frame(Arena *a, int first, Str payload)
{
	Buf b = buf_open(a);

	buf_char(&b, (char)first);
	if (payload.n < 126) {
		buf_char(&b, (char)(0x80 | payload.n));
	} else {
		buf_char(&b, (char)(0x80 | 126));
		buf_char(&b, (char)(payload.n >> 8));
		buf_char(&b, (char)payload.n);
	}
	buf_add(&b, (Str){ "\0\0\0\0", 4 });
	buf_add(&b, payload);
	return buf_str(&b);
}

TEST(a_message_is_heard_whole_however_it_arrives)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static Heard h;
	WsConn *w = ws_open(on_text, &h, 1000);
	Str one = frame(a, 0x01, str_of("{\"a\":")), two = frame(a, 0x80, str_of("1}"));

	ws_feed(w, one);
	CHECK_INT((int64_t)h.count, 0);
	for (size_t i = 0; i < two.n; i++)
		ws_feed(w, str_sub(two, i, i + 1));
	CHECK_INT((int64_t)h.count, 1);
	CHECK_STR(((Str){ h.text, h.n }), str_of("{\"a\":1}"));
	CHECK(!ws_ending(w));
	ws_free(w);
}

TEST(a_text_goes_out_as_one_frame_and_a_quiet_connection_keeps_no_buffer)
{
	static Heard h;
	WsConn *w = ws_open(on_text, &h, 1000);

	ws_text(w, str_of("hello"));
	CHECK_STR(ws_output(w), str_of("\x81\x05hello"));
	ws_sent(w, 3);
	CHECK_STR(ws_output(w), str_of("ello"));
	ws_sent(w, 4);
	CHECK_INT((int64_t)ws_output(w).n, 0);
	ws_free(w);
}

TEST(a_ping_is_answered_and_a_close_is_answered_once)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static Heard h;
	WsConn *w = ws_open(on_text, &h, 1000);

	ws_feed(w, frame(a, 0x89, str_of("x")));
	CHECK_STR(ws_output(w), str_of("\x8a\x01x"));
	ws_sent(w, 3);
	CHECK(!ws_ended(w));
	ws_feed(w, frame(a, 0x88, (Str){ "\x03\xe8", 2 }));
	CHECK_STR(ws_output(w), ((Str){ "\x88\x02\x03\xe8", 4 }));
	CHECK(ws_ended(w));
	ws_text(w, str_of("too late"));
	CHECK_INT((int64_t)ws_output(w).n, 4);
	ws_free(w);
}

static int
close_code(Str out)
{
	return out.n < 4 ? 0 : (unsigned char)out.p[2] << 8 | (unsigned char)out.p[3];
}

TEST(what_breaks_a_rule_closes_with_its_code)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	char large[1001] = { 0 };
	struct {
		Str bytes;
		int code;
	} rows[] = {
		{ str_of("\x81\x02{}"), 1002 }, /* not masked */
		{ frame(a, 0xc1, str_of("{}")), 1002 },
		{ frame(a, 0x83, str_of("{}")), 1002 },
		{ frame(a, 0x80, str_of("{}")), 1002 },
		{ frame(a, 0x81, str_of("\xff")), 1007 },
		{ frame(a, 0x81, (Str){ large, sizeof(large) }), 1009 },
		{ frame(a, 0x82, str_of("{}")), 1003 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		static Heard h;
		WsConn *w = ws_open(on_text, &h, 1000);

		h.count = 0;
		ws_feed(w, rows[i].bytes);
		CHECK_INT(close_code(ws_output(w)), rows[i].code);
		CHECK(ws_over(w));
		CHECK_INT((int64_t)h.count, 0);
		ws_free(w);
	}
}
