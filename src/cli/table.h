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
/* Cells are cleaned: control characters become blanks. */
void table_add(Table *t, const Str *cells);
/* In columns of a terminal: two for wide characters, none for what combines. */
size_t text_width(Str s);
/* Exactly that wide, cut or filled with blanks; a status word in its colour. */
void table_cell(Buf *b, Str s, size_t width, bool status);
/* width 0: no boxes, nothing cut. */
void table_print(const Table *t, unsigned width, Buf *b);
