#include "sensor/lines.h"

#include "test.h"

#include <stdlib.h>

static size_t
put(Lines *l, const char *text, size_t n, size_t most)
{
	size_t too_long = 0;

	while (n > 0) {
		size_t room, part;
		char *to = lines_room(l, &room);

		part = n < room ? n : room;
		part = part < most ? part : most;
		memcpy(to, text, part);
		too_long += lines_added(l, part);
		text += part;
		n -= part;
	}
	return too_long;
}

TEST(lines_come_whole_however_the_stream_is_cut)
{
	static const char text[] = "one\n\ntwo three\n{\"a\": 1}\nrest";

	for (size_t most = 1; most < sizeof(text); most++) {
		static const char *const want[] = { "one", "", "two three", "{\"a\": 1}" };
		size_t at = 0;
		Lines l;
		Str line;

		lines_open(&l, 100);
		CHECK_INT((int64_t)put(&l, text, sizeof(text) - 1, most), 0);
		for (size_t i = 0; i < countof(want); i++) {
			CHECK(lines_next(&l, &at, &line));
			CHECK(str_is(line, want[i]));
		}
		CHECK(!lines_next(&l, &at, &line));
		lines_take(&l, at);
		lines_end(&l);
		at = 0;
		CHECK(lines_next(&l, &at, &line));
		CHECK(str_is(line, "rest"));
		lines_close(&l);
	}
}

TEST(a_line_that_is_too_long_is_passed_over_and_counted_once_and_its_neighbours_are_kept)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	enum { LONG = 700 * 1000 };
	Buf b = buf_open(a);
	size_t at = 0;
	Lines l;
	Str line, text;

	buf_text(&b, "before\n");
	for (int i = 0; i < LONG; i++)
		buf_char(&b, 'x');
	buf_text(&b, "\nafter\n");
	text = buf_str(&b);
	for (size_t most = 4096; most <= LONG * 2; most *= 4) {
		lines_open(&l, 1000);
		CHECK_INT((int64_t)put(&l, text.p, text.n, most), 1);
		at = 0;
		CHECK(lines_next(&l, &at, &line));
		CHECK(str_is(line, "before"));
		lines_close(&l);
	}
	lines_open(&l, 1000);
	CHECK_INT((int64_t)put(&l, text.p, text.n, 4096), 1);
	at = 0;
	CHECK(lines_next(&l, &at, &line));
	CHECK(lines_next(&l, &at, &line));
	CHECK(str_is(line, "after"));
	CHECK(l.cap <= 1024 * 1024);
	lines_close(&l);
}

static SensorLine
read_of(Arena *a, const char *text)
{
	SensorLine l;

	line_read(a, str_of(text), &l);
	return l;
}

TEST(a_line_says_an_event_or_that_the_sensor_is_ready_and_what_it_does_not_say_is_named)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	SensorLine l = read_of(a, "{\"trigger\": \"p.t\", \"rule\": \"p.r\", \"key\": \"k\", \"payload\": {\"n\": 1}}");

	CHECK_INT(l.kind, LINE_EVENT);
	CHECK(str_is(l.trigger_ref, "p.t"));
	CHECK(str_is(l.rule_ref, "p.r"));
	CHECK(str_is(l.key, "k"));
	CHECK_INT(json_as_int(json_get(&l.payload, "n"), 0), 1);
	CHECK_INT(read_of(a, "{\"payload\": null, \"rule\": 7}").rule, 7);
	CHECK_INT(read_of(a, "{\"payload\": 1, \"trigger_instance_id\": \"rule_9\"}").rule, 9);
	CHECK_INT(read_of(a, "{\"type\": \"ready\"}").kind, LINE_READY);
	CHECK_INT(read_of(a, " \r").kind, LINE_NOTHING);
	CHECK_INT(read_of(a, "hello").kind, LINE_BAD);
	CHECK_INT(read_of(a, "[1]").kind, LINE_BAD);
	CHECK(str_is(read_of(a, "{}").why, "'payload' is missing"));
	CHECK(str_is(read_of(a, "{\"payload\": 1, \"key\": 5}").why, "'key' must be a text"));
	CHECK(str_is(read_of(a, "{\"payload\": 1, \"rule\": -5}").why, "'rule' must be the id or the ref of a rule"));
	CHECK(str_is(read_of(a, "{\"type\": \"bye\"}").why, "there is no type 'bye': event or ready"));
	CHECK_INT(read_of(a, "{\"payload\": \"a\\u0000b\"}").kind, LINE_BAD);
}
