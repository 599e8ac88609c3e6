#include "http/http.h"

#include "server.h"
#include "test.h"

#include <pthread.h>
#include <unistd.h>

enum { CROWD = 200 };

#define HOST "Host: h\r\n"

TEST(an_answer_carries_the_common_headers)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "X-Request-Id: abc-1\r\n\r\n");

	CHECK_INT(r.status, 200);
	CHECK_STR(r.body, str_of("{\"data\":{\"pong\":true}}"));
	CHECK_STR(test_header(&r, "Content-Type"), str_of("application/json"));
	CHECK_STR(test_header(&r, "X-Request-Id"), str_of("abc-1"));
	CHECK_STR(test_header(&r, "X-Content-Type-Options"), str_of("nosniff"));
	CHECK_STR(test_header(&r, "Cache-Control"), str_of("no-store"));
}

TEST(a_request_id_that_could_break_a_log_is_replaced)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "X-Request-Id: a b<script>\r\n\r\n");

	CHECK_INT((int64_t)test_header(&r, "X-Request-Id").n, 36);
}

TEST(an_unknown_path_is_404_in_the_one_error_shape)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "GET /nowhere HTTP/1.1\r\n" HOST "\r\n");

	CHECK_REFUSED(r, 404, "NOT_FOUND");
	CHECK(str_find(r.body, str_of("No route GET /nowhere"), NULL));
	r = test_ask(s, "GET /ping/ HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 404, "NOT_FOUND");
}

TEST(a_wrong_method_is_405_and_names_the_right_ones)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "PUT /items/1 HTTP/1.1\r\n" HOST "\r\n");

	CHECK_REFUSED(r, 405, "METHOD_NOT_ALLOWED");
	CHECK_STR(test_header(&r, "Allow"), str_of("GET, HEAD, DELETE, OPTIONS"));
	r = test_ask(s, "OPTIONS /items/1 HTTP/1.1\r\n" HOST "\r\n");
	CHECK_INT(r.status, 204);
	CHECK_STR(test_header(&r, "Allow"), str_of("GET, HEAD, DELETE, OPTIONS"));
}

TEST(every_get_route_answers_head_without_a_body)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	int fd = test_connect(s);
	Reply r;

	test_send(fd, str_of("HEAD /ping HTTP/1.1\r\n" HOST "\r\nGET /items/5 HTTP/1.1\r\n" HOST "\r\n"));
	r = test_reply_head(s, fd);
	CHECK_INT(r.status, 200);
	CHECK_STR(test_header(&r, "Content-Length"), str_of("22"));
	r = test_reply(s, fd);
	CHECK_STR(r.body, str_of("{\"data\":5,\"message\":\"found\"}"));
	close(fd);
}

TEST(errors_of_handlers_become_their_status)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "GET /fail/x HTTP/1.1\r\n" HOST "\r\n");

	CHECK_REFUSED(r, 404, "NOT_FOUND");
	r = test_ask(s, "GET /fail/away HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 503, "UNAVAILABLE");
	CHECK_STR(test_header(&r, "Retry-After"), str_of("1"));
	r = test_ask(s, "GET /fail/silent HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 500, "INTERNAL_SERVER_ERROR");
	r = test_ask(s, "GET /items/x HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
}

TEST(a_json_body_is_parsed_and_its_faults_are_placed)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "POST /echo HTTP/1.1\r\n" HOST
			      "Content-Type: application/json; charset=utf-8\r\nContent-Length: 7\r\n\r\n{\"a\":1}");

	CHECK_INT(r.status, 201);
	CHECK_STR(r.body, str_of("{\"data\":{\"a\":1}}"));
	r = test_ask(
	    s, "POST /echo HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1]");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
	CHECK(str_find(r.body, str_of("line 1"), NULL));
	r = test_ask(s, "POST /echo HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
	r = test_ask(s, "POST /echo HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
}

TEST(a_body_that_is_not_json_is_415_on_a_json_route_only)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "POST /echo HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");

	CHECK_REFUSED(r, 415, "UNSUPPORTED_MEDIA_TYPE");
	r = test_ask(s, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}");
	CHECK_REFUSED(r, 415, "UNSUPPORTED_MEDIA_TYPE");
	r = test_ask(
	    s, "POST /echo HTTP/1.1\r\n" HOST "Content-Type: application/vnd.x+json\r\nContent-Length: 2\r\n\r\n{}");
	CHECK_INT(r.status, 201);
	r = test_ask(s, "POST /raw HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\na\nb");
	CHECK_STR(r.body, str_of("a\nb"));
}

TEST(a_chunked_body_is_put_together)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s,
	    "POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n");

	CHECK_STR(r.body, str_of("abcdefg"));
}

TEST(pages_are_clamped_and_say_what_follows)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "GET /items?page=2 HTTP/1.1\r\n" HOST "\r\n");

	CHECK_STR(r.body, str_of("{\"data\":[3,4,5],\"items\":[3,4,5],\"pagination\":{\"page\":2,\"page_"
				 "size\":3,\"has_previous\":true,"
				 "\"has_next\":true}}"));
	r = test_ask(s, "GET /items?per_page=99&page=0&total=10 HTTP/1.1\r\n" HOST "\r\n");
	CHECK_STR(r.body, str_of("{\"data\":[0,1,2,3,4],\"items\":[0,1,2,3,4],\"pagination\":{\"page\":1,"
				 "\"page_size\":5,\"total_items\":10,"
				 "\"total_pages\":2,\"has_previous\":false,\"has_next\":true}}"));
	r = test_ask(s, "GET /items?limit=4&offset=8&total=10 HTTP/1.1\r\n" HOST "\r\n");
	CHECK_STR(r.body, str_of("{\"data\":[8,9],\"items\":[8,9],\"pagination\":{\"page\":3,\"page_size\":4,"
				 "\"total_items\":10,"
				 "\"total_pages\":3,\"has_previous\":true,\"has_next\":false}}"));
	r = test_ask(s, "GET /items?page=9223372036854775807&limit=-3 HTTP/1.1\r\n" HOST "\r\n");
	CHECK_INT(r.status, 200);
}

