/*
 * Whatever YAML is accepted prints as YAML that reads back equal, and as JSON that does.
 */
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	YamlLimits limits = { .size = 64 * 1024, .nodes = 2000 };
	Err err = { 0 };
	Buf b = buf_open(a);
	Json v, again;

	if (!yaml_parse(a, "fuzz", (Str){ (const char *)data, size }, &limits, &v, &err)) {
		must(err.code == ERR_INVALID && str_starts(str_of(err.text), str_of("fuzz: line ")));
		return 0;
	}
	must(json_parse(a, json_text(a, &v), NULL, &again, &err));
	must(json_eq(&v, &again));
	yaml_print(&b, &v);
	must(yaml_parse(a, "again", buf_str(&b), NULL, &again, &err));
	must(json_eq(&v, &again));
	must(str_eq(json_text(a, &v), json_text(a, &again)));
	return 0;
}
