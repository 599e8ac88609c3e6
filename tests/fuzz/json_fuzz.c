/*
 * Whatever JSON is accepted is strict UTF-8, prints as text that reads back equal, and prints the same again.
 */
#include "base/codec.h"
#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
round_trip(Arena *a, const Json *v, bool pretty)
{
	Buf b = buf_open(a);
	Json again;
	Err err;

	if (pretty)
		json_print_pretty(&b, v);
	else
		json_print(&b, v);
	must(json_parse(a, buf_str(&b), NULL, &again, &err));
	must(json_eq(v, &again));
	must(str_eq(json_text(a, v), json_text(a, &again)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str text = { (const char *)data, size };
	JsonLimits strict = { .unique_keys = true };
	Err err = { 0 };
	Json v, unique, copy;

	if (!json_parse(a, text, NULL, &v, &err)) {
		must(err.code == ERR_INVALID && str_starts(str_of(err.text), str_of("line ")));
		must(!json_parse(a, text, &strict, &v, &err));
		return 0;
	}
	must(utf8_valid(text));
	round_trip(a, &v, false);
	round_trip(a, &v, true);
	copy = json_clone(a, &v);
	must(json_eq(&v, &copy));
	if (json_parse(a, text, &strict, &unique, &err))
		must(json_eq(&v, &unique));
	return 0;
}
