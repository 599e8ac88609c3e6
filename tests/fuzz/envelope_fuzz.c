/* Whatever can be read as an envelope is written and read again as the same; nothing else is accepted. */
#include "base/codec.h"
#include "bus/bus_impl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static Str
payload(Arena *a, MsgKind kind, const MsgItem *items, size_t n)
{
	Buf b = buf_open(a);

	payload_write(&b, kind, items, n);
	return buf_str(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Arena *a = arena_open();
	Err err = { 0 };
	Envelope e;
	Envelope again;
	MsgItem *items;
	MsgItem *items2;
	size_t n;
	size_t n2;

	if (envelope_read(a, (Str){ (const char *)data, size }, &e, &items, &n, &err)) {
		must(e.kind > MSG_NONE && e.kind < MSG_KINDS && n >= 1 && n <= MSG_ITEMS_MAX);
		must(envelope_read(a, envelope_write(a, &e, items, n), &again, &items2, &n2, &err));
		must(again.kind == e.kind && n2 == n && uuid_eq(again.message_id, e.message_id));
		must(str_eq(payload(a, e.kind, items, n), payload(a, e.kind, items2, n)));
	} else {
		must(err.code == ERR_INVALID || err.code == ERR_TOO_LARGE);
		must(utf8_valid(str_of(err.text)));
	}
	arena_close(a);
	return 0;
}
