#include "http/steps.h"

#include "base/log.h"

static const char json_type[] = "application/json";

static void
answer(Res *s, int status, const char *type, Str body)
{
	s->status = status;
	s->type = type;
	s->body = body;
	s->wait_until = 0;
}

/* Answering */

bool
res_json(Res *s, int status, const Json *body)
{
	answer(s, status, json_type, json_text(s->a, body));
	return true;
}

bool
res_data(Res *s, int status, Json data, const char *message)
{
	Json body = json_object();

	json_add(s->a, &body, "data", data);
	if (message != NULL && message[0] != '\0')
		json_add(s->a, &body, "message", json_cstr(message));
	return res_json(s, status, &body);
}

static Json
pagination(Arena *a, const Page *page, bool more, int64_t total)
{
	Json p = json_object();

	json_add(a, &p, "page", json_int(page->page));
	json_add(a, &p, "page_size", json_int(page->size));
	if (total >= 0) {
		json_add(a, &p, "total_items", json_int(total));
		json_add(a, &p, "total_pages", json_int(total / page->size + (total % page->size != 0)));
	}
	json_add(a, &p, "has_previous", json_bool(page->offset > 0));
	json_add(a, &p, "has_next", json_bool(more));
	return p;
}

bool
res_list(Res *s, const Page *page, Json rows, int64_t total)
{
	Json body = json_object();
	bool more = rows.n > page->size;

	if (more)
		rows.n = (uint32_t)page->size;
	if (total >= 0)
		more = page->offset + rows.n < total;
	json_add(s->a, &body, "data", rows);
	json_add(s->a, &body, "items", rows);
	json_add(s->a, &body, "pagination", pagination(s->a, page, more, total));
	return res_json(s, 200, &body);
}

bool
res_bytes(Res *s, int status, const char *content_type, Str body)
{
	answer(s, status, content_type, body);
	return true;
}

bool
res_file(Res *s, int status, const char *content_type, int fd, uint64_t at, uint64_t n)
{
	answer(s, status, content_type, (Str){ "", 0 });
	s->has_file = true;
	s->file = fd;
	s->file_at = at;
	s->file_n = n;
	return true;
}

bool
res_empty(Res *s, int status)
{
	answer(s, status, NULL, (Str){ "", 0 });
	return true;
}

int
res_status(const Res *s)
{
	return s->status;
}

Str
res_body(const Res *s)
{
	return s->body;
}

void
res_clear(Res *s)
{
	*s = (Res){ .a = s->a };
}

void
res_header(Res *s, const char *name, Str value)
{
	if (s->n < RES_HEADERS)
		s->headers[s->n++] = (ResHeader){ name, value };
}

bool
res_wait(Res *s, int64_t key, TimeUs until)
{
	s->wait_key = key;
	s->wait_until = until > 0 ? until : 1;
	return true;
}

/* Refusing */

static void
fault_add(Arena *a, Json *faults, Str field, Str message)
{
	Json o = json_object();

	json_add(a, &o, "field", json_str(field));
	json_add(a, &o, "message", json_str(message));
	json_push(a, faults, o);
}

void
req_fault(Req *q, const char *field, Str message)
{
	fault_add(q->arena, &q->faults, str_copy(q->arena, str_of(field)), message);
}

/* Where one field is wrong the sentence says which: "Validation failed: label: is missing". */
static Json
details_of(Req *q, Str text)
{
	static const char before[] = "Validation failed: ";
	Str rest = str_sub(text, sizeof(before) - 1, text.n);
	Json faults = q->faults.kind == JSON_ARRAY ? q->faults : json_array();
	size_t at;

	if (faults.n == 0 && str_starts(text, str_of(before)) && str_find(rest, str_of(": "), &at))
		fault_add(q->arena, &faults, str_sub(rest, 0, at), str_sub(rest, at + 2, rest.n));
	return faults;
}

static void
error_body(Req *q, int status, const char *code, Str text)
{
	Json body = json_object(), details = status == 422 ? details_of(q, text) : q->faults;

	json_add(q->arena, &body, "error", json_str(text));
	json_add(q->arena, &body, "code", json_cstr(code));
	if (json_is(&details, JSON_ARRAY) && details.n > 0)
		json_add(q->arena, &body, "details", details);
	res_json(&q->res, status, &body);
	if (status == 503)
		res_header(&q->res, "Retry-After", str_of("1"));
	if (status == 401)
		res_header(&q->res, "WWW-Authenticate", str_of("Bearer"));
}

void
respond_refuse(Req *q, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_body(q, status, code, str_vfmt(q->arena, fmt, ap));
	va_end(ap);
}

/* For the log. The path of a route without a right may be a secret itself, as a webhook's is. */
static Str
path_shown(const Req *q)
{
	const Route *r = q->match.entry == NULL ? NULL : q->match.entry->route;

	return r != NULL && (r->flags & ROUTE_PUBLIC) != 0 ? str_of(r->path) : q->path;
}

void
respond_err(Req *q, const Err *err)
{
	int status = err_http_status(err->code);
	LogField fields[] = { log_str("request_id", q->id) };

	/* what is away has been said once, by whoever noticed it first; what this version does not have is no fault of ours */
	if (status >= 500)
		log_line(err->code == ERR_AWAY || err->code == ERR_UNSUPPORTED ? LOG_DEBUG : LOG_ERROR, fields,
		    countof(fields), "%s %.*s: %s", method_name(q->method), STR_ARG(path_shown(q)), err->text);
	error_body(q, status, err_code_name(err->code), str_copy(q->arena, str_of(err->text)));
}

/* Sending */

bool
respond_queue(Req *q, struct MHD_Response *r)
{
	const Res *s = &q->res;
	enum MHD_Result got;

	if (r == NULL)
		return false;
	offer_headers(q, r);
	if (s->upgrade.take == NULL && (q->close || atomic_load(&q->server->stopping)))
		MHD_add_response_header(r, "Connection", "close");
	got = q->server->queue(q->mhd, (unsigned)s->status, r);
	MHD_destroy_response(r);
	return got == MHD_YES;
}

bool
respond_send(Req *q)
{
	const Res *s = &q->res;

	if (s->stream.next != NULL)
		return stream_send(q);
	if (s->upgrade.take != NULL)
		return upgrade_send(q);
	if (s->has_file)
		return respond_queue(q, MHD_create_response_from_fd_at_offset64(s->file_n, s->file, s->file_at));
	offer_body(q);
	/* the request's arena keeps the bytes until the request is completed, which is after the last was sent */
	return respond_queue(
	    q, MHD_create_response_from_buffer(s->body.n, (void *)(uintptr_t)s->body.p, MHD_RESPMEM_PERSISTENT));
}
