#include "admin/grid.h"

Grid
grid_open(Arena *a, const char *const *heads)
{
	Grid c = { .a = a };
	Str first[GRID_COLS_MOST];

	while (c.cols < GRID_COLS_MOST && heads[c.cols] != NULL) {
		first[c.cols] = str_of(heads[c.cols]);
		c.cols++;
	}
	grid_row(&c, first);
	return c;
}

void
grid_row(Grid *c, const Str *cells)
{
	if (c->rows == c->cap) {
		size_t cap = c->cap == 0 ? 16 : c->cap * 2;

		c->cells = arena_grow(c->a, c->cells, c->cap * c->cols * sizeof(Str), cap * c->cols * sizeof(Str));
		c->cap = cap;
	}
	for (size_t i = 0; i < c->cols; i++)
		c->cells[c->rows * c->cols + i] = str_none(cells[i]) || cells[i].n == 0 ? str_of("-") : cells[i];
	c->rows++;
}

static int
width_of(const Grid *c, size_t col)
{
	size_t width = 0;

	for (size_t r = 0; r < c->rows; r++)
		if (c->cells[r * c->cols + col].n > width)
			width = c->cells[r * c->cols + col].n;
	return (int)width;
}

void
grid_print(const Grid *c, Buf *b)
{
	int widths[GRID_COLS_MOST];

	for (size_t i = 0; i < c->cols; i++)
		widths[i] = i + 1 < c->cols ? width_of(c, i) : 0; /* no blanks at the end of a line */
	for (size_t r = 0; r < c->rows; r++) {
		for (size_t i = 0; i < c->cols; i++)
			buf_fmt(b, "%s%-*.*s", i > 0 ? "  " : "", widths[i], STR_ARG(c->cells[r * c->cols + i]));
		buf_char(b, '\n');
	}
}

void
grid_markdown(const Grid *c, Buf *b)
{
	for (size_t r = 0; r < c->rows; r++) {
		for (size_t i = 0; i < c->cols; i++)
			buf_fmt(b, "| %.*s ", STR_ARG(c->cells[r * c->cols + i]));
		buf_text(b, "|\n");
		for (size_t i = 0; r == 0 && i < c->cols; i++)
			buf_text(b, "|---");
		if (r == 0)
			buf_text(b, "|\n");
	}
}
