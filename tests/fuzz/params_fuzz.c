/*
 * A parameter schema and values, a line each. What is no schema is refused with a reason; what is accepted judges the values, and values
 * that it has prepared it accepts again as they are. A document made of them is read back as the same.
 */
#include "base/codec.h"
#include "model/params.h"
#include "runtime/params.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
prepare(Arena *a, const Json *schema, Json *values)
{
	Err err = { 0 };

	if (params_prepare(a, "action", str_of("a.b"), schema, values, false, &err))
		return true;
	must(err.code == ERR_VALIDATION && err.text[0] != '\0');
	return false;
}

/* How many lines begin outside of quotes: a value ends none of them. */
static size_t
lines_of(Str document)
{
	bool quoted = false;
	size_t n = document.n > 0;

	for (size_t i = 0; i < document.n; i++) {
		if (document.p[i] == '\'' && (i == 0 || document.p[i - 1] != '\\' || quoted))
			quoted = !quoted;
		n += document.p[i] == '\n' && !quoted && i + 1 < document.n;
	}
	must(!quoted);
	return n;
}

static size_t
leaves_of(const Json *v)
{
	size_t n = 0;

	if (v->kind != JSON_OBJECT || v->n == 0)
		return 1;
	for (uint32_t i = 0; i < v->n; i++)
		n += leaves_of(&v->members[i].value);
	return n;
}

static void
check_documents(Arena *a, const Json *values)
{
	Str text = params_document(a, str_of("json"), values);
	Json again;

	must(json_parse(a, text, &(JsonLimits){ .depth = 1000 }, &again, NULL) && json_eq(values, &again));
	must(params_document(a, str_of("yaml"), values).n > 0);
	if (values->kind == JSON_OBJECT && values->n > 0)
		must(lines_of(params_document(a, str_of("dotenv"), values)) == leaves_of(values));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str rest = { (const char *)data, size }, line = { 0 };
	Json schema, values, before;
	Err err = { 0 };

	(void)str_cut(&rest, '\n', &line);
	if (!json_parse(a, line, NULL, &schema, NULL) || !json_parse(a, rest, NULL, &values, NULL) ||
	    (values.kind != JSON_OBJECT && values.kind != JSON_NULL))
		return 0;
	if (!params_schema_check(a, &schema, &err)) {
		must(err.text[0] != '\0');
		return 0;
	}
	if (prepare(a, &schema, &values)) {
		before = json_clone(a, &values);
		must(prepare(a, &schema, &values) && json_eq(&before, &values));
	}
	check_documents(a, &values);
	return 0;
}
