#include "http/http.h"

#include "server.h"
#include "test.h"

#include <unistd.h>

#define HOST "Host: h\r\n"
#define TRACE "0af7651916cd43dd8448eb211c80319c"

TEST(what_has_not_changed_is_304_without_a_body)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply first = test_ask(s, "GET /items/5 HTTP/1.1\r\n" HOST "\r\n"), r;
	Str tag = test_header(&first, "ETag");
	int fd = test_connect(s);

	CHECK(str_starts(tag, str_of("W/\"")));
	test_send(
	    fd, str_fmt(s->a, "GET /items/5 HTTP/1.1\r\n" HOST "If-None-Match: \"x\", %.*s\r\n\r\n", STR_ARG(tag)));
	r = test_reply_head(s, fd);
	CHECK_INT(r.status, 304);
	CHECK_STR(test_header(&r, "ETag"), tag);
	test_send(fd, str_fmt(s->a, "HEAD /items/5 HTTP/1.1\r\n" HOST "If-None-Match: %.*s\r\n\r\n", STR_ARG(tag)));
	CHECK_INT(test_reply_head(s, fd).status, 304);
	test_send(fd, str_fmt(s->a, "GET /items/6 HTTP/1.1\r\n" HOST "If-None-Match: %.*s\r\n\r\n", STR_ARG(tag)));
	r = test_reply(s, fd); /* the connection is in step: a 304 had no body */
	CHECK_STR(r.body, str_of("{\"data\":6,\"message\":\"found\"}"));
	close(fd);
}

TEST(only_what_was_read_well_has_a_tag)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "GET /fail/x HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n");

	CHECK_REFUSED(r, 404, "NOT_FOUND");
	CHECK(str_none(test_header(&r, "ETag")));
	r = test_ask(s, "DELETE /items/5 HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n");
	CHECK_INT(r.status, 200);
	CHECK(str_none(test_header(&r, "ETag")));
}

TEST(a_long_answer_is_compressed_for_who_takes_it)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply plain = test_ask(s, "GET /words/1000 HTTP/1.1\r\n" HOST "\r\n");
	Reply r = test_ask(s, "GET /words/1000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip, deflate\r\n\r\n");

	CHECK(str_none(test_header(&plain, "Content-Encoding")));
	CHECK_STR(test_header(&plain, "Vary"), str_of("Accept-Encoding"));
	CHECK_STR(test_header(&r, "Content-Encoding"), str_of("gzip"));
	CHECK_STR(test_header(&r, "ETag"), test_header(&plain, "ETag"));
	CHECK(r.body.n * 10 < plain.body.n && str_starts(r.body, str_of("\x1f\x8b")));
	r = test_ask(s, "GET /words/10 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
	CHECK(str_none(test_header(&r, "Content-Encoding")) && str_none(test_header(&r, "Vary")));
}

TEST(an_answer_may_neither_be_framed_nor_kept_nor_told_on)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	static const char *const asked[] = { "GET /ping HTTP/1.1\r\n" HOST "\r\n",
		"GET /nowhere HTTP/1.1\r\n" HOST "\r\n", "GET /ping HTTP/1.1\r\n\r\n" };

	for (size_t i = 0; i < countof(asked); i++) {
		Reply r = test_ask(s, asked[i]);

		CHECK_STR(test_header(&r, "X-Content-Type-Options"), str_of("nosniff"));
		CHECK_STR(test_header(&r, "Cache-Control"), str_of("no-store"));
		CHECK_STR(test_header(&r, "Referrer-Policy"), str_of("no-referrer"));
		CHECK(str_find(test_header(&r, "Content-Security-Policy"), str_of("frame-ancestors 'none'"), NULL));
		CHECK(str_none(test_header(&r, "Strict-Transport-Security")));
		CHECK(str_none(test_header(&r, "Access-Control-Allow-Origin")) && str_none(test_header(&r, "Vary")));
	}
}

