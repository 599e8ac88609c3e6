#include "server.h"

#include "http/upgrade.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	KEPT = 30,     /* descriptors, for what is no connection */
	ANSWER_S = 60, /* a test fails that waits longer for an answer */
};

static bool
on_ping(App *app, Req *q, Res *s, Err *err)
{
	Json body = json_object();

	(void)app;
	(void)err;
	json_add(req_arena(q), &body, "pong", json_bool(true));
	return res_data(s, 200, body, NULL);
}

static bool
on_item(App *app, Req *q, Res *s, Err *err)
{
	Id id;

	(void)app;
	return req_id(q, "id", &id, err) && res_data(s, 200, json_int(id), "found");
}

static bool
on_name(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)err;
	return res_data(s, 200, json_str(req_param(q, "name")), NULL);
}

static bool
on_items(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, 3, 5);
	Json rows = json_array();
	bool flag;
	int64_t total, most;

	(void)app;
	if (!req_query_int(q, "total", -1, &total, err) || !req_query_bool(q, "flag", false, &flag, err) ||
	    !req_query_int(q, "rows", 10, &most, err))
		return false;
	for (int64_t i = page.offset; i < most && i <= page.offset + page.size; i++)
		json_push(req_arena(q), &rows, json_int(i));
	return res_list(s, &page, rows, total);
}

static bool
on_echo(App *app, Req *q, Res *s, Err *err)
{
	Json body;

	(void)app;
	return req_json(q, &body, err) && res_data(s, 201, body, NULL);
}

static bool
on_raw(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)err;
	return res_bytes(s, 200, "application/octet-stream", req_body(q));
}

/* Each part by name, file name, type and length. */
static bool
on_form(App *app, Req *q, Res *s, Err *err)
{
	Json rows = json_array();
	Form form;

	(void)app;
	if (!req_form(q, &form, err))
		return false;
	for (size_t i = 0; i < form.n; i++)
		json_push(req_arena(q), &rows,
		    json_str(str_fmt(req_arena(q), "%.*s %.*s %.*s %zu", STR_ARG(form.parts[i].name),
			STR_ARG(form.parts[i].file), STR_ARG(form.parts[i].type), form.parts[i].body.n)));
	return res_data(s, 200, rows, NULL);
}

/* A list of so many words, which shrinks. */
static bool
on_words(App *app, Req *q, Res *s, Err *err)
{
	Json rows = json_array();
	Id n;

	(void)app;
	if (!req_id(q, "n", &n, err))
		return false;
	for (Id i = 0; i < n; i++)
		json_push(req_arena(q), &rows, json_cstr("word"));
	return res_data(s, 200, rows, NULL);
}

static bool
on_fail(App *app, Req *q, Res *s, Err *err)
{
	Str what = req_param(q, "what");

	(void)app;
	(void)s;
	if (str_is(what, "away"))
		return err_set(err, ERR_AWAY, "the database is away");
	if (str_is(what, "silent"))
		return true;
	return err_set(err, ERR_NOT_FOUND, "Thing '%.*s' not found", STR_ARG(what));
}

/* Answers when `done` is set; sleeps up to the milliseconds of its path. */
static bool
on_wait(App *app, Req *q, Res *s, Err *err)
{
	TimeUs now = clock_mono(clock_real());
	Id key, ms;

	if (!req_id(q, "key", &key, err) || !req_id(q, "ms", &ms, err))
		return false;
	app->server->calls++;
	if (app->server->done == 0 && !req_waited(q))
		return res_wait(s, key, now + ms * US_PER_MS);
	return res_data(s, 200,
	    json_str(str_fmt(req_arena(q), "%s %d", req_waited(q) ? "waited" : "at once", (int)app->server->done)),
	    NULL);
}

/* Always asks to sleep again. */
static bool
on_wait_forever(App *app, Req *q, Res *s, Err *err)
{
	(void)q;
	(void)err;
	app->server->calls++;
	return res_wait(s, 1, clock_mono(clock_real()) + 60 * US_PER_S);
}

