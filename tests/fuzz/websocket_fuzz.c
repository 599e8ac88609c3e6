/*
 * Whatever a client sends, its frames are heard as valid texts within the limit or end the connection, what is to be sent is whole
 * frames, and what is heard does not depend on how the bytes were cut. The first byte says where. What is heard is read as a filter as well.
 */
#include "base/codec.h"
#include "http/websocket.h"
#include "live/filter.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 256 };

typedef struct Heard {
	uint64_t hash;
	size_t n;
} Heard;

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
on_text(void *self, Str text)
{
	Heard *h = self;
	Err err = { 0 };
	Filter f;

	must(text.n <= MOST && utf8_valid(text));
	if (!filter_parse(text, &f, &err))
		must(err.code == ERR_INVALID && utf8_valid(str_of(err.text)));
	h->hash = h->hash * 31 + str_hash(text);
	h->n++;
}

static void
check_frames(Str out)
{
	while (out.n > 0) {
		size_t n;

		must(out.n >= 2 && (out.p[0] & 0x70) == 0 && (out.p[1] & 0x80) == 0);
		n = (size_t)out.p[1] & 127;
		must(n < 126 && out.n >= 2 + n); /* only answers are sent here, and they are short */
		out = str_sub(out, 2 + n, out.n);
	}
}

static Heard
feed(Str bytes, size_t step)
{
	Heard h = { 0 };
	WsConn *w = ws_open(on_text, &h, MOST);

	while (bytes.n > 0) {
		ws_feed(w, str_sub(bytes, 0, step));
		bytes = str_sub(bytes, step, bytes.n);
	}
	check_frames(ws_output(w));
	ws_free(w);
	return h;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Str bytes = { (const char *)data, size };
	Heard whole, cut;

	if (size == 0)
		return 0;
	whole = feed(str_sub(bytes, 1, bytes.n), bytes.n);
	cut = feed(str_sub(bytes, 1, bytes.n), 1 + data[0] % 16);
	must(whole.hash == cut.hash && whole.n == cut.n);
	return 0;
}
