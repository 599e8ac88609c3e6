#include "runtime/output.h"

#include "test.h"

static void
check_parse(const char *format, const char *text, const char *want, bool want_whole)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json got;
	bool whole;

	if (want == NULL) {
		CHECK(!output_parse(a, str_of(format), str_of(text), &got, &whole));
		return;
	}
	CHECK(output_parse(a, str_of(format), str_of(text), &got, &whole));
	CHECK_STR(json_text(a, &got), str_of(want));
	CHECK_INT(whole, want_whole);
}

TEST(output_is_read_as_its_format_and_else_stays_text)
{
	check_parse("json", "{\"a\":\n1}\n", "{\"a\":1}", true);
	check_parse("json", "working...\n{\"a\":2}\n\n", "{\"a\":2}", false);
	check_parse("json", "{\"a\":1,\"a\":2}", "{\"a\":2}", true);
	check_parse("json", "no json", NULL, false);
	check_parse("json", " \n", NULL, false);
	check_parse("jsonl", "1\n\nx\n{\"b\":2}\n", "[1,{\"b\":2}]", false);
	check_parse("jsonl", "1\n2", "[1,2]", true);
	check_parse("jsonl", "x\ny\n", NULL, false);
	check_parse("yaml", "a: 1\nb: [x, y]\n", "{\"a\":1,\"b\":[\"x\",\"y\"]}", true);
	check_parse("yaml", "a: [1\n", NULL, false);
	check_parse("text", "{\"a\":1}", NULL, false);
	check_parse("", "{\"a\":1}", NULL, false);
	check_parse("xml", "<a/>", NULL, false);
}
