/*
 * Lists whose filters vary: SQL put together from constant pieces with every value bound, newest first, paged by offset or by the
 * id of the last row seen, and rows made into JSON by a table of columns. Nothing a user wrote becomes SQL.
 */
#pragma once

#include "model/grants.h"
#include "store/db.h"

/* What a column becomes. The small ones are left out when there is no value, the others are null then. */
typedef enum ColumnKind { COL_INT, COL_REAL, COL_BOOL, COL_TEXT, COL_TIME, COL_JSON, COL_REFS, COL_KINDS } ColumnKind;

typedef struct Column {
	const char *sql; /* a constant expression */
	const char *key;
	ColumnKind kind;
	bool optional; /* left out instead of null */
} Column;

/* One object of the columns of a row, which were selected in their order. */
Json columns_json(Arena *a, const Column *columns, size_t n, Row r);
void columns_select(Buf *b, const Column *columns, size_t n); /* "select x, y" */

enum { LISTING_BINDS = 96 };

typedef struct Listing {
	Arena *a;
	const Column *columns;
	size_t column_count;
	const char *from; /* " from execution x": the table is called x */
	const char *by;   /* a column of texts, each once: in its order, not newest first; NULL: newest first */
	Buf where;
	char in[LISTING_BINDS + 1];
	Bind binds[LISTING_BINDS];
	size_t n;
} Listing;

void listing_open(Listing *l, Arena *a, const char *from, const Column *columns, size_t column_count);
/* A condition without a value, or with one, called $? in the piece; type as in Stmt.in. */
void listing_plain(Listing *l, const char *piece);
void listing_where(Listing *l, const char *piece, char type, Bind b);
/* The column, a constant, equals the value; none: no condition. With wild, * in the value stands for any text. */
void listing_text(Listing *l, const char *column, Str value, bool wild);
/* text with what is special in patterns standing for itself, and then the tail, a pattern */
Str listing_pattern(Arena *a, Str text, const char *tail);
void listing_id(Listing *l, const char *column, Id id); /* 0: no condition */

/* What constraints of grants mean for a table: constant expressions, NULL where it has nothing of the kind. */
typedef struct ScopeColumns {
	const char *pack_ref, *ref, *id;
	const char *pack_of; /* a ref whose first part is the pack, where there is no pack_ref */
	const char *owner;   /* identity that owns it, or for which a run goes */
	const char *owner_type, *owner_ref;
	const char *visibility, *encrypted;
	const char *execution, *ancestors; /* of executions */
} ScopeColumns;

/* Only what the scope shows; NULL: all. ERR_FORBIDDEN when the grants name more than a statement can hold. */
MUST_CHECK bool listing_scope(Listing *l, const Scope *s, const ScopeColumns *columns, Err *err);

/* Which part of a list. */
typedef struct Slice {
	int64_t size, offset;
	Id after;    /* only rows older than this one; 0: from the newest */
	Str behind;  /* the same in the order of Listing.by; none: from the first */
	bool totals; /* count all, however many */
} Slice;

typedef struct SliceOut {
	Json rows;
	bool more;
	Id last;       /* of the rows given, for the next slice; 0: there are none */
	Str last_key;  /* the same in the order of Listing.by, whose column is the second */
	int64_t total; /* -1: not counted, for there are more than LISTING_COUNTED */
} SliceOut;

enum { LISTING_COUNTED = 1000 };

MUST_CHECK bool listing_read(Db *db, Listing *l, const Slice *slice, SliceOut *ret, Err *err);
/* The one row that the conditions leave; *ret_found. */
MUST_CHECK bool listing_one(Db *db, Listing *l, Json *ret, bool *ret_found, Err *err);
