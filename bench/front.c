#include "front.h"

#include "crowd.h"
#include "http/libmicrohttpd.h"
#include "report.h"
#include "wire.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAGES = 300, REQUEST_MAX = 4096 };

static double
read_all(int port, const char *path, Samples *all)
{
	char request[REQUEST_MAX];
	size_t n = wire_request(request, sizeof(request), "GET", path, NULL);

	return crowd_run(port, request, n, 200, all);
}

/* ---- the floor ---- */

static char page[2048];

static enum MHD_Result
bare_answer(void *self, struct MHD_Connection *c, const char *url, const char *method, const char *version,
    const char *data, size_t *n, void **state)
{
	struct MHD_Response *r;
	enum MHD_Result ok;

	(void)self, (void)url, (void)method, (void)version, (void)data, (void)n;
	if (*state == NULL) { /* an answer before the request is read to its end would cost the connection */
		*state = page;
		return MHD_YES;
	}
	r = MHD_create_response_from_buffer(strlen(page), page, MHD_RESPMEM_PERSISTENT);
	ok = MHD_queue_response(c, 200, r);
	MHD_destroy_response(r);
	return ok;
}

static void
floor_run(void)
{
	struct MHD_Daemon *d;
	Samples s = { 0 };
	Err err = { 0 };

	must(late_load(&libmicrohttpd, &err), &err, "libmicrohttpd");
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, bare_answer, NULL,
	    MHD_OPTION_THREAD_POOL_SIZE, 4, MHD_OPTION_END);
	must(d != NULL, NULL, "HTTP server");
	figure("floor_http_16_per_s", read_all(MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port, "/", &s));
	samples_done(&s);
	MHD_stop_daemon(d);
}

/* ---- pages ---- */

typedef struct Page {
	int fd;
	char request[REQUEST_MAX];
	size_t n;
	char *answer;
} Page;

static void
page_once(void *self)
{
	Page *p = self;

	must(wire_call(p->fd, p->request, p->n, p->answer) == 200, NULL, p->request);
}

static void
page_next(Page *p, const char *cursor)
{
	char path[256];

	snprintf(path, sizeof(path), "/api/v1/executions?page_size=%d%s%s", FRONT_PAGE,
	    cursor[0] == '\0' ? "" : "&after=", cursor);
	p->n = wire_request(p->request, sizeof(p->request), "GET", path, NULL);
}

/* One of each in turn, so that both meet the same machine. */
static void
pages_measure(Page *first, Page *deep)
{
	Page *both[] = { first, deep };
	static const char *const names[] = { "page_1_ms", "page_1000_ms" };
	Samples s[2] = { 0 };

	for (int i = 0; i < PAGES; i++)
		for (int k = 0; k < 2; k++) {
			TimeUs began = mono_us();

			page_once(both[k]);
			samples_add(&s[k], (double)(mono_us() - began) / US_PER_MS);
		}
	for (int k = 0; k < 2; k++) {
		figures(names[k], &s[k]);
		samples_done(&s[k]);
	}
}

static void
pages(int port)
{
	int fd = wire_open(port);
	Page first = { .fd = fd, .answer = malloc(WIRE_ANSWER_MAX) }, deep = first;
	static const char key[] = "\"next_cursor\":\"";
	char cursor[128] = "";

	page_next(&first, cursor);
	page_next(&deep, cursor);
	for (int i = 1; i < FRONT_DEEP; i++) {
		const char *at;

		page_once(&deep);
		at = strstr(deep.answer, key);
		must(at != NULL, NULL, "a cursor to the next page");
		snprintf(cursor, sizeof(cursor), "%.*s", (int)strcspn(at + strlen(key), "\""), at + strlen(key));
		page_next(&deep, cursor);
	}
	pages_measure(&first, &deep);
	close(fd);
	free(first.answer);
}

void
front(int port)
{
	Samples get = { 0 }, list = { 0 };

	memset(page, 'x', 1500); /* about what one execution is */
	floor_run();
	figure("http_get_16_per_s", read_all(port, "/api/v1/executions/1000", &get));
	figures("http_get_16_ms", &get);
	figure("http_list_16_per_s", read_all(port, "/api/v1/executions?page_size=50", &list));
	figures("http_list_16_ms", &list);
	pages(port);
	samples_done(&get);
	samples_done(&list);
}
