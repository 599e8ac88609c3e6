#include "http/http.h"

#include "server.h"
#include "test.h"

#include <unistd.h>

#define HOST "Host: h\r\n"
#define FORM "Content-Type: multipart/form-data; boundary=b\r\n"

/* A form with one file of n bytes. */
static Str
form_of(Arena *a, size_t n)
{
	char *bytes = arena_alloc(a, n + 1);

	memset(bytes, 'z', n);
	return str_fmt(a,
	    "--b\r\nContent-Disposition: form-data; name=ref\r\n\r\nx.y\r\n"
	    "--b\r\nContent-Disposition: form-data; name=file; filename=f.tgz\r\nContent-Type: "
	    "a/b\r\n\r\n%.*s\r\n--b--\r\n",
	    (int)n, bytes);
}

static Reply
send_form(TestServer *s, Str form)
{
	int fd = test_connect(s);
	Reply r;

	test_send(fd, str_fmt(s->a, "POST /form HTTP/1.1\r\n" HOST FORM "Content-Length: %zu\r\n\r\n", form.n));
	test_send(fd, form);
	r = test_reply(s, fd);
	close(fd);
	return r;
}

TEST(a_form_reaches_its_handler_whatever_its_size)
{
	static const size_t sizes[] = { 0, 1, 65536, 262144, 262145, 900000 };
	CLEANUP(test_server_done) TestServer *s = test_server_open();

	for (size_t i = 0; i < countof(sizes); i++) {
		Reply r = send_form(s, form_of(s->a, sizes[i]));

		CHECK_STR(r.body, str_fmt(s->a, "{\"data\":[\"ref   3\",\"file f.tgz a/b %zu\"]}", sizes[i]));
	}
}

TEST(a_form_sent_in_chunks_moves_to_a_file_when_it_has_grown)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Str form = form_of(s->a, 600000);
	int fd = test_connect(s);

	test_send(fd, str_of("POST /form HTTP/1.1\r\n" HOST FORM "Transfer-Encoding: chunked\r\n\r\n"));
	for (size_t at = 0; at < form.n; at += 10000) {
		Str piece = str_sub(form, at, at + 10000);

		test_send(fd, str_fmt(s->a, "%zx\r\n%.*s\r\n", piece.n, STR_ARG(piece)));
	}
	test_send(fd, str_of("0\r\n\r\n"));
	CHECK_STR(test_reply(s, fd).body, str_of("{\"data\":[\"ref   3\",\"file f.tgz a/b 600000\"]}"));
	close(fd);
}

TEST(each_route_has_its_own_limit_of_the_body)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_with(1000, 0, 2);
	Reply r = send_form(s, form_of(s->a, 1000 * 1000));

	CHECK_INT(r.status, 200);
	r = send_form(s, form_of(s->a, 1024 * 1024));
	CHECK_REFUSED(r, 413, "PAYLOAD_TOO_LARGE");
	r = test_ask(
	    s, "POST /small HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 65537\r\n\r\n");
	CHECK_REFUSED(r, 413, "PAYLOAD_TOO_LARGE");
	CHECK(str_find(r.body, str_of("65536 bytes"), NULL));
}

TEST(a_form_that_is_none_is_415_and_a_broken_one_400)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r =
	    test_ask(s, "POST /form HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");

	CHECK_REFUSED(r, 415, "UNSUPPORTED_MEDIA_TYPE");
	CHECK(str_find(r.body, str_of("multipart/form-data"), NULL));
	r = test_ask(s, "POST /form HTTP/1.1\r\n" HOST FORM "Content-Length: 5\r\n\r\n--b\r\n");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
	r = test_ask(s, "POST /form HTTP/1.1\r\n" HOST "\r\n");
	CHECK_REFUSED(r, 400, "BAD_REQUEST");
}

/* Nothing is unpacked, so nothing can swell. */
TEST(a_compressed_body_is_415)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r = test_ask(s, "POST /echo HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
			      "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}");

	CHECK_REFUSED(r, 415, "UNSUPPORTED_MEDIA_TYPE");
	r = test_ask(s, "POST /raw HTTP/1.1\r\n" HOST "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}");
	CHECK_REFUSED(r, 415, "UNSUPPORTED_MEDIA_TYPE");
	r = test_ask(s, "POST /echo HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
			"Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}");
	CHECK_INT(r.status, 201);
}

TEST(a_large_body_is_taken_where_its_folder_cannot_be_made)
{
	HttpConfig c = { .threads = 2, .spool_dir = str_of("/proc/no/such/folder") };
	CLEANUP(test_server_done) TestServer *s = test_server_open_as(&c);
	Reply r = send_form(s, form_of(s->a, 600000));

	CHECK_INT(r.status, 200);
}

/* /dev/full's like: the limit of a file's size stands for a full disk */
TEST(a_body_that_cannot_be_kept_is_refused_and_harms_nobody)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	Reply r;

	test_file_limit(400 * 1000);
	r = send_form(s, form_of(s->a, 600000));
	test_file_limit(0);
	CHECK_REFUSED(r, 500, "INTERNAL_SERVER_ERROR");
	r = send_form(s, form_of(s->a, 600000));
	CHECK_INT(r.status, 200);
}
