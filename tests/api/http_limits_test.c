#include "http/http.h"

#include "server.h"
#include "test.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: h\r\n"

static Str
repeat(Arena *a, char c, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	memset(p, c, n);
	return (Str){ p, n };
}

/* Bytes with NULs: the literal without its own. */
#define BYTES(literal) ((Str){ (literal), sizeof(literal) - 1 })

TEST(forms_that_smuggle_requests_are_refused_and_end_the_connection)
{
	static const struct {
		const char *name;
		Str bytes;
	} forms[] = {
		{ "both lengths", BYTES("POST /raw HTTP/1.1\r\n" HOST
					"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
		{ "two lengths",
		    BYTES("POST /raw HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!") },
		{ "one length twice",
		    BYTES("POST /raw HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello") },
		{ "chunked twice", BYTES("POST /raw HTTP/1.1\r\n" HOST
					 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
		{ "chunked, chunked",
		    BYTES("POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n") },
		{ "identity", BYTES("POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n") },
		{ "xchunked", BYTES("POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n") },
		{ "chunked in 1.0",
		    BYTES("POST /raw HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
		{ "bare LF after a header", BYTES("GET /ping HTTP/1.1\r\n" HOST "X: a\nY: b\r\n\r\n") },
		{ "bare LF after the first line", BYTES("GET /ping HTTP/1.1\n" HOST "\r\n") },
		{ "bare LF at the end", BYTES("GET /ping HTTP/1.1\r\n" HOST "\nGET /ping HTTP/1.1\r\n") },
		{ "only bare LF", BYTES("GET /ping HTTP/1.1\nHost: h\n\n") },
		{ "bare CR in a header", BYTES("GET /ping HTTP/1.1\r\n" HOST "X: a\rY: b\r\n\r\n") },
		{ "folded header", BYTES("GET /ping HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n") },
		{ "folded with a tab", BYTES("GET /ping HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n") },
		{ "folded last", BYTES("GET /ping HTTP/1.1\r\nX: y\r\nHost: a\r\n b\r\n\r\n") },
		{ "empty name", BYTES("GET /ping HTTP/1.1\r\n" HOST ": a\r\n\r\n") },
		{ "NUL in a value", BYTES("GET /ping HTTP/1.1\r\n" HOST "X: a\0b\r\nY: c\r\n\r\n") },
		{ "NUL in the last value", BYTES("GET /ping HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n") },
		{ "NUL in the target", BYTES("GET /ping\0x HTTP/1.1\r\n" HOST "\r\n") },
		{ "NUL in the method", BYTES("GET\0X /ping HTTP/1.1\r\n" HOST "\r\n") },
		{ "two blanks before the target", BYTES("GET  /ping HTTP/1.1\r\n" HOST "\r\n") },
		{ "two blanks after it", BYTES("GET /ping  HTTP/1.1\r\n" HOST "\r\n") },
		{ "blank in the target", BYTES("GET /ping x HTTP/1.1\r\n" HOST "\r\n") },
		{ "two hosts", BYTES("GET /ping HTTP/1.1\r\n" HOST HOST "\r\n") },
		{ "no host", BYTES("GET /ping HTTP/1.1\r\nX: y\r\n\r\n") },
		{ "no header at all", BYTES("GET /ping HTTP/1.1\r\n\r\n") },
	};
	CLEANUP(test_server_done) TestServer *s = test_server_open();

	for (size_t i = 0; i < countof(forms); i++) {
		int fd = test_connect(s);
		Reply r;

		test_send(fd, forms[i].bytes);
		r = test_reply(s, fd);
		if (r.status != 400 || !str_is(test_header(&r, "Content-Type"), "application/json"))
			test_fail(__FILE__, __LINE__, "%s: %.*s%.*s", forms[i].name, STR_ARG(r.head), STR_ARG(r.body));
		CHECK_REFUSED(r, 400, "BAD_REQUEST");
		if (!test_ended(fd))
			test_fail(__FILE__, __LINE__, "%s: the connection goes on", forms[i].name);
		close(fd);
	}
}

/* What libmicrohttpd refuses before anything of ours is called. */
TEST(lines_that_cannot_be_read_at_all_are_refused)
{
	static const struct {
		int status;
		const char *code;
		Str bytes;
	} forms[] = {
		{ 400, "BAD_REQUEST", BYTES("GET /ping HTTP/1.1\r\nHost : h\r\n\r\n") },
		{ 400, "BAD_REQUEST", BYTES("GET /ping HTTP/1.1\r\n" HOST "no colon\r\n\r\n") },
		{ 400, "BAD_REQUEST", BYTES("GET /ping HTTP/1.1\r\n" HOST "X Y: a\r\n\r\n") },
		{ 400, "BAD_REQUEST", BYTES("some nonsense\r\n\r\n") },
		{ 400, "BAD_REQUEST", BYTES("POST /raw HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nhello") },
		{ 400, "BAD_REQUEST", BYTES("POST /raw HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\nhello") },
		{ 400, "BAD_REQUEST", BYTES("POST /raw HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello") },
		{ 413, "PAYLOAD_TOO_LARGE",
		    BYTES("POST /raw HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\nhello") },
		{ 400, "BAD_REQUEST",
		    BYTES("POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n") },
		{ 400, "BAD_REQUEST", BYTES("GET /ping HTTP/1.1\r\n" HOST "X\0Y: a\r\n\r\n") },
		{ 505, "HTTP_VERSION_NOT_SUPPORTED", BYTES("GET /ping HTTP/2.0\r\n" HOST "\r\n") },
		{ 400, "BAD_REQUEST", BYTES("GET /ping\r\n\r\n") },
	};
	CLEANUP(test_server_done) TestServer *s = test_server_open();

	for (size_t i = 0; i < countof(forms); i++) {
		int fd = test_connect(s);
		Reply r;

		test_send(fd, forms[i].bytes);
		r = test_reply(s, fd);
		CHECK_REFUSED(r, forms[i].status, forms[i].code);
		if (!test_ended(fd))
			test_fail(__FILE__, __LINE__, "%.*s: the connection goes on", STR_ARG(forms[i].bytes));
		close(fd);
	}
}

TEST(honest_forms_of_the_same_are_taken)
{
	static const char *const forms[] = {
		"GET /ping HTTP/1.1\r\n" HOST "\r\n",
		"GET /ping HTTP/1.1\r\nhost:h\r\nX:\r\nY:   b  \r\nZ: a:b\r\n\r\n",
		"GET /ping HTTP/1.0\r\n\r\n",
		"GET /ping HTTP/1.0\r\nX: y\r\n\r\n",
		"\r\nGET /ping HTTP/1.1\r\n" HOST "\r\n",
		"GET /ping?x=%00 HTTP/1.1\r\n" HOST "\r\n",
		"GET /ping HTTP/1.1\r\n" HOST "Cookie: a=b; c=d\r\nX: y\r\n\r\n",
		"POST /raw HTTP/1.1\r\n" HOST "transfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
	};
	CLEANUP(test_server_done) TestServer *s = test_server_open();

	for (size_t i = 0; i < countof(forms); i++) {
		Reply r = test_ask(s, forms[i]);
		int want = i == 5 ? 400 : 200;

		if (r.status != want)
			test_fail(__FILE__, __LINE__, "%s: %.*s%.*s", forms[i], STR_ARG(r.head), STR_ARG(r.body));
	}
}

TEST(an_honest_request_is_taken_however_it_is_cut)
{
	static const char text[] = "POST /raw HTTP/1.1\r\n" HOST "X: y\r\nContent-Length: 5\r\nA: b\r\n\r\nhello";
	CLEANUP(test_server_done) TestServer *s = test_server_open();

	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		int fd = test_connect(s);

		test_send(fd, (Str){ text, cut });
		sched_yield();
		test_send(fd, (Str){ text + cut, sizeof(text) - 1 - cut });
		CHECK_STR(test_reply(s, fd).body, str_of("hello"));
		close(fd);
	}
}

TEST(an_unknown_method_is_501)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "BREW /ping HTTP/1.1\r\n" HOST "\r\n");

	CHECK_REFUSED(r, 501, "NOT_IMPLEMENTED");
	r = test_ask(s, "get /ping HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 501, "NOT_IMPLEMENTED");
	r = test_ask(s, "TRACE /ping HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 501, "NOT_IMPLEMENTED");
}

TEST(a_long_url_is_414)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r =
	    test_ask_bytes(s, str_fmt(s->a, "GET /%.*s HTTP/1.1\r\n" HOST "\r\n", STR_ARG(repeat(s->a, 'a', 40000))));

	CHECK_REFUSED(r, 414, "URI_TOO_LONG");
	r = test_ask_bytes(
	    s, str_fmt(s->a, "GET /ping?%.*s HTTP/1.1\r\n" HOST "\r\n", STR_ARG(repeat(s->a, 'a', 8192 - 6))));
	CHECK_INT(r.status, 200);
	r = test_ask_bytes(
	    s, str_fmt(s->a, "GET /ping?%.*s HTTP/1.1\r\n" HOST "\r\n", STR_ARG(repeat(s->a, 'a', 8192 - 5))));
	CHECK_REFUSED(r, 414, "URI_TOO_LONG");
	r = test_ask_bytes(s, str_fmt(s->a, "GET /%.*s HTTP/1.1\r\n" HOST "\r\n", STR_ARG(repeat(s->a, 'a', 200000))));
	CHECK_REFUSED(r, 414, "URI_TOO_LONG"); /* beyond the connection's memory */
}

TEST(large_headers_are_431)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask_bytes(
	    s, str_fmt(s->a, "GET /ping HTTP/1.1\r\n" HOST "X: %.*s\r\n\r\n", STR_ARG(repeat(s->a, 'a', 16000))));

	CHECK_INT(r.status, 200);
	r = test_ask_bytes(
	    s, str_fmt(s->a, "GET /ping HTTP/1.1\r\n" HOST "X: %.*s\r\n\r\n", STR_ARG(repeat(s->a, 'a', 20000))));
	CHECK_REFUSED(r, 431, "HEADERS_TOO_LARGE");
}

TEST(a_body_over_the_limit_is_413_before_it_is_sent)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_with(1000, 0, 2);
	int fd = test_connect(s);
	Reply r;

	test_send(fd, str_of("POST /raw HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n"));
	r = test_reply(s, fd); /* not a byte of the body was sent */
	CHECK_REFUSED(r, 413, "PAYLOAD_TOO_LARGE");
	CHECK(test_ended(fd));
	close(fd);
	r = test_ask_bytes(s, str_fmt(s->a, "POST /raw HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n%.*s",
				  STR_ARG(repeat(s->a, 'a', 1000))));
	CHECK_INT(r.status, 200);
	CHECK_INT((int64_t)r.body.n, 1000);
}

TEST(a_chunked_body_over_the_limit_is_413)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_with(1000, 0, 2);
	Reply r =
	    test_ask_bytes(s, str_fmt(s->a,
				  "POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3e8\r\n%.*s\r\n"
				  "1\r\na\r\n0\r\n\r\n",
				  STR_ARG(repeat(s->a, 'a', 1000))));

	CHECK_REFUSED(r, 413, "PAYLOAD_TOO_LARGE");
	r = test_ask_bytes(
	    s, str_fmt(s->a, "POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nffff\r\n%.*s",
		   STR_ARG(repeat(s->a, 'a', 0xffff))));
	CHECK_INT(r.status, 0); /* one that goes on and on is cut */
}

TEST(a_large_body_arrives_whole)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	const size_t n = 5 * 1024 * 1024 + 17;
	Str body = repeat(s->a, 'z', n);
	int fd = test_connect(s);
	Reply r;

	test_send(fd, str_fmt(s->a, "POST /raw HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", n));
	test_send(fd, body);
	r = test_reply(s, fd);
	CHECK(str_eq(r.body, body));
	close(fd);
}

