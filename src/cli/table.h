/*
 * Tables for people: boxes fitted to a terminal, or aligned columns where there is none. Pure.
 */
#pragma once

#include "base/str.h"

enum { TABLE_COLUMNS = 16, TABLE_NARROWEST = 60 };

typedef struct Table {
	Arena *a;
	size_t columns;
	Str titles[TABLE_COLUMNS];
	Str *cells; /* row by row */
	size_t rows, room;
} Table;

Table table_open(Arena *a, const char *const *titles, size_t columns);
/* Cells are cleaned: control characters become blanks. */
void table_add(Table *t, const Str *cells);
/* width 0: no boxes, nothing cut. */
void table_print(const Table *t, unsigned width, Buf *b);
