#include "http/stream.h"

#include "test.h"

static Str
event(Arena *a, const char *name, int64_t id, const char *data)
{
	Buf b = buf_open(a);

	stream_event(&b, name, id, str_of(data));
	return buf_str(&b);
}

TEST(an_event_has_a_line_for_each_line_of_its_data)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(event(a, NULL, -1, "{}"), str_of("data: {}\n\n"));
	CHECK_STR(event(a, "append", 12, "a\nb"), str_of("event: append\nid: 12\ndata: a\ndata: b\n\n"));
	CHECK_STR(event(a, "append", 0, "a\n"), str_of("event: append\nid: 0\ndata: a\ndata: \n\n"));
	CHECK_STR(event(a, "done", -1, ""), str_of("event: done\ndata: \n\n"));
	CHECK_STR(event(a, NULL, -1, "a\r\nb\rc"), str_of("data: a\ndata: b\ndata: c\n\n"));
	CHECK_STR(event(a, NULL, -1, "a\n\nid: 7"), str_of("data: a\ndata: \ndata: id: 7\n\n"));
}
