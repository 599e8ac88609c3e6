#include "http/client.h"

#include "server.h"
#include "test.h"

static HttpClient *
client_of(TestServer *s)
{
	HttpClient *c;
	Err err = { 0 };

	CHECK_OK(client_open(str_fmt(s->a, "http://127.0.0.1:%d/", s->port), (Str){ 0 }, &c, &err), err);
	return c;
}

static void
client_done(HttpClient **c)
{
	client_close(*c);
}

TEST(the_client_speaks_json_both_ways)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	CLEANUP(client_done) HttpClient *c = client_of(s);
	Json body = json_object();
	HttpReply r;
	Err err = { 0 };

	json_set(s->a, &body, "x", json_int(3));
	for (int i = 0; i < 3; i++) {
		CHECK_OK(client_call(c, s->a, "POST", str_of("/echo"), &body, &r, &err), err);
		CHECK_INT(r.status, 201);
		CHECK_INT(json_as_int(json_path(&r.body, str_of("data.x")), 0), 3);
		CHECK_OK(client_call(c, s->a, "GET", str_of("/items/4"), NULL, &r, &err), err);
		CHECK_INT(json_as_int(json_get(&r.body, "data"), 0), 4);
	}
}

TEST(the_client_passes_on_the_servers_sentence)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	CLEANUP(client_done) HttpClient *c = client_of(s);
	HttpReply r;
	Err err = { 0 };

	CHECK_OK(client_call(c, s->a, "GET", str_of("/fail/cat"), NULL, &r, &err), err);
	CHECK_INT(r.status, 404);
	CHECK(!client_fail(&r, &err));
	CHECK_INT(err.code, ERR_NOT_FOUND);
	CHECK_STR(str_of(err.text), str_of("Thing 'cat' not found"));
}

TEST(a_server_that_is_not_there_is_away)
{
	TestServer *s = test_server_open();
	CLEANUP(client_done) HttpClient *c = client_of(s);
	CLEANUP(arena_done) Arena *a = arena_open();
	HttpReply r;
	Err err = { 0 };

	test_server_done(&s);
	CHECK(!client_call(c, a, "GET", str_of("/ping"), NULL, &r, &err));
	CHECK_INT(err.code, ERR_AWAY);
	CHECK(strstr(err.text, "cannot reach the server at http://127.0.0.1:") != NULL);
	CHECK(strstr(err.text, "Is it running? (attune up)") != NULL);
}

TEST(what_goes_into_a_url_is_escaped)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(url_escape(a, str_of("core.echo a/b?\xc3\xa9")), str_of("core.echo%20a%2Fb%3F%C3%A9"));
}
