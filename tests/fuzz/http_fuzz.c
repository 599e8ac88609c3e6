/*
 * Whatever bytes come over a connection, the answers are well-formed one after the other, each refusal has the one error shape, no body
 * is taken for a request (an answer that says "echo" belongs to a POST with a body), and the server stays.
 */
#include "base/json.h"
#include "http/http.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWERS_MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
on_get(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, 10, 100);

	(void)app;
	(void)err;
	must(page.size >= 1 && page.size <= 100 && page.offset >= 0 && page.page >= 1);
	return res_data(s, 200, json_str(req_param(q, "name")), NULL);
}

static bool
on_echo(App *app, Req *q, Res *s, Err *err)
{
	Json body;

	(void)app;
	return req_json(q, &body, err) && res_data(s, 201, body, NULL);
}

static bool
on_form(App *app, Req *q, Res *s, Err *err)
{
	Form form;

	(void)app;
	return req_form(q, &form, err) && res_data(s, 200, json_int((int64_t)form.n), NULL);
}

static const Route routes[] = {
	{ "GET", "/a/{name}", on_get, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "" },
	{ "POST", "/echo", on_echo, NULL, ROUTE_PUBLIC, NULL, NULL, 201, "" },
	{ "POST", "/form", on_form, NULL, ROUTE_PUBLIC | ROUTE_FORM, NULL, NULL, 200, "", BODY_SMALL },
};

static bool
no_app(void *self, App **ret, Err *err)
{
	(void)self;
	(void)err;
	*ret = NULL;
	return true;
}

/* One server for all inputs: it must outlive each of them. */
static int
server_port(void)
{
	static HttpServer *server;
	HttpConfig c = { .threads = 1,
		.timeout = 30 * US_PER_MS, /* for bodies that never come */
		.max_body = { [BODY_USUAL] = 2000 },
		.routes = routes,
		.route_count = countof(routes),
		.thread_open = no_app,
		.cors = true };
	Err err = { 0 };

	if (server == NULL)
		must(http_start(&c, &server, &err));
	return http_port(server);
}

static Str
converse(const uint8_t *data, size_t size)
{
	static char answers[ANSWERS_MOST];
	static const char end[] = "\r\n\r\n!\r\n\r\n";
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server_port()) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct linger now = { .l_onoff = 1 };
	Str all = { answers, 0 };
	ssize_t n;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)); /* no port waits for stragglers */
	/* what cannot be read at last ends the connection */
	if (send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size && send(fd, end, sizeof(end) - 1, MSG_NOSIGNAL) > 0)
		shutdown(fd, SHUT_WR);
	while (all.n < sizeof(answers) && (n = recv(fd, answers + all.n, sizeof(answers) - all.n, 0)) > 0)
		all.n += (size_t)n;
	close(fd);
	return all;
}

static size_t
content_length(Str head)
{
	Str line, name;
	int64_t n = 0;

	while (str_cut(&head, '\n', &line))
		if (str_cut(&line, ':', &name) && str_eq_nocase(name, str_of("Content-Length")))
			must(str_to_int(str_trim(line), &n) && n >= 0);
	return (size_t)n;
}

static void
check_answer(Arena *a, int64_t status, Str body)
{
	Err err = { 0 };
	Json said;

	must(status >= 200 && status < 600);
	if (status < 400 || body.n == 0)
		return;
	must(json_parse(a, body, NULL, &said, &err));
	must(json_get_text(&said, "error").n > 0 && json_get_text(&said, "code").n > 0);
}

/* The answer to a HEAD says a length and has no body: what follows it is cut off. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	bool head_asked = memmem(data, size, "HEAD", 4) != NULL;
	Str rest = converse(data, size), head;
	size_t at, n;
	int64_t status;

	while (rest.n > 0 && str_find(rest, str_of("\r\n\r\n"), &at)) {
		must(str_starts(rest, str_of("HTTP/1.1 ")) || head_asked);
		if (!str_starts(rest, str_of("HTTP/1.1 ")) || !str_to_int(str_sub(rest, 9, 12), &status))
			return 0;
		head = str_sub(rest, 0, at);
		rest = str_sub(rest, at + 4, rest.n);
		n = status == 304 || status < 200 ? 0 : content_length(head);
		if (head_asked || n > rest.n || status < 200)
			continue;
		check_answer(a, status, str_sub(rest, 0, n));
		rest = str_sub(rest, n, rest.n);
	}
	return 0;
}
