/*
 * How a command's answer reaches the person or the script: a table, names, one field, JSON or YAML.
 */
#pragma once

#include "cli/input.h"
#include "cli/table.h"

typedef enum ColumnKind {
	COLUMN_TEXT,
	COLUMN_FIXED,  /* never cut: ids, counts */
	COLUMN_STATUS, /* never cut, coloured */
	COLUMN_TIME,   /* RFC 3339, shown to the second */
	COLUMN_MICROS, /* a duration in microseconds */
	COLUMN_AGE,    /* a time, shown as how long ago */
	COLUMN_BYTES,
} ColumnKind;

typedef struct Column {
	const char *title;
	const char *path; /* in the row: "action_ref", "load.running" */
	ColumnKind kind;
	bool wide; /* only with -o wide */
} Column;

/* What `list` and `show` of a kind of thing need to know. Columns end with a row without title. */
struct Thing {
	const char *path; /* "/api/v1/packs" */
	Column columns[TABLE_COLUMNS];
	const char *name; /* the member that commands take; NULL: the first of ref, login, id, name that there is */
};

void out_text(const Cli *c, Str text);
void out_line(const Cli *c, const char *fmt, ...) PRINTF(2, 3);
/* A line with what others wrote, cleaned as in a table. */
void out_clean(const Cli *c, const char *fmt, ...) PRINTF(2, 3);
/* Says something besides the answer, on standard error, unless --quiet. */
void out_note(const Cli *c, const char *fmt, ...) PRINTF(2, 3);
/* Notes of what the answer has under `warnings`. */
void out_warnings(const Cli *c, const Json *answer);
/* True when the format is for programs (JSON, YAML, names, one field), and v was printed so. */
bool out_raw(Cli *c, const Json *v);
void out_table(const Cli *c, const Column *columns, const Json *rows);
/* A table, or that there is nothing; thing NULL: each row as JSON. */
void out_list(const Cli *c, const Thing *thing, const Json *rows);
/* Two columns, key and value; nested values as JSON. */
void out_fields(const Cli *c, const Json *object);
Str cell_text(Arena *a, const Json *v, ColumnKind kind);
/* What commands call a row; thing may be NULL. */
Str row_name(Arena *a, const Thing *thing, const Json *row);
/* The options of a list as a query behind the path. */
Str cli_query(const Cli *c, Str path);
