/*
 * What the tables of definitions have in common: reading by id and ref, lists with filters and pages, a write that changes nothing
 * when nothing is new, deletion; each change is noted (change.h). One DefTable describes a table; the families (action.h,
 * rule.h ...) give it types.
 */
#pragma once

#include "store/change.h"

/* Empty: no filter. A filter that a table has no column for finds nothing in it. */
typedef struct DefFilter {
	Str pack_ref, trigger_ref, action_ref;
	Str search; /* in ref, label and description, whatever the case */
	bool only_enabled;
	Str after;     /* only refs behind this one, in the order of the list */
	int64_t limit; /* 0: all */
	int64_t offset;
} DefFilter;

typedef struct DefPut {
	Id id;
	bool made, changed; /* made: it is new; changed: made, or not as it was */
} DefPut;

typedef struct DefTable {
	const char *kind; /* of its changes: "rule" */
	const char *name; /* in sentences: "Rule" */
	size_t size;      /* of the struct, whose first member is its Id */
	size_t ref_at;    /* where its ref lies */
	size_t width;     /* how many columns are written */
	void (*read)(Arena *a, Row r, void *def);
	void (*binds)(const void *def, Bind *b);
	/* Puts into def what the stored one keeps; before is NULL for a new one. May be NULL. */
	void (*merge)(void *def, const void *before, TimeUs now);
	Stmt by_id, by_ref, list, count;
	Stmt insert; /* width columns, then created and updated as one parameter; gives the id */
	Stmt update; /* width columns, updated, id */
	Stmt remove;
	Stmt rules_touched; /* ids of the rules that lose a reference by the deletion; sql NULL: none do */
} DefTable;

/* The parameters of list and count, in this order: pack_ref, only_enabled, search, trigger_ref, action_ref; list: after, limit, offset. */
#define DEF_LIST_IN "sbssssii"
#define DEF_COUNT_IN "sbsss"
#define DEF_IN_PACK " where ($1 = '' or pack_ref = $1)"
#define DEF_SEARCH(columns) " and lower(" columns ") like $3 escape '\\'"
#define DEF_ENABLED " and (enabled or not $2)"
#define DEF_ALWAYS_ENABLED " and $2 is not null"
#define DEF_NO_TRIGGER " and $4 = ''"
#define DEF_NO_ACTION " and $5 = ''"
#define DEF_PAGE " and x.ref > $6 order by x.ref limit $7 offset $8"

MUST_CHECK bool def_get(Db *db, Arena *a, const DefTable *t, Id id, void *ret, Err *err);       /* ERR_NOT_FOUND */
MUST_CHECK bool def_get_ref(Db *db, Arena *a, const DefTable *t, Str ref, void *ret, Err *err); /* ERR_NOT_FOUND */
/* ret_total may be NULL; it counts without the page. */
MUST_CHECK bool def_list(
    Db *db, Arena *a, const DefTable *t, const DefFilter *f, void **ret, size_t *ret_n, int64_t *ret_total, Err *err);
/* Inserts, or updates the row of the same ref, which keeps its id. Only when something is new is anything written and noted. */
MUST_CHECK bool def_put(Db *db, Arena *a, const DefTable *t, void *def, TimeUs now, DefPut *ret, Err *err);
MUST_CHECK bool def_delete(Db *db, Arena *a, const DefTable *t, Id id, TimeUs now, Err *err); /* ERR_NOT_FOUND */

/* Columns that may not be null get an empty value instead. */
Bind bind_object(const Json *v);
Bind bind_array(const Json *v);
Bind bind_value(const Json *v); /* null: SQL null */
Bind bind_count(int64_t v);     /* 0: SQL null */
