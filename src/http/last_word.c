/*
 * libmicrohttpd answers by itself, with a page of HTML, what it cannot read at all: no request line, a header without a colon, a
 * broken chunk. It sends these through its own public function, which this definition stands before (our binary exports it, and the
 * dynamic linker looks there first), so that they have the one error shape as well. Where the library does not let itself be
 * interposed its pages go out as they are.
 */
#include "http/steps.h"

#include "base/log.h"
#include "base/uuid.h"
#include "http/libmicrohttpd.h"

#include <stdio.h>
#include <sys/socket.h>

static const struct {
	unsigned status;
	const char *code, *text;
} words[] = {
	{ 413, "PAYLOAD_TOO_LARGE", "The body is larger than any that could be read" },
	{ 414, "URI_TOO_LONG", "The URL is longer than 8192 bytes" },
	{ 431, "HEADERS_TOO_LARGE", "The headers are too large" },
	{ 500, "INTERNAL_SERVER_ERROR", "The request could not be answered" },
	{ 501, "NOT_IMPLEMENTED", "The request asks for something that this server does not know" },
	{ 503, "UNAVAILABLE", "The server has no room for the request just now. Try again in a moment" },
	{ 505, "HTTP_VERSION_NOT_SUPPORTED", "This server speaks HTTP/1.1" },
	{ 400, "BAD_REQUEST",
	    "The request cannot be read: its first line, a header or a chunk is not as HTTP has it" }, /* the last one is for all others */
};

QueueCall *
queue_of_library(void)
{
	return (QueueCall *)late_function(&libmicrohttpd, "MHD_queue_response");
}

typedef struct LastWord {
	char body[300];
	char id[UUID_TEXT + 1];
	unsigned status;
} LastWord;

static void
word_choose(unsigned status, LastWord *w)
{
	size_t i = 0;

	while (i + 1 < countof(words) && words[i].status != status)
		i++;
	w->status = status;
	snprintf(w->body, sizeof(w->body), "{\"error\":\"%s\",\"code\":\"%s\"}", words[i].text, words[i].code);
	uuid_write(uuid_new(clock_wall(clock_real())), w->id);
	w->id[UUID_TEXT] = '\0';
}

static enum MHD_Result
word_queue(struct MHD_Connection *c, LastWord *w, struct MHD_Response *page)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(w->body), w->body, MHD_RESPMEM_MUST_COPY);
	QueueCall *queue = queue_of_library();
	enum MHD_Result got;

	if (r == NULL)
		return queue(c, w->status, page);
	MHD_add_response_header(r, "Content-Type", "application/json");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Request-Id", w->id);
	got = queue(c, w->status, r);
	MHD_destroy_response(r);
	return got;
}

/* Past the library: nothing else is on its way, since the answer before was sent before this request was read. */
static void
word_send(int fd, const LastWord *w)
{
	char text[800];
	int n = snprintf(text, sizeof(text),
	    "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: application/json\r\nX-Content-Type-Options: "
	    "nosniff\r\n"
	    "Cache-Control: no-store\r\nX-Request-Id: %s\r\nContent-Length: %zu\r\n\r\n%s",
	    w->status, MHD_get_reason_phrase_for(w->status), w->id, strlen(w->body), w->body);

	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) < 0)
		log_debug("http: a refusal could not be sent");
}

/*
 * Called by the library alone: our own answers pass it by. Over a Content-Length that is no number it stumbles twice and would send two
 * heads; so that answer is sent at once, and the library is told that it cannot answer, which ends the connection.
 */
enum MHD_Result
MHD_queue_response(struct MHD_Connection *c, unsigned status, struct MHD_Response *page)
{
	bool length = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length") != NULL;
	bool tls = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION) != NULL;
	LastWord w;

	word_choose(status, &w);
	if (!length || tls)
		return word_queue(c, &w, page);
	word_send(MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, &w);
	return MHD_NO;
}
