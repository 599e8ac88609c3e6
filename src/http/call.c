#include "http/call.h"

#include "base/codec.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNECT_MS = 10 * 1000,
	HEADER_BYTES = 256 * 1024,
};

Call *
call_open(void)
{
	Arena *a = arena_open();
	Call *c = arena_new(a, Call);

	c->a = a;
	c->text = buf_open(a);
	return c;
}

void
call_close(Call *c)
{
	if (c == NULL)
		return;
	if (c->list !=
	    NULL) /* one that was refused before it began may have been the first, and the library is not there yet */
		curl_slist_free_all(c->list);
	arena_close(c->a);
}

/* ---- where to ---- */

static bool
address_of(const struct curl_sockaddr *to, Address *ret)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*ret = (Address){ .b = { [10] = 0xff, [11] = 0xff } };
	if (to->family == AF_INET) {
		memcpy(&v4, &to->addr, sizeof(v4));
		memcpy(ret->b + 12, &v4.sin_addr, 4);
		return true;
	}
	if (to->family != AF_INET6)
		return false;
	memcpy(&v6, (const void *)&to->addr, sizeof(v6));
	memcpy(ret->b, &v6.sin6_addr, 16);
	return true;
}

/* Called with each address that is about to be connected to, whatever the URL said. */
static curl_socket_t
open_socket(void *self, curlsocktype purpose, struct curl_sockaddr *to)
{
	Call *c = self;
	Address a;

	if (purpose == CURLSOCKTYPE_IPCXN && address_of(to, &a) && reach_allows(c->reach, &a))
		return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
	c->error =
	    c->setting == NULL
		? str_of("the address is private, local or reserved, and the worker is not configured to call it "
			 "(worker.http_request_allow)")
		: str_fmt(c->a, "the address is private, local or reserved, and its host is not in %s", c->setting);
	return CURL_SOCKET_BAD;
}

/* ---- what comes ---- */

static size_t
take_body(char *data, size_t one, size_t n, void *self)
{
	Call *c = self;

	c->over = c->over || c->text.n + one * n > c->answer_max;
	if (c->over)
		return 0;
	buf_add(&c->text, (Str){ data, one * n });
	return one * n;
}

/* A name that comes again has its values joined. */
static void
note_header(Call *c, Str name, Str value)
{
	Str key = utf8_clean(c->a, str_lower(c->a, str_trim(name)));
	Str text = utf8_clean(c->a, str_copy(c->a, str_trim(value)));
	const Json *had = json_get_str(&c->received, key);

	if (had != NULL)
		text = str_fmt(c->a, "%.*s, %.*s", STR_ARG(json_as_str(had)), STR_ARG(text));
	json_set_str(c->a, &c->received, key, json_str(text));
}

/* Of each answer in a chain of redirects; the last one counts. */
static size_t
take_header(char *data, size_t one, size_t n, void *self)
{
	Call *c = self;
	Str line = { data, one * n }, name;

	c->header_bytes += one * n;
	if (c->header_bytes > HEADER_BYTES) {
		c->over = true;
		return 0;
	}
	if (str_starts(line, str_of("HTTP/"))) {
		c->received = json_object();
		c->text.n = 0;
	} else if (memchr(line.p, ':', line.n) != NULL && str_cut(&line, ':', &name)) {
		note_header(c, name, line);
	}
	return one * n;
}

/* ---- one handle ---- */

static void
set_limits(const Call *c, CURL *h)
{
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_PROXY, ""); /* a proxy of the environment would connect in our place, unasked */
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, c->redirects > 0 ? 1L : 0L);
	curl_easy_setopt(h, CURLOPT_MAXREDIRS, (long)c->redirects);
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, c->trusting ? 0L : 1L);
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, c->trusting ? 0L : 2L);
}

static void
set_who(const Call *c, CURL *h)
{
	if (c->user != NULL) {
		curl_easy_setopt(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(h, CURLOPT_USERNAME, c->user);
		curl_easy_setopt(h, CURLOPT_PASSWORD, c->password == NULL ? "" : c->password);
	}
	if (c->bearer != NULL) {
		curl_easy_setopt(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		curl_easy_setopt(h, CURLOPT_XOAUTH2_BEARER, c->bearer);
	}
}

/* The handle keeps its method in a redirect only where HTTP says so, unless one was forced upon it. */
static void
set_method(const Call *c, CURL *h)
{
	bool body = !str_none(c->body);

	if (body) {
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, c->body.p);
	}
	if (strcmp(c->method, "HEAD") == 0)
		curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
	else if (strcmp(c->method, body ? "POST" : "GET") != 0)
		curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, c->method);
}

static void
set_headers(Call *c, CURL *h)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no round trip before a body */

	for (size_t i = 0; c->headers != NULL && c->headers[i] != NULL; i++)
		list = curl_slist_append(list, c->headers[i]);
	c->list = list;
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, list);
}

void
call_prepare(Call *c, void *handle)
{
	CURL *h = handle;

	c->handle = h;
	c->received = json_object();
	curl_easy_reset(h);
	curl_easy_setopt(h, CURLOPT_URL, c->url);
	curl_easy_setopt(h, CURLOPT_PRIVATE, c);
	curl_easy_setopt(h, CURLOPT_USERAGENT, "attune/" ATTUNE_VERSION);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
	set_limits(c, h);
	set_who(c, h);
	set_method(c, h);
	set_headers(c, h);
}

static Str
why(const Call *c, CURLcode code)
{
	if (c->over)
		return str_fmt(c->a, "the answer is larger than %zu bytes", c->answer_max);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return str_fmt(c->a, "no answer within %.3g s", (double)c->timeout_ms / 1000);
	if (code == CURLE_TOO_MANY_REDIRECTS)
		return str_fmt(c->a, "more than %lld redirects", (long long)c->redirects);
	if (code == CURLE_COULDNT_CONNECT && !str_none(c->error))
		return c->error;
	return str_fmt(c->a, "%s", curl_easy_strerror(code));
}

void
call_finish(Call *c, int code)
{
	char *url = NULL;
	curl_off_t took = 0;
	long status = 0;

	curl_easy_getinfo(c->handle, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->handle, CURLINFO_EFFECTIVE_URL, &url);
	curl_easy_getinfo(c->handle, CURLINFO_TOTAL_TIME_T, &took);
	c->status = code == CURLE_OK ? (int)status : 0;
	c->at = str_copy(c->a, str_of(url == NULL ? c->url : url));
	c->elapsed = took;
	c->error = code == CURLE_OK ? (Str){ 0 } : why(c, (CURLcode)code);
	c->handle = NULL;
}
