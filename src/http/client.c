#include "http/client.h"

#include "http/libcurl.h"

#include <curl/curl.h>
#include <stdlib.h>

enum {
	CONNECT_MS = 5000,
	ANSWER_S = 300,
	ANSWER_MAX = 256 * 1024 * 1024,
	BODY_ASKED = 1024 * 1024, /* from here on a body is announced first */
};

struct HttpClient {
	CURL *curl;
	Arena *a;
	Str base; /* without a '/' at its end */
	Str token;
	Str ca_file;
};

typedef struct Sink {
	CURL *curl;
	const HttpAsk *ask;
	Buf text;
	bool over, ended;
	Str disposition, date;
} Sink;

bool
client_open(Str base_url, Str token, HttpClient **ret, Err *err)
{
	HttpClient *c;
	CURL *curl;

	if (!str_starts(base_url, str_of("http://")) && !str_starts(base_url, str_of("https://")))
		return err_set(err, ERR_INVALID, "'%.*s' is no URL of a server: it must begin with http:// or https://",
		    STR_ARG(base_url));
	while (base_url.n > 0 && base_url.p[base_url.n - 1] == '/')
		base_url.n--;
	if (!late_load(&libcurl, err))
		return false;
	curl = curl_easy_init();
	if (curl == NULL)
		return err_set(err, ERR_INTERNAL, "libcurl cannot be started");
	c = calloc(1, sizeof(HttpClient));
	if (c == NULL)
		abort();
	c->curl = curl;
	c->a = arena_open();
	c->base = str_copy(c->a, base_url);
	c->token = str_none(token) ? token : str_copy(c->a, token);
	*ret = c;
	return true;
}

void
client_close(HttpClient *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->curl);
	arena_close(c->a);
	free(c);
}

void
client_trust(HttpClient *c, Str ca_file)
{
	c->ca_file = str_none(ca_file) ? ca_file : str_copy(c->a, ca_file);
}

void
client_token(HttpClient *c, Str token)
{
	c->token = str_none(token) ? token : str_copy(c->a, token);
}

static size_t
take(char *data, size_t one, size_t n, void *self)
{
	Sink *s = self;
	Str bytes = { data, one * n };
	long status = 0;

	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	if (s->ask->piece != NULL && status < 400) {
		s->ended = !s->ask->piece(s->ask->self, bytes);
		return s->ended ? 0 : bytes.n;
	}
	if (s->text.n + bytes.n > ANSWER_MAX) {
		s->over = true;
		return 0;
	}
	buf_add(&s->text, bytes);
	return bytes.n;
}

static size_t
take_header(char *data, size_t one, size_t n, void *self)
{
	Sink *s = self;
	Str line = { data, one * n }, name;

	str_cut(&line, ':', &name);
	if (str_eq_nocase(name, str_of("content-disposition")))
		s->disposition = str_copy(s->text.a, str_trim(line));
	else if (str_eq_nocase(name, str_of("date")))
		s->date = str_copy(s->text.a, str_trim(line));
	return one * n;
}

static int
halted(void *self, curl_off_t down, curl_off_t down_now, curl_off_t up, curl_off_t up_now)
{
	const Sink *s = self;

	(void)down, (void)down_now, (void)up, (void)up_now;
	return s->ask->halt != NULL && s->ask->halt(s->ask->self) ? 1 : 0;
}

/* Options stay in a handle between requests, so all that differ are set each time. */
static void
prepare(HttpClient *c, Arena *a, const HttpAsk *ask, Sink *sink)
{
	CURL *h = c->curl;

	curl_easy_reset(h);
	curl_easy_setopt(h, CURLOPT_URL, str_fmt(a, "%.*s%.*s", STR_ARG(c->base), STR_ARG(ask->path)).p);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	if (c->ca_file.n > 0)
		curl_easy_setopt(h, CURLOPT_CAINFO, c->ca_file.p);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)(ask->seconds > 0 ? ask->seconds : ANSWER_S));
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_USERAGENT, "attune/" ATTUNE_VERSION);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, sink);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, sink);
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, ask->method);
	curl_easy_setopt(h, CURLOPT_NOPROGRESS, ask->halt == NULL ? 1L : 0L);
	curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, halted);
	curl_easy_setopt(h, CURLOPT_XFERINFODATA, sink);
	if (!str_none(ask->body)) {
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, ask->body.p);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.n);
	}
}

static struct curl_slist *
headers_of(const HttpClient *c, Arena *a, const HttpAsk *ask)
{
	struct curl_slist *list =
	    curl_slist_append(NULL, str_fmt(a, "Accept: %s", ask->accept != NULL ? ask->accept : "application/json").p);

	/* No round trip before a body, but of one that may be refused for its size: while it was still sent, the refusal could be lost. */
	if (ask->body.n < BODY_ASKED)
		list = curl_slist_append(list, "Expect:");
	if (!str_none(ask->body))
		list = curl_slist_append(list, str_fmt(a, "Content-Type: %s", ask->type).p);
	if (c->token.n > 0)
		list = curl_slist_append(list, str_fmt(a, "Authorization: Bearer %.*s", STR_ARG(c->token)).p);
	return list;
}

