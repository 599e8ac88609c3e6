/* Whatever `after` of a list is accepted stands for a row, and written as a cursor it is read as the same again. */
#include "api/page.h"
#include "base/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Page page = { .page = 3, .size = 20, .offset = 40, .after = { (const char *)data, size } };
	Page again = page;
	Err err = { 0 };
	Str text, text2;
	Slice slice, slice2;

	if (!page_after(a, &page, &text, &err)) {
		must(err.code == ERR_INVALID);
		must(!page_slice(a, &page, &slice, &err) && err.code == ERR_INVALID);
		return 0;
	}
	must(utf8_valid(text) && (text.n == 0 || memchr(text.p, '\0', text.n) == NULL));
	again = page;
	if (page_counted(a, &again, &err))
		must(again.offset >= 0 && (str_none(text) || text.p[0] == '@'));
	again.after = base64url_encode(a, text);
	must(page_after(a, &again, &text2, &err) && str_eq(text, text2));
	if (!page_slice(a, &page, &slice, &err)) {
		must(err.code == ERR_INVALID);
		return 0;
	}
	must(slice.size == page.size);
	if (str_none(text)) {
		must(slice.after == 0 && slice.offset == page.offset);
		return 0;
	}
	must(slice.after > 0 && slice.offset == 0);
	again.after = base64url_encode(a, str_fmt(a, "%lld", (long long)slice.after));
	must(page_slice(a, &again, &slice2, &err) && slice2.after == slice.after);
	return 0;
}
