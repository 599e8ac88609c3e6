#include "cli/table.h"

#include "base/codec.h"

enum { CELL_LEAST = 6 }; /* a column is not made narrower than this to fit */

typedef struct Lines {
	const char *left, *mid, *right;
} Lines;

static const Lines lines_top = { "┌", "┬", "┐" }, lines_under = { "├", "┼", "┤" }, lines_end = { "└", "┴", "┘" };

Table
table_open(Arena *a, const char *const *titles, size_t columns)
{
	Table t = { .a = a, .columns = columns };

	for (size_t i = 0; i < columns; i++)
		t.titles[i] = str_of(titles[i]);
	return t;
}

static Str
clean(Arena *a, Str s)
{
	Str copy = str_copy(a, utf8_clean(a, s));
	char *p = (char *)(uintptr_t)copy.p; /* our own copy */

	for (size_t i = 0; i < copy.n; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			p[i] = ' ';
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
		t->cells[t->rows * t->columns + i] = clean(t->a, cells[i]);
	t->rows++;
}

static void
measure(const Table *t, size_t *widths)
{
	for (size_t c = 0; c < t->columns; c++) {
		widths[c] = utf8_length(t->titles[c]);
		for (size_t r = 0; r < t->rows; r++) {
			size_t n = utf8_length(t->cells[r * t->columns + c]);

			if (n > widths[c])
				widths[c] = n;
		}
	}
}

/* Takes from the widest column until the row fits: each cell has a blank on both sides and a line. */
static void
fit(size_t *widths, size_t columns, size_t most)
{
	for (;;) {
		size_t total = columns * 3 + 1, widest = 0;

		for (size_t c = 0; c < columns; c++) {
			total += widths[c];
			if (widths[c] > widths[widest])
				widest = c;
		}
		if (total <= most || widths[widest] <= CELL_LEAST)
			return;
		widths[widest]--;
	}
}

/* The first n characters; cells are valid UTF-8. */
static Str
first_of(Str s, size_t n)
{
	size_t at = 0;

	while (at < s.n && n > 0) {
		at++;
		while (at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80)
			at++;
		n--;
	}
	return str_sub(s, 0, at);
}

static void
pad(Buf *b, Str s, size_t width)
{
	size_t n = utf8_length(s);

	if (n > width) {
		buf_add(b, first_of(s, width - 1));
		buf_text(b, "…");
		return;
	}
	buf_add(b, s);
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
boxed_row(Buf *b, const Str *cells, const size_t *widths, size_t columns)
{
	for (size_t c = 0; c < columns; c++) {
		buf_text(b, "│ ");
		pad(b, cells[c], widths[c]);
		buf_char(b, ' ');
	}
	buf_text(b, "│\n");
}

static void
plain_row(Buf *b, const Str *cells, const size_t *widths, size_t columns)
{
	for (size_t c = 0; c < columns; c++) {
		if (c + 1 == columns) {
			buf_add(b, cells[c]); /* no blanks at a line's end */
			break;
		}
		pad(b, cells[c], widths[c]);
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
		plain_row(b, t->titles, widths, t->columns);
		for (size_t r = 0; r < t->rows; r++)
			plain_row(b, t->cells + r * t->columns, widths, t->columns);
		return;
	}
	fit(widths, t->columns, width < TABLE_NARROWEST ? TABLE_NARROWEST : width);
	rule_off(b, &lines_top, widths, t->columns);
	boxed_row(b, t->titles, widths, t->columns);
	rule_off(b, &lines_under, widths, t->columns);
	for (size_t r = 0; r < t->rows; r++)
		boxed_row(b, t->cells + r * t->columns, widths, t->columns);
	rule_off(b, &lines_end, widths, t->columns);
}
