#include "base/json.h"

#include "test.h"

TEST(a_document_is_printed_as_it_was_read)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str text = str_of("{\"a\":[1,-2,3.5,true,false,null,\"x\\ny\"],\"b\":{\"c\":\"\"}}");
	Err err = { 0 };
	Json v;

	CHECK_OK(json_parse(a, text, NULL, &v, &err), err);
	CHECK_STR(json_text(a, &v), text);
}
