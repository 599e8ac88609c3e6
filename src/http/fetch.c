#include "http/fetch.h"

#include "http/call.h"
#include "http/libcurl.h"

#include <curl/curl.h>

static int
go_on(void *self, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	const Fetch *f = self;

	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	return atomic_load(f->stopping) ? 1 : 0;
}

static bool
perform(Call *c, const Fetch *f, Err *err)
{
	CURL *h = curl_easy_init();
	CURLcode code;

	if (h == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	call_prepare(c, h);
	curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, go_on);
	curl_easy_setopt(h, CURLOPT_XFERINFODATA, f);
	code = curl_easy_perform(h);
	call_finish(c, (int)code);
	curl_easy_cleanup(h);
	if (str_none(c->error))
		return true;
	if (c->over)
		return err_set(err, ERR_TOO_LARGE, "'%s': %.*s", f->url, STR_ARG(c->error));
	return err_set(err, ERR_AWAY, "'%s': %.*s", f->url, STR_ARG(c->error));
}

bool
http_fetch(Arena *a, const Fetch *f, Fetched *ret, Err *err)
{
	Call *c = call_open();
	bool ok;

	c->method = "GET";
	c->url = f->url;
	c->headers = f->headers;
	c->timeout_ms = f->timeout / US_PER_MS;
	c->answer_max = f->most;
	c->reach = f->reach;
	c->setting = f->setting;
	ok = late_load(&libcurl, err) && perform(c, f, err);
	if (ok)
		*ret = (Fetched){ .status = c->status,
			.bytes = str_copy(a, buf_str(&c->text)),
			.location = str_copy(a, json_get_text(&c->received, "location")) };
	if (ok && json_is_null(json_get(&c->received, "location")))
		ret->location = (Str){ 0 };
	call_close(c);
	return ok;
}
