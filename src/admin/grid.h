/*
 * Rows of text under a line of headings, each column as wide as its widest cell.
 */
#pragma once

#include "base/str.h"

enum { GRID_COLS_MOST = 8 };

typedef struct Grid {
	Arena *a;
	Str *cells;
	size_t cols, rows, cap;
} Grid;

/* heads ends with NULL and is the first row. */
Grid grid_open(Arena *a, const char *const *heads);
/* As many as there are headings. No string shows as "-". */
void grid_row(Grid *c, const Str *cells);
void grid_print(const Grid *c, Buf *b);
/* The same as a Markdown table. */
void grid_markdown(const Grid *c, Buf *b);
