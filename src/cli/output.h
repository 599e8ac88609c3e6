/*
 * How a command's answer reaches the person or the script: a table, JSON or YAML.
 */
#pragma once

#include "cli/cli.h"
#include "cli/table.h"

typedef enum ColumnKind {
	COLUMN_TEXT,
	COLUMN_TIME,   /* RFC 3339, shown to the second */
	COLUMN_MICROS, /* a duration in microseconds */
	COLUMN_AGE,    /* a time, shown as how long ago */
} ColumnKind;

typedef struct Column {
	const char *title;
	const char *path; /* in the row: "action_ref", "load.running" */
	ColumnKind kind;
} Column;

/* What `list` and `show` of a kind of thing need to know. Columns end with a row without title. */
struct Thing {
	const char *path; /* "/api/v1/packs" */
	Column columns[TABLE_COLUMNS];
};

void out_text(const Cli *c, Str text);
void out_line(const Cli *c, const char *fmt, ...) PRINTF(2, 3);
/* True when the format is JSON or YAML, and v was printed so. */
bool out_raw(const Cli *c, const Json *v);
void out_table(const Cli *c, const Column *columns, const Json *rows);
/* Two columns, key and value; nested values as JSON. */
void out_fields(const Cli *c, const Json *object);
Str cell_text(Arena *a, const Json *v, ColumnKind kind);