static void
names_all(Str list, const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++) {
		Str rest = list, one;
		bool found = false;

		while (!found && str_cut(&rest, ',', &one))
			found = str_is(str_trim(one), names[i]);
		if (!found)
			test_fail(__FILE__, __LINE__, "%.*s does not name %s", STR_ARG(list), names[i]);
	}
}

/* Whatever our answers carry, and requests may, that a page could use: but what browsers show and send by themselves. */
TEST(a_page_sees_each_header_of_our_answers_and_may_send_each_that_we_read)
{
	static const char *const seen[] = { "etag", "content-range", "accept-ranges", "content-disposition", "location",
		"allow", "retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset",
		"idempotency-replayed", "traceparent", "www-authenticate", "x-request-id", NULL };
	static const char *const sent[] = { "authorization", "content-type", "accept", "idempotency-key",
		"if-none-match", "range", "if-range", "last-event-id", "traceparent", "x-request-id", NULL };
	static const Str origins[] = { { "https://a.example", 17 } };
	HttpConfig c = { .threads = 2, .cors = true, .origins = origins, .origin_count = countof(origins) };
	CLEANUP(test_server_done) TestServer *s = test_server_open_as(&c);
	Reply r = test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "Origin: https://a.example\r\n\r\n");

	names_all(test_header(&r, "Access-Control-Expose-Headers"), seen);
	r = test_ask(s,
	    "OPTIONS /items/1 HTTP/1.1\r\n" HOST "Origin: https://a.example\r\n"
	    "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: range, if-range\r\n\r\n");
	names_all(test_header(&r, "Access-Control-Allow-Headers"), sent);
}

TEST(pages_of_listed_origins_may_use_the_api_and_no_others)
{
	static const Str origins[] = { { "https://a.example", 17 }, { "https://b.example:8443", 22 } };
	HttpConfig c = { .threads = 2, .cors = true, .origins = origins, .origin_count = countof(origins) };
	CLEANUP(test_server_done) TestServer *s = test_server_open_as(&c);
	Reply r = test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "Origin: https://b.example:8443\r\n\r\n");

	CHECK_STR(test_header(&r, "Access-Control-Allow-Origin"), origins[1]);
	CHECK_STR(test_header(&r, "Access-Control-Allow-Credentials"), str_of("true"));
	CHECK_STR(test_header(&r, "Vary"), str_of("Origin"));
	r = test_ask(s, "GET /fail/x HTTP/1.1\r\n" HOST "Origin: https://a.example\r\n\r\n");
	CHECK_STR(test_header(&r, "Access-Control-Allow-Origin"), origins[0]); /* a page may read what went wrong */
	r = test_ask(s,
	    "OPTIONS /items/1 HTTP/1.1\r\n" HOST "Origin: https://a.example\r\n"
	    "Access-Control-Request-Method: DELETE\r\nAccess-Control-Request-Headers: authorization\r\n\r\n");
	CHECK_INT(r.status, 204);
	CHECK(str_find(test_header(&r, "Access-Control-Allow-Methods"), str_of("DELETE"), NULL));
	CHECK(str_find(test_header(&r, "Access-Control-Allow-Headers"), str_of("authorization"), NULL));
	r = test_ask(s, "OPTIONS /items/1 HTTP/1.1\r\n" HOST "Origin: https://c.example\r\n"
			"Access-Control-Request-Method: DELETE\r\n\r\n");
	CHECK(str_none(test_header(&r, "Access-Control-Allow-Origin")));
	CHECK(str_none(test_header(&r, "Access-Control-Allow-Methods")));
	CHECK_STR(test_header(&r, "Vary"), str_of("Origin"));
}

TEST(an_answer_names_the_trace_it_belongs_to)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "traceparent: 00-" TRACE "-b7ad6b7169203331-01\r\n\r\n");

	CHECK(str_starts(test_header(&r, "traceparent"), str_of("00-" TRACE "-")));
	CHECK(!str_find(test_header(&r, "traceparent"), str_of("b7ad6b7169203331"), NULL));
	r = test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "traceparent: nonsense\r\n\r\n");
	CHECK_INT(r.status, 200);
	CHECK(str_none(test_header(&r, "traceparent")));
}
