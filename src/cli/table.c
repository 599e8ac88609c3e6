#include "cli/table.h"

#include "base/codec.h"

enum { CELL_LEAST = 6 }; /* a column is not made narrower than this to fit */

typedef struct Range {
	uint32_t from, to;
} Range;

/* What a terminal draws over the character before it, and what it draws in two columns. */
static const Range combining[] = { { 0x300, 0x36f }, { 0x483, 0x489 }, { 0x591, 0x5bd }, { 0x610, 0x61a },
	{ 0x64b, 0x65f }, { 0x200b, 0x200f }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f } };
static const Range wide[] = { { 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf },
	{ 0x4e00, 0x9fff }, { 0xa000, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },
	{ 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
	{ 0x20000, 0x3fffd } };

typedef struct Lines {
	const char *left, *mid, *right;
} Lines;

static const Lines lines_top = { "┌", "┬", "┐" }, lines_under = { "├", "┼", "┤" }, lines_end = { "└", "┴", "┘" };

static bool
within(const Range *ranges, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

/* The bytes of the character at the beginning of a text that is valid UTF-8, and its columns. */
static size_t
char_at(Str s, size_t at, size_t *ret_width)
{
	unsigned char first = (unsigned char)s.p[at];
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? first : first & (0xffu >> (n + 1));

	for (size_t i = 1; i < n && at + i < s.n; i++)
		c = c << 6 | ((unsigned char)s.p[at + i] & 0x3fu);
	*ret_width = within(combining, countof(combining), c) ? 0 : within(wide, countof(wide), c) ? 2 : 1;
	return at + n > s.n ? s.n - at : n;
}

size_t
text_width(Str s)
{
	size_t total = 0, one;

	for (size_t at = 0; at < s.n; at += char_at(s, at, &one), total += one) {
	}
	return total;
}

Table
table_open(Arena *a, const char *const *titles, size_t columns)
{
	Table t = { .a = a, .columns = columns };

	for (size_t i = 0; i < columns; i++)
		t.titles[i] = str_of(titles[i]);
	return t;
}

Str
text_clean(Arena *a, Str s)
{
	Str copy = str_copy(a, utf8_clean(a, s));
	char *p = (char *)(uintptr_t)copy.p; /* our own copy */

	for (size_t i = 0; i < copy.n; i++) {
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			p[i] = ' ';
		else if ((unsigned char)p[i] == 0xc2 && (unsigned char)p[i + 1] < 0xa0) /* U+0080 to U+009F */
			p[i] = p[i + 1] = ' ';
	}
	return copy;
}

void
table_add(Table *t, const Str *cells)
{
	if (t->rows == t->room) {
		size_t row = t->columns * sizeof(Str), room = t->room == 0 ? 16 : t->room * 2;

		t->cells = arena_grow(t->a, t->cells, t->room * row, room * row);
		t->room = room;
	}
	for (size_t i = 0; i < t->columns; i++)
		t->cells[t->rows * t->columns + i] = text_clean(t->a, cells[i]);
	t->rows++;
}

static void
measure(const Table *t, size_t *widths)
{
	for (size_t c = 0; c < t->columns; c++) {
		widths[c] = text_width(t->titles[c]);
		for (size_t r = 0; r < t->rows; r++) {
			size_t n = text_width(t->cells[r * t->columns + c]);

			if (n > widths[c])
				widths[c] = n;
		}
	}
}

static size_t
total_of(const size_t *widths, size_t columns)
{
	size_t total = columns * 3 + 1; /* each cell has a blank on both sides and a line */

	for (size_t c = 0; c < columns; c++)
		total += widths[c];
	return total;
}

/* Takes from the widest column until the row fits; what should stay whole is taken from last. */
static void
fit(const Table *t, size_t *widths, size_t most)
{
	for (int last = 0; last < 2; last++) {
		for (size_t total = total_of(widths, t->columns); total > most; total--) {
			size_t widest = t->columns;

			for (size_t c = 0; c < t->columns; c++)
				if ((last == 1 || !t->whole[c]) && widths[c] > CELL_LEAST &&
				    (widest == t->columns || widths[c] > widths[widest]))
					widest = c;
			if (widest == t->columns)
				break;
			widths[widest]--;
		}
	}
}

/* As much of the beginning as fits in so many columns; cells are valid UTF-8. */
static Str
first_of(Str s, size_t width)
{
	size_t at = 0, one;

	while (at < s.n) {
		size_t n = char_at(s, at, &one);

		if (one > width)
			break;
		width -= one;
		at += n;
	}
	return str_sub(s, 0, at);
}

typedef struct Paint {
	const char *word, *code;
} Paint;

static const Paint paints[] = {
	{ "completed", "32" },
	{ "active", "32" },
	{ "ready", "32" },
	{ "processed", "32" },
	{ "success", "32" },
	{ "ok", "32" },
	{ "failed", "31" },
	{ "failure", "31" },
	{ "abandoned", "31" },
	{ "timeout", "31" },
	{ "denied", "31" },
	{ "error", "31" },
	{ "bad", "31" },
	{ "running", "36" },
	{ "scheduled", "36" },
	{ "requested", "33" },
	{ "pending", "33" },
	{ "canceling", "33" },
	{ "warn", "33" },
	{ "cancelled", "35" },
	{ "offline", "31" },
	{ "busy", "36" },
};

static const char *
paint_of(Str s)
{
	for (size_t i = 0; i < countof(paints); i++)
		if (str_is(s, paints[i].word))
			return paints[i].code;
	return NULL;
}

static void
add_painted(Buf *b, Str s, bool status)
{
	const char *code = status ? paint_of(s) : NULL;

	if (code != NULL)
		buf_fmt(b, "\033[%sm", code);
	buf_add(b, s);
	if (code != NULL)
		buf_text(b, "\033[0m");
}

void
table_cell(Buf *b, Str s, size_t width, bool status)
{
	size_t n = text_width(s);

	if (n > width) {
		s = first_of(s, width - 1);
		buf_add(b, s);
		buf_text(b, "…");
		n = text_width(s) + 1;
	} else {
		add_painted(b, s, status);
	}
	for (; n < width; n++)
		buf_char(b, ' ');
}

static void
rule_off(Buf *b, const Lines *l, const size_t *widths, size_t columns)
{
	for (size_t c = 0; c < columns; c++) {
		buf_text(b, c == 0 ? l->left : l->mid);
		for (size_t i = 0; i < widths[c] + 2; i++)
			buf_text(b, "─");
	}
	buf_text(b, l->right);
	buf_char(b, '\n');
}

static void
boxed_row(const Table *t, Buf *b, const Str *cells, const size_t *widths)
{
	for (size_t c = 0; c < t->columns; c++) {
		buf_text(b, "│ ");
		table_cell(b, cells[c], widths[c], t->colour && t->status[c]);
		buf_char(b, ' ');
	}
	buf_text(b, "│\n");
}

static void
plain_row(const Table *t, Buf *b, const Str *cells, const size_t *widths)
{
	for (size_t c = 0; c < t->columns; c++) {
		if (c + 1 == t->columns) {
			add_painted(b, cells[c], t->colour && t->status[c]); /* no blanks at a line's end */
			break;
		}
		table_cell(b, cells[c], widths[c], t->colour && t->status[c]);
		buf_text(b, "  ");
	}
	buf_char(b, '\n');
}

void
table_print(const Table *t, unsigned width, Buf *b)
{
	size_t widths[TABLE_COLUMNS];

	measure(t, widths);
	if (width == 0) {
		plain_row(t, b, t->titles, widths);
		for (size_t r = 0; r < t->rows; r++)
			plain_row(t, b, t->cells + r * t->columns, widths);
		return;
	}
	fit(t, widths, width < TABLE_NARROWEST ? TABLE_NARROWEST : width);
	rule_off(b, &lines_top, widths, t->columns);
	boxed_row(t, b, t->titles, widths);
	rule_off(b, &lines_under, widths, t->columns);
	for (size_t r = 0; r < t->rows; r++)
		boxed_row(t, b, t->cells + r * t->columns, widths);
	rule_off(b, &lines_end, widths, t->columns);
}
