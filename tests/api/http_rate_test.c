#include "http/http.h"

#include "server.h"
#include "test.h"

#define HOST "Host: h\r\n"
#define POST "POST /raw HTTP/1.1\r\n" HOST "Content-Length: 0\r\n"

static int
refused(TestServer *s, const char *request, int times)
{
	int n = 0;

	for (int i = 0; i < times; i++) {
		Reply r = test_ask(s, request);

		if (r.status == 200)
			continue; /* what was left of it, the test below looks at */
		CHECK_REFUSED(r, 429, "TOO_MANY_REQUESTS");
		CHECK(test_header(&r, "Retry-After").n > 0);
		CHECK_STR(test_header(&r, "RateLimit-Limit"), str_of("5"));
		CHECK_STR(test_header(&r, "RateLimit-Remaining"), str_of("0"));
		n++;
	}
	return n;
}

TEST(an_address_that_asks_too_often_is_429_and_public_reads_go_on)
{
	HttpConfig c = { .threads = 2, .rate_address = 1, .rate_burst = 5 };
	CLEANUP(test_server_done) TestServer *s = test_server_open_as(&c);

	CHECK(refused(s, POST "\r\n", 60) >= 40);
	CHECK_INT(refused(s, "GET /ping HTTP/1.1\r\n" HOST "\r\n", 20), 0);
}

TEST(who_guesses_what_a_public_path_holds_is_429)
{
	HttpConfig c = { .threads = 2, .rate_address = 1, .rate_burst = 5 };
	CLEANUP(test_server_done) TestServer *s = test_server_open_as(&c);

	CHECK(refused(s, "GET /names/x HTTP/1.1\r\n" HOST "\r\n", 60) >= 40);
}

TEST(every_answer_under_a_limit_says_how_much_is_left)
{
	HttpConfig c = { .threads = 2, .rate_address = 1, .rate_token = 2, .rate_burst = 5 };
	CLEANUP(test_server_done) TestServer *s = test_server_open_as(&c);
	Reply r = test_ask(s, POST "\r\n");

	CHECK_INT(r.status, 200);
	CHECK_STR(test_header(&r, "RateLimit-Limit"), str_of("5"));
	CHECK_STR(test_header(&r, "RateLimit-Remaining"), str_of("4"));
	CHECK_STR(test_header(&r, "RateLimit-Reset"), str_of("1"));
	r = test_ask(s, POST "Authorization: Bearer a\r\n\r\n"); /* of two limits the nearer one */
	CHECK_STR(test_header(&r, "RateLimit-Limit"), str_of("5"));
	r = test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "\r\n"); /* under none */
	CHECK_INT(r.status, 200);
	CHECK(str_none(test_header(&r, "RateLimit-Limit")));
}

TEST(a_token_that_asks_too_often_does_not_hinder_others)
{
	HttpConfig c = { .threads = 2, .rate_token = 1, .rate_burst = 5 };
	CLEANUP(test_server_done) TestServer *s = test_server_open_as(&c);

	CHECK(refused(s, POST "Authorization: Bearer a\r\n\r\n", 60) >= 40);
	CHECK_INT(refused(s, POST "Authorization: Bearer b\r\n\r\n", 5), 0);
	CHECK_INT(refused(s, POST "\r\n", 20), 0);
}

TEST(who_stands_behind_a_trusted_proxy_is_told_by_it_and_by_nobody_else)
{
	Network here;
	HttpConfig c = { .threads = 2, .rate_address = 1, .rate_burst = 5, .proxies = &here, .proxy_count = 1 };

	CHECK(network_parse(str_of("127.0.0.0/8"), &here));
	{
		CLEANUP(test_server_done) TestServer *s = test_server_open_as(&c);

		CHECK(refused(s, POST "X-Forwarded-For: 10.1.1.1\r\n\r\n", 60) >= 40);
		CHECK_INT(refused(s, POST "X-Forwarded-For: 10.1.1.2\r\n\r\n", 5), 0);
	}
	c.proxy_count = 0;
	{
		CLEANUP(test_server_done) TestServer *s = test_server_open_as(&c);

		CHECK(refused(s, POST "X-Forwarded-For: 10.1.1.1\r\n\r\n", 60) >= 40);
		CHECK(refused(s, POST "X-Forwarded-For: 10.1.1.2\r\n\r\n", 5) >= 4);
	}
}
