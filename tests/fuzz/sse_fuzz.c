/* A stream of events is read the same in one piece as byte by byte, whatever its bytes are. */
#include "cli/sse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
take(void *self, const SseEvent *e)
{
	Buf *b = self;

	buf_fmt(b, "%d%zu ", str_none(e->name), e->name.n);
	buf_add(b, e->name);
	buf_add(b, e->id);
	buf_add(b, e->data);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open(), *events = arena_open(), *more = arena_open();
	Buf whole = buf_open(a), single = buf_open(a);
	Sse one = sse_open(events), two = sse_open(more);

	sse_feed(&one, (Str){ (const char *)data, size }, take, &whole);
	for (size_t i = 0; i < size; i++)
		sse_feed(&two, (Str){ (const char *)data + i, 1 }, take, &single);
	if (!str_eq(buf_str(&whole), buf_str(&single)))
		abort();
	return 0;
}
