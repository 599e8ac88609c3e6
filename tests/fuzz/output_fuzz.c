/*
 * What an action prints: read as any of the formats it is a value that prints, or text. Behind the first line, which is a secret, the
 * secret is starred out the same however the bytes were cut, and is not there afterwards.
 */
#include "base/codec.h"
#include "runtime/output.h"
#include "runtime/redact.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_formats(Arena *a, Str text)
{
	static const char *const formats[] = { "json", "yaml", "jsonl", "text", "" };
	Json v, again;
	bool whole;

	for (size_t i = 0; i < countof(formats); i++)
		if (output_parse(a, str_of(formats[i]), text, &v, &whole)) {
			Str printed = json_text(a, &v);

			must(utf8_valid(printed) &&
			     json_parse(a, printed, &(JsonLimits){ .depth = 1000 }, &again, NULL));
		}
}

static Str
starred(Arena *a, const Json *secrets, Str text, size_t piece)
{
	Redact *r = redact_open(a, secrets);
	Buf b = buf_open(a);

	if (r == NULL)
		return text;
	for (size_t at = 0; at < text.n; at += piece)
		buf_add(&b, redact_put(r, str_sub(text, at, at + piece < text.n ? at + piece : text.n)));
	buf_add(&b, redact_end(r));
	return buf_str(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str rest = { (const char *)data, size }, secret = { 0 }, whole;
	Json secrets = json_array();
	size_t at;

	check_formats(a, rest);
	if (!str_cut(&rest, '\n', &secret) || secret.n < REDACT_LEAST || !utf8_valid(secret))
		return 0;
	json_push(a, &secrets, json_str(secret));
	whole = starred(a, &secrets, rest, REDACT_PIECE);
	must(str_eq(whole, starred(a, &secrets, rest, 1)));
	must(str_find(secret, str_of("*"), &at) ||
	     !str_find(whole, secret, &at)); /* its own stars may stand beside ours */
	return 0;
}