static bool
call_failed(const HttpClient *c, CURLcode got, bool over, Err *err)
{
	if (over)
		return err_set(err, ERR_TOO_LARGE, "the server's answer is larger than %d bytes", ANSWER_MAX);
	if (got == CURLE_ABORTED_BY_CALLBACK)
		return err_set(err, ERR_TIMEOUT, "the request was ended");
	if (got == CURLE_OPERATION_TIMEDOUT)
		return err_set(err, ERR_AWAY, "the server at %.*s does not answer", STR_ARG(c->base));
	if (got == CURLE_PEER_FAILED_VERIFICATION || got == CURLE_SSL_CACERT_BADFILE)
		return err_set(err, ERR_AWAY,
		    "the certificate of the server at %.*s is not trusted: %s. Name the file that vouches for it: "
		    "ATTUNE_CA_FILE",
		    STR_ARG(c->base), curl_easy_strerror(got));
	return err_set(err, ERR_AWAY, "cannot reach the server at %.*s: %s. Is it running? (attune up)",
	    STR_ARG(c->base), curl_easy_strerror(got));
}

bool
client_send(HttpClient *c, Arena *a, const HttpAsk *ask, HttpReply *ret, Err *err)
{
	Sink sink = { .curl = c->curl, .ask = ask, .text = buf_open(a) };
	struct curl_slist *list = headers_of(c, a, ask);
	const char *type = NULL;
	HttpReply r = { 0 };
	long status = 0;
	CURLcode got;
	Err bad = { 0 };

	prepare(c, a, ask, &sink);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, list);
	got = curl_easy_perform(c->curl);
	curl_slist_free_all(list);
	if (got != CURLE_OK && !sink.ended)
		return call_failed(c, got, sink.over, err);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->curl, CURLINFO_CONTENT_TYPE, &type);
	r.status = (int)status;
	r.text = buf_str(&sink.text);
	r.disposition = sink.disposition;
	r.date = sink.date;
	if (r.text.n > 0 && type != NULL && strstr(type, "json") != NULL && !json_parse(a, r.text, NULL, &r.body, &bad))
		return err_set(err, ERR_CORRUPT, "the server's answer cannot be read: %s", bad.text);
	*ret = r;
	return true;
}

bool
client_call(HttpClient *c, Arena *a, const char *method, Str path, const Json *body, HttpReply *ret, Err *err)
{
	HttpAsk ask = { .method = method, .path = path, .type = "application/json" };

	if (body != NULL)
		ask.body = json_text(a, body);
	return client_send(c, a, &ask, ret, err);
}

/* The boundary must stand in none of the parts. */
static Str
boundary_for(Arena *a, const HttpPart *parts, size_t n)
{
	for (unsigned i = 0;; i++) {
		Str b = str_fmt(a, "attune-%u-boundary", i);
		bool found = false;

		for (size_t p = 0; p < n; p++)
			found = found || str_find(parts[p].text, b, NULL);
		if (!found)
			return b;
	}
}

static Str
quoted(Arena *a, Str name)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		buf_char(&b, c < ' ' || c == '"' || c == '\\' || c == 0x7f ? '_' : (char)c);
	}
	return buf_str(&b);
}

Str
form_body(Arena *a, const HttpPart *parts, size_t n, const char **ret_type)
{
	Str boundary = boundary_for(a, parts, n);
	Buf b = buf_open(a);

	for (size_t i = 0; i < n; i++) {
		const HttpPart *p = &parts[i];

		buf_fmt(&b, "--%.*s\r\nContent-Disposition: form-data; name=\"%s\"", STR_ARG(boundary), p->name);
		if (!str_none(p->file_name))
			buf_fmt(
			    &b, "; filename=\"%.*s\"\r\nContent-Type: %s", STR_ARG(quoted(a, p->file_name)), p->type);
		buf_text(&b, "\r\n\r\n");
		buf_add(&b, p->text);
		buf_text(&b, "\r\n");
	}
	buf_fmt(&b, "--%.*s--\r\n", STR_ARG(boundary));
	*ret_type = str_fmt(a, "multipart/form-data; boundary=%.*s", STR_ARG(boundary)).p;
	return buf_str(&b);
}

static ErrCode
code_of(int status)
{
	for (int code = ERR_NONE + 1; code < ERR_CODES; code++)
		if (err_http_status((ErrCode)code) == status)
			return (ErrCode)code;
	return status >= 500 ? ERR_INTERNAL : ERR_INVALID;
}

/* The errors of a server in front of ours may be {"error": {"message"}} or no JSON at all. */
bool
client_fail(const HttpReply *r, Err *err)
{
	const Json *error = json_get(&r->body, "error");
	Str text = json_as_str(error);

	if (text.n == 0)
		text = json_get_text(error, "message");
	if (text.n == 0)
		return err_set(err, code_of(r->status), "the server answered with status %d", r->status);
	return err_set(err, code_of(r->status), "%.*s", STR_ARG(text));
}

Str
url_escape(Arena *a, Str s)
{
	static const char digits[] = "0123456789ABCDEF";
	Buf b = buf_open(a);

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (alnum || (c != '\0' && strchr("-._~", c) != NULL)) {
			buf_char(&b, (char)c);
			continue;
		}
		buf_char(&b, '%');
		buf_char(&b, digits[c >> 4]);
		buf_char(&b, digits[c & 15]);
	}
	return buf_str(&b);
}
