#include "api/page.h"

#include "base/codec.h"

static Json
pagination(Arena *a, const Page *page, const ListEnd *end, int64_t n)
{
	Str last = end->last;
	Json p = json_object();

	json_add(a, &p, "page", json_int(page->page));
	json_add(a, &p, "page_size", json_int(page->size));
	if (end->total >= 0) {
		json_add(a, &p, "total_items", json_int(end->total));
		json_add(a, &p, "total_pages", json_int((end->total + page->size - 1) / page->size));
	}
	json_add(a, &p, "has_previous", json_bool(page->offset > 0 || !str_none(page->after)));
	json_add(a, &p, "has_next", json_bool(end->more));
	if (end->more && str_none(last))
		last = str_fmt(a, "@%lld", (long long)(page->offset + n));
	if (end->more)
		json_add(a, &p, "next_cursor", json_str(base64url_encode(a, last)));
	return p;
}

bool
answer_list(Req *q, Res *s, const Page *page, Json rows, const ListEnd *end)
{
	Arena *a = req_arena(q);
	Json body = json_object();

	json_add(a, &body, "data", rows);
	json_add(a, &body, "items", rows);
	json_add(a, &body, "pagination", pagination(a, page, end, rows.n));
	return res_json(s, 200, &body);
}

bool
answer_slice(Req *q, Res *s, const Page *page, const SliceOut *out)
{
	ListEnd end = { .more = out->more, .total = out->total };

	if (!str_none(out->last_key))
		end.last = out->last_key;
	else if (out->last != 0)
		end.last = str_fmt(req_arena(q), "%lld", (long long)out->last);
	return answer_list(q, s, page, out->rows, &end);
}

static bool
no_cursor(Err *err)
{
	return err_set(err, ERR_INVALID, "The query parameter 'after' is not a cursor of this list");
}

bool
page_after(Arena *a, const Page *page, Str *ret, Err *err)
{
	*ret = (Str){ 0 };
	if (str_none(page->after))
		return true;
	if (!base64_decode(a, page->after, ret) || !utf8_valid(*ret) || memchr(ret->p, '\0', ret->n) != NULL)
		return no_cursor(err);
	return true;
}

bool
page_counted(Arena *a, Page *page, Err *err)
{
	Str after;

	if (!page_after(a, page, &after, err))
		return false;
	if (str_none(after))
		return true;
	if (after.n < 2 || after.p[0] != '@' || !str_to_int(str_sub(after, 1, after.n), &page->offset) ||
	    page->offset < 0 || page->offset > (int64_t)1 << 40)
		return no_cursor(err);
	return true;
}

bool
page_slice(Arena *a, const Page *page, Slice *ret, Err *err)
{
	Str after;

	if (!page_after(a, page, &after, err))
		return false;
	*ret = (Slice){ .size = page->size, .offset = page->offset, .totals = page->totals };
	if (str_none(after))
		return true;
	ret->offset = 0;
	if (!str_to_int(after, &ret->after) || ret->after <= 0)
		return no_cursor(err);
	return true;
}

bool
page_slice_by(Arena *a, const Page *page, Slice *ret, Err *err)
{
	*ret = (Slice){ .size = page->size, .offset = page->offset, .totals = true };
	if (!page_after(a, page, &ret->behind, err))
		return false;
	if (!str_none(ret->behind))
		ret->offset = 0;
	return true;
}

bool
query_id(const Req *q, const char *name, Id *ret, Err *err)
{
	return req_query_int(q, name, 0, ret, err);
}

bool
answer_success(Req *q, Res *s, Str message)
{
	Arena *a = req_arena(q);
	Json body = json_object();

	json_add(a, &body, "success", json_bool(true));
	json_add(a, &body, "message", json_str(message));
	return res_json(s, 200, &body);
}

bool
answer_gone(Req *q, Res *s, Str message, bool in_files)
{
	Arena *a = req_arena(q);
	Json body = json_object(), warnings = json_array();

	if (!in_files)
		return answer_success(q, s, message);
	/* not refused: whoever takes a limit away is in a hurry */
	json_push(a, &warnings,
	    json_cstr("A file of its pack still describes it, and brings it back when the pack is loaded again: change "
		      "that too"));
	json_add(a, &body, "success", json_bool(true));
	json_add(a, &body, "message", json_str(message));
	json_add(a, &body, "warnings", warnings);
	return res_json(s, 200, &body);
}

bool
query_time(const Req *q, const char *name, TimeUs *ret, Err *err)
{
	Str text = req_query(q, name);

	*ret = 0;
	return str_none(text) || time_parse(text, ret) ||
	       err_set(err, ERR_INVALID,
		   "The query parameter '%s' must be a time like 2026-01-31T12:00:00Z, not '%.*s'", name,
		   STR_ARG(text));
}
