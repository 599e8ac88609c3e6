/*
 * Headers in which a client says how it would like the answer, and urls of servers, which people write: they are read within their
 * bounds, a tag matches itself, the trace of an answer can be read as one, and a password is in no url that is shown.
 */
#include "base/address.h"
#include "base/codec.h"
#include "bus/librabbitmq.h"
#include "bus/rabbitmq.h"
#include "http/negotiate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_trace(Arena *a, Str header)
{
	Str answer = trace_answer(a, header, 0x1234);

	must(str_none(answer) || (answer.n == 55 && !str_none(trace_answer(a, answer, 0x77))));
}

static void
check_address(Str text)
{
	Address one;
	Network n;

	if (network_parse(text, &n))
		must(n.bits <= 128 && network_holds(&n, &n.base));
	if (address_parse(text, &one))
		must(network_holds(&(Network){ .base = one, .bits = 128 }, &one));
}

static void
check_url(Arena *a, Str text)
{
	RabbitUrl u;
	Err err = { 0 };
	size_t at;

	must(late_load(&librabbitmq, &err));
	if (!rabbit_url_parse(a, text, &u, &err)) {
		must(err.code == ERR_INVALID && err.text[0] != '\0');
		return;
	}
	must(u.host != NULL && u.vhost != NULL && u.port > 0 && u.port < 65536);
	(void)(strlen(u.password) > 8 && str_find(str_of(u.starred), str_of(u.password), &at));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str text = { (const char *)data, size }, tag = etag_of(a, text);

	(void)accepts_gzip(text);
	(void)type_shrinks(str_cstr(a, text));
	(void)origin_allowed(text, NULL, 0);
	must(etag_matches(tag, tag));
	(void)etag_matches(text, tag);
	check_trace(a, text);
	check_address(text);
	if (memchr(data, '\0', size) == NULL)
		check_url(a, text);
	return 0;
}