TEST(a_truncated_body_reaches_no_handler)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	int fd = test_connect(s);

	test_send(fd, str_of("POST /raw HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc"));
	close(fd);
	CHECK_INT(test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "\r\n").status, 200);
}

TEST(slow_headers_do_not_keep_others_waiting)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_with(0, 0, 1);
	int slow[100];

	for (size_t i = 0; i < countof(slow); i++) {
		slow[i] = test_connect(s);
		test_send(slow[i], str_of("GET /ping HTTP/1.1\r\nHo"));
	}
	for (int i = 0; i < 20; i++)
		CHECK_INT(test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "\r\n").status, 200);
	for (size_t i = 0; i < countof(slow); i++) {
		test_send(slow[i], str_of("st: h\r\n\r\n"));
		CHECK_INT(test_reply(s, slow[i]).status, 200);
		close(slow[i]);
	}
}

/* A byte now and then is no silence, so the library's own limit never ends it; ours does. */
TEST(a_request_that_trickles_is_ended_in_time)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_with(0, 400 * US_PER_MS, 1);
	TimeUs until = clock_mono(clock_real()) + 60 * US_PER_S;
	struct timeval little = { .tv_usec = 20000 };
	int fd = test_connect(s);
	bool ended = false;
	ssize_t got;
	char c;

	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &little, sizeof(little)) == 0);
	test_send(fd, str_of("GET /ping HTTP/1.1\r\nX: "));
	while (!ended && clock_mono(clock_real()) < until) {
		test_send(fd, str_of("a"));
		got = recv(fd, &c, 1, 0);
		ended = got == 0 || (got < 0 && errno == ECONNRESET);
	}
	CHECK(ended);
	close(fd);
}
