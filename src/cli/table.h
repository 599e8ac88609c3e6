/*
 * Tables for people: boxes fitted to a terminal, or aligned columns where there is none. Pure.
 */
#pragma once

#include "base/str.h"

enum { TABLE_COLUMNS = 16, TABLE_NARROWEST = 60, TABLE_WIDEST = 100000 };

typedef struct Table {
	Arena *a;
	size_t columns;
	Str titles[TABLE_COLUMNS];
	bool whole[TABLE_COLUMNS];  /* cut only when nothing else can be */
	bool status[TABLE_COLUMNS]; /* its words are coloured */
	bool colour;
	Str *cells; /* row by row */
	size_t rows, room;
} Table;

Table table_open(Arena *a, const char *const *titles, size_t columns);
/* Valid, and without control characters, which become blanks: a terminal would obey them. */
Str text_clean(Arena *a, Str s);
/* Cells are cleaned so. */
void table_add(Table *t, const Str *cells);
/* In columns of a terminal: two for wide characters, none for what combines. */
size_t text_width(Str s);
/* Exactly that wide, cut or filled with blanks; a status word in its colour. */
void table_cell(Buf *b, Str s, size_t width, bool status);
/* width 0: no boxes, nothing cut. */
void table_print(const Table *t, unsigned width, Buf *b);