/* Keeps its thread until the test lets it go. */
static bool
on_hold(App *app, Req *q, Res *s, Err *err)
{
	(void)q;
	(void)err;
	app->server->held = 2;
	while (app->server->held == 2)
		sched_yield();
	return res_empty(s, 204);
}

static void
take_and_close(void *self, int fd, Str early, HttpHeld *held)
{
	(void)self;
	(void)early;
	close(fd);
	http_release(held);
}

/* The connection is handed over, and ended by who got it. */
static bool
on_switch(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)q;
	(void)err;
	return res_upgrade(s, (Upgrade){ take_and_close, NULL });
}

static const Route routes[] = {
	{ "GET", "/ping", on_ping, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "GET", "/items", on_items, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "GET", "/items/{id}", on_item, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "DELETE", "/items/{id}", on_item, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "GET", "/names/{name}", on_name, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "POST", "/echo", on_echo, NULL, ROUTE_PUBLIC, NULL, NULL, 201, "" },
	{ "POST", "/raw", on_raw, NULL, ROUTE_PUBLIC | ROUTE_RAW_BODY, NULL, NULL, 200, "" },
	{ "POST", "/form", on_form, NULL, ROUTE_PUBLIC | ROUTE_FORM, NULL, NULL, 200, "", BODY_FILE },
	{ "POST", "/small", on_echo, NULL, ROUTE_PUBLIC, NULL, NULL, 201, "", BODY_SMALL },
	{ "GET", "/words/{n}", on_words, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "GET", "/fail/{what}", on_fail, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "GET", "/wait/{key}/{ms}", on_wait, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "GET", "/forever", on_wait_forever, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "GET", "/hold", on_hold, NULL, ROUTE_PUBLIC, NULL, NULL, 204, "" },
	{ "GET", "/switch", on_switch, NULL, ROUTE_PUBLIC, NULL, NULL, 101, "" },
};

static bool
app_open(void *self, App **ret, Err *err)
{
	TestServer *s = self;

	(void)err;
	*ret = calloc(1, sizeof(App));
	(*ret)->server = s;
	s->opened++;
	return true;
}

static void
app_close(void *self, App *app)
{
	TestServer *s = self;

	s->closed++;
	free(app);
}

TestServer *
test_server_open_as(const HttpConfig *over)
{
	TestServer *s = calloc(1, sizeof(TestServer));
	HttpConfig c = *over;
	Err err = { 0 };

	c.host = str_of("127.0.0.1");
	c.routes = routes;
	c.route_count = countof(routes);
	c.thread_open = app_open;
	c.thread_close = app_close;
	c.self = s;
	c.max_body[BODY_FILE] = 1024 * 1024;
	s->a = arena_open();
	CHECK_OK(http_start(&c, &s->http, &err), err);
	s->port = http_port(s->http);
	return s;
}

TestServer *
test_server_open_with(size_t max_body, TimeUs timeout, unsigned threads)
{
	HttpConfig c = { .max_body = { [BODY_USUAL] = max_body }, .timeout = timeout, .threads = threads };

	return test_server_open_as(&c);
}

void
test_file_limit(size_t most)
{
	struct rlimit r = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &r) == 0);
	r.rlim_cur = most == 0 ? r.rlim_max : (rlim_t)most;
	CHECK(setrlimit(RLIMIT_FSIZE, &r) == 0);
}

TestServer *
test_server_open_for(unsigned connections, unsigned threads)
{
	HttpConfig c = { .threads = threads, .kept = KEPT };
	struct rlimit was, r;
	TestServer *s;

	CHECK(getrlimit(RLIMIT_NOFILE, &was) == 0);
	r = was;
	r.rlim_cur = connections + KEPT;
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	s = test_server_open_as(&c);
	CHECK(setrlimit(RLIMIT_NOFILE, &was) == 0); /* the test's own ends of them are in this process too */
	return s;
}

