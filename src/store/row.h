/*
 * What goes into a statement and what comes out of it, as values: statements, binds, rows and cells. Part of the face of db.h.
 */
#pragma once

#include "base/json.h"
#include "base/uuid.h"

/* A statement. Constants only: the address is the key of the statement cache. One letter a parameter in `in`:
 * i int64, b bool, d double, t time, s text, j json, x bytes. A capital letter is the same and may be null. */
typedef struct Stmt {
	const char *sql;
	const char *in;
	const char *pg; /* PostgreSQL's own text, where one text cannot serve both */
	/* An insert of one row: SQLite gives the id of the row it made, and no row when it made none. Its own `returning` opens a
	 * table in memory for each statement, which costs more than the insert. */
	bool gives_id;
	/* The rows of a batch do not depend on each other, and no two of them write the same row: PostgreSQL may take them as one
	 * statement (postgres_set.c says which forms). */
	bool set;
} Stmt;

/* A value bound to a parameter. Made with the functions below, in the order of the statement's parameters. */
typedef struct Bind {
	char type; /* as in Stmt.in, lower case; 0 is null */
	union {
		int64_t i;
		double d;
		bool b;
		Str s;
		const Json *j;
	};
} Bind;

static inline Bind
bind_int(int64_t v)
{
	return (Bind){ .type = 'i', .i = v };
}

static inline Bind
bind_id(Id v) /* 0 is null */
{
	return (Bind){ .type = v == 0 ? (char)0 : 'i', .i = v };
}

static inline Bind
bind_bool(bool v)
{
	return (Bind){ .type = 'b', .b = v };
}

static inline Bind
bind_real(double v)
{
	return (Bind){ .type = 'd', .d = v };
}

static inline Bind
bind_time(TimeUs v) /* 0 is null */
{
	return (Bind){ .type = v == 0 ? (char)0 : 't', .i = v };
}

static inline Bind
bind_str(Str v) /* no string is null */
{
	return (Bind){ .type = v.p == NULL ? (char)0 : 's', .s = v };
}

static inline Bind
bind_text(const char *v)
{
	return bind_str(str_of(v));
}

static inline Bind
bind_json(const Json *v) /* NULL is null; a JSON null is the JSON value null */
{
	return (Bind){ .type = v == NULL ? (char)0 : 'j', .j = v };
}

static inline Bind
bind_bytes(Str v)
{
	return (Bind){ .type = v.p == NULL ? (char)0 : 'x', .s = v };
}

/* What a statement gave back. Rows and their texts lie in the arena of the call. */
typedef struct Cell {
	char type; /* 0 null, i int, d double, s text or bytes; times and bools come as i */
	union {
		int64_t i;
		double d;
		Str s;
	};
} Cell;

typedef struct Rows {
	size_t n; /* rows */
	size_t cols;
	Cell *cells;      /* n * cols */
	uint32_t *from;   /* db_batch: which row of the input a row came from; NULL from db_exec */
	int64_t affected; /* rows inserted, updated or deleted, in all */
} Rows;

typedef struct Row {
	const Cell *cells;
} Row;

static inline Row
rows_at(const Rows *r, size_t i)
{
	return (Row){ r->cells + i * r->cols };
}

static inline bool
row_null(Row r, int col)
{
	return r.cells[col].type == 0;
}

static inline int64_t
row_int(Row r, int col) /* 0 for null; ids, times and bools too */
{
	return r.cells[col].type == 'i' ? r.cells[col].i : 0;
}

static inline bool
row_bool(Row r, int col)
{
	return row_int(r, col) != 0;
}

static inline Str
row_str(Row r, int col) /* Str{0} for null */
{
	return r.cells[col].type == 's' ? r.cells[col].s : (Str){ 0 };
}

/* What a batch gave back, in the order of its input; rows that came from one row of it stay as they are. Who relies on an order asks for
 * it: a batch that was one statement has none of its own. */
void rows_in_order(Arena *a, Rows *rows);
double row_real(Row r, int col);
Uuid row_uuid(Row r, int col); /* none for null, and for a text that is none */
/* Parses a JSON column; JSON null for SQL null or a text that is not JSON. */
Json row_json(Arena *a, Row r, int col);
