#include "api/page.h"

#include "base/codec.h"

static Json
pagination(Arena *a, const Page *page, const ListEnd *end)
{
	Json p = json_object();

	json_add(a, &p, "page", json_int(page->page));
	json_add(a, &p, "page_size", json_int(page->size));
	if (end->total >= 0) {
		json_add(a, &p, "total_items", json_int(end->total));
		json_add(a, &p, "total_pages", json_int((end->total + page->size - 1) / page->size));
	}
	json_add(a, &p, "has_previous", json_bool(page->offset > 0 || !str_none(page->after)));
	json_add(a, &p, "has_next", json_bool(end->more));
	if (end->more && !str_none(end->last))
		json_add(a, &p, "next_cursor", json_str(base64url_encode(a, end->last)));
	return p;
}

bool
answer_list(Req *q, Res *s, const Page *page, Json rows, const ListEnd *end)
{
	Arena *a = req_arena(q);
	Json body = json_object();

	json_add(a, &body, "data", rows);
	json_add(a, &body, "items", rows);
	json_add(a, &body, "pagination", pagination(a, page, end));
	return res_json(s, 200, &body);
}

bool
answer_slice(Req *q, Res *s, const Page *page, const SliceOut *out)
{
	ListEnd end = { .more = out->more, .total = out->total };

	if (out->last != 0)
		end.last = str_fmt(req_arena(q), "%lld", (long long)out->last);
	return answer_list(q, s, page, out->rows, &end);
}

bool
page_after(Arena *a, const Page *page, Str *ret, Err *err)
{
	*ret = (Str){ 0 };
	if (str_none(page->after))
		return true;
	if (!base64_decode(a, page->after, ret) || !utf8_valid(*ret) || memchr(ret->p, '\0', ret->n) != NULL)
		return err_set(err, ERR_INVALID, "The query parameter 'after' is not a cursor of this list");
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
		return err_set(err, ERR_INVALID, "The query parameter 'after' is not a cursor of this list");
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