TestServer *
test_server_open(void)
{
	return test_server_open_with(0, 0, 2);
}

void
test_server_done(TestServer **s)
{
	http_stop((*s)->http, 5 * US_PER_S);
	CHECK_INT((*s)->opened, (*s)->closed);
	arena_close((*s)->a);
	free(*s);
}

int
test_connect(const TestServer *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)s->port) };
	struct timeval limit = { .tv_sec = ANSWER_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	CHECK(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	return fd;
}

/* The server may end the connection before it has read everything: that is no failure here. */
void
test_send(int fd, Str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n < 0)
			return;
		bytes = str_sub(bytes, (size_t)n, bytes.n);
	}
}

static bool
more(int fd, Buf *b, size_t most)
{
	ssize_t n = recv(fd, buf_room(b, most), most, 0);

	if (n < 0 && errno == EAGAIN)
		test_fail(__FILE__, __LINE__, "no answer within the time");
	if (n <= 0)
		return false;
	b->n += (size_t)n;
	return true;
}

static Reply
read_reply(TestServer *s, int fd, bool body)
{
	Buf b = buf_open(s->a);
	Reply r = { 0 };
	int64_t n = 0;
	size_t at;

	/* byte by byte, so that the next answer on this connection is left alone */
	while (!str_find(buf_str(&b), str_of("\r\n\r\n"), &at))
		if (!more(fd, &b, 1))
			return r;
	r.head = str_copy(s->a, buf_str(&b));
	r.status = atoi(r.head.p + sizeof("HTTP/1.1"));
	CHECK(str_to_int(test_header(&r, "Content-Length"), &n) || r.status == 204 || r.status == 101);
	b = buf_open(s->a);
	while (body && b.n < (size_t)n)
		if (!more(fd, &b, (size_t)n - b.n))
			return r;
	r.body = buf_str(&b);
	return r;
}

Reply
test_reply(TestServer *s, int fd)
{
	return read_reply(s, fd, true);
}

Reply
test_reply_head(TestServer *s, int fd)
{
	return read_reply(s, fd, false);
}

bool
test_ended(int fd)
{
	char rest[4096];
	ssize_t n;

	while ((n = recv(fd, rest, sizeof(rest), 0)) > 0)
		;
	return n == 0 || errno != EAGAIN;
}

Reply
test_ask_bytes(TestServer *s, Str bytes)
{
	int fd = test_connect(s);
	Reply r;

	test_send(fd, bytes);
	r = test_reply(s, fd);
	close(fd);
	return r;
}

Reply
test_ask(TestServer *s, const char *bytes)
{
	return test_ask_bytes(s, str_of(bytes));
}

Str
test_header(const Reply *r, const char *name)
{
	Str rest = r->head, line, key;

	while (str_cut(&rest, '\n', &line))
		if (str_cut(&line, ':', &key) && str_eq_nocase(key, str_of(name)))
			return str_trim(line);
	return (Str){ 0 };
}

void
test_refused(const Reply *r, int status, const char *code, const char *file, int line)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json body = { 0 };
	Err err = { 0 };

	if (r->status != status)
		test_fail(
		    file, line, "status %d, not %d: %.*s%.*s", r->status, status, STR_ARG(r->head), STR_ARG(r->body));
	if (!json_parse(a, r->body, NULL, &body, &err))
		test_fail(file, line, "no JSON: %.*s", STR_ARG(r->body));
	if (!str_is(json_get_text(&body, "code"), code) || json_get_text(&body, "error").n == 0 || body.n != 2)
		test_fail(file, line, "not the error %s: %.*s", code, STR_ARG(r->body));
	if (test_header(r, "X-Request-Id").n == 0 || !str_is(test_header(r, "Content-Type"), "application/json"))
		test_fail(file, line, "headers: %.*s", STR_ARG(r->head));
}
