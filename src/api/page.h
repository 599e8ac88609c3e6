/*
 * Lists as clients see them: {"data", "items", "pagination"}, with a cursor for the next page.
 */
#pragma once

#include "http/http.h"
#include "store/listing.h"

typedef struct ListEnd {
	bool more;
	int64_t total; /* -1: not counted */
	Str last;      /* what the cursor stands for: the id or ref of the last row; none: how many rows came before */
} ListEnd;

bool answer_list(Req *q, Res *s, const Page *page, Json rows, const ListEnd *end);
bool answer_slice(Req *q, Res *s, const Page *page, const SliceOut *out);
/* The text a cursor stands for; none when the page has none. */
MUST_CHECK bool page_after(Arena *a, const Page *page, Str *ret, Err *err);
/* For lists without a key to page by: a cursor becomes the page's offset. */
MUST_CHECK bool page_counted(Arena *a, Page *page, Err *err);
MUST_CHECK bool page_slice(Arena *a, const Page *page, Slice *ret, Err *err);
/* The same for lists in the order of a text (Listing.by), which say how many there are. */
MUST_CHECK bool page_slice_by(Arena *a, const Page *page, Slice *ret, Err *err);
/* A filter by id from the query; 0 when it is not given. */
MUST_CHECK bool query_id(const Req *q, const char *name, Id *ret, Err *err);
/* A time from the query; 0 when it is not given. */
MUST_CHECK bool query_time(const Req *q, const char *name, TimeUs *ret, Err *err);
/* {"success": true, "message": ...}, the answer to a deletion. */
bool answer_success(Req *q, Res *s, Str message);
/* The same of what may be described by a file of its pack, with a warning that it will be back. */
bool answer_gone(Req *q, Res *s, Str message, bool in_files);
