/* What a sensor prints is read the same however the bytes were cut, and a line of it is an event, or bad for a reason that can be read. */
#include "base/codec.h"
#include "sensor/lines.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_MOST = 512 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_line(Arena *a, Str line, Buf *told)
{
	SensorLine said;

	line_read(a, line, &said);
	buf_fmt(told, "%d ", (int)said.kind);
	buf_add(told, said.key);
	must(said.kind != LINE_BAD || (said.why.n > 0 && utf8_valid(said.why)));
	if (said.kind != LINE_EVENT)
		return;
	must(said.rule >= 0 && said.key.n <= LINE_KEY_MOST && utf8_valid(said.key) && utf8_valid(said.trigger_ref));
	json_print(told, &said.payload);
}

static void
take(Arena *a, Lines *l, Buf *told)
{
	size_t at = 0;
	Str line;

	while (lines_next(l, &at, &line)) {
		must(line.n <= LINE_MOST);
		check_line(a, line, told);
	}
	lines_take(l, at);
}

/* All that was heard, with the lines that were too long counted. */
static Str
heard(Arena *a, const uint8_t *data, size_t size, size_t piece)
{
	Buf told = buf_open(a);
	size_t long_ones = 0, room;
	Lines l;
	char *to;

	lines_open(&l, LINE_MOST);
	for (size_t at = 0; at < size;) {
		to = lines_room(&l, &room);
		must(room > 0); /* what is whole was taken */
		room = room < piece ? room : piece;
		room = room < size - at ? room : size - at;
		memcpy(to, data + at, room);
		long_ones += lines_added(&l, room);
		at += room;
		take(a, &l, &told);
	}
	lines_end(&l);
	take(a, &l, &told);
	lines_close(&l);
	buf_fmt(&told, "%zu", long_ones);
	return buf_str(&told);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	must(str_eq(heard(a, data, size, 1), heard(a, data, size, 1 << 16)));
	return 0;
}