TEST(a_query_value_of_the_wrong_kind_is_400_and_named)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "GET /items?flag=yes HTTP/1.1\r\n" HOST "\r\n");

	CHECK_REFUSED(r, 400, "BAD_REQUEST");
	CHECK(str_find(r.body, str_of("'flag'"), NULL));
	r = test_ask(s, "GET /items?total=99999999999999999999 HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
	CHECK(str_find(r.body, str_of("'total'"), NULL));
}

TEST(a_path_is_decoded_and_must_be_utf8)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "GET /names/a%20%C3%A9 HTTP/1.1\r\n" HOST "\r\n");

	CHECK_STR(r.body, str_of("{\"data\":\"a \xc3\xa9\"}"));
	r = test_ask(s, "GET /names/%FF HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
	r = test_ask(s, "GET /names/\xff\xfe HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
	r = test_ask(s, "GET /names/%2e%2e HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
	r = test_ask(s, "GET /names/a%2Fb HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
}

TEST(pipelined_requests_are_answered_in_order)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	int fd = test_connect(s);

	for (int i = 0; i < 50; i++)
		test_send(fd, str_fmt(s->a, "GET /items/%d HTTP/1.1\r\n" HOST "\r\n", i));
	for (int i = 0; i < 50; i++)
		CHECK_STR(test_reply(s, fd).body, str_fmt(s->a, "{\"data\":%d,\"message\":\"found\"}", i));
	close(fd);
}

TEST(a_refusal_that_needs_no_body_keeps_the_connection)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	int fd = test_connect(s);
	Reply r;

	test_send(fd, str_of("GET /nowhere HTTP/1.1\r\n" HOST "\r\nGET /ping HTTP/1.1\r\n" HOST "\r\n"));
	r = test_reply(s, fd);
	CHECK_REFUSED(r, 404, "NOT_FOUND");
	CHECK_INT(test_reply(s, fd).status, 200);
	close(fd);
}

TEST(a_refused_body_is_never_read_as_the_next_request)
{
	static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE" };
	CLEANUP(test_server_done) TestServer *s = test_server_open();

	for (size_t i = 0; i < countof(methods); i++) {
		int fd = test_connect(s);
		Reply r;

		test_send(fd, str_fmt(s->a,
				  "%s /nowhere HTTP/1.1\r\n" HOST "Content-Length: 35\r\n\r\n"
				  "GET /ping HTTP/1.1\r\n" HOST "\r\n      ",
				  methods[i]));
		r = test_reply(s, fd);
		CHECK_REFUSED(r, 404, "NOT_FOUND");
		CHECK(test_ended(fd));
		close(fd);
	}
}

typedef struct Guest {
	pthread_t thread;
	TestServer *server;
	bool fine;
} Guest;

static void *
guest_main(void *self)
{
	Guest *g = self;
	TestServer own = { .port = g->server->port, .a = arena_open() };
	int fd = test_connect(&own);

	g->fine = true;
	for (int i = 0; i < 20; i++) {
		test_send(fd, str_fmt(own.a, "GET /items/%d HTTP/1.1\r\n" HOST "\r\n", i));
		if (!str_eq(test_reply(&own, fd).body, str_fmt(own.a, "{\"data\":%d,\"message\":\"found\"}", i)))
			g->fine = false;
	}
	close(fd);
	arena_close(own.a);
	return NULL;
}

TEST(two_hundred_connections_at_once_are_served)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Guest guests[CROWD];

	for (int i = 0; i < CROWD; i++) {
		guests[i] = (Guest){ .server = s };
		CHECK(pthread_create(&guests[i].thread, NULL, guest_main, &guests[i]) == 0);
	}
	for (int i = 0; i < CROWD; i++) {
		pthread_join(guests[i].thread, NULL);
		CHECK(guests[i].fine);
	}
}

/* A client that opens several must not wait for itself. */
TEST(connections_that_come_together_are_served_by_several_threads)
{
	enum { CONNECTIONS = 16 };
	CLEANUP(test_server_done) TestServer *s = test_server_open_with(0, 0, 4);
	int fd[CONNECTIONS];

	for (int i = 0; i < CONNECTIONS; i++)
		fd[i] = test_connect(s);
	for (int i = 0; i < CONNECTIONS; i++)
		test_send(fd[i], str_of("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"));
	for (int i = 0; i < CONNECTIONS; i++) {
		CHECK(test_reply(s, fd[i]).status == 200);
		close(fd[i]);
	}
	CHECK(s->opened > 1);
}

TEST(a_taken_port_is_one_clear_sentence)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	HttpConfig c = { .port = s->port };
	HttpServer *second;
	Err err = { 0 };

	CHECK(!http_start(&c, &second, &err));
	CHECK(strstr(err.text, "is taken by another process") != NULL);
}
