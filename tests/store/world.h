/*
 * A database of one's own for a test: a file in a fresh folder, or a fresh schema of the PostgreSQL named by
 * ATTUNE_TEST_PG (dev/with-servers starts one). Which of the two is said by ATTUNE_TEST_STORE.
 */
#pragma once

#include "store/db.h"

typedef struct World {
	Arena *a;
	StoreConfig config;
	const char *dir; /* NULL in PostgreSQL */
	Store *store;
	Db *db;
} World;

World *world_bare(void);    /* no tables */
World *world_items(void);   /* one table, item */
void world_done(World **w); /* for CLEANUP */
bool world_is_postgres(void);
void world_close(World *w);  /* the store, not its data */
void world_reopen(World *w); /* after world_close */
const char *world_pg_url(void);

/* The first cell of what a statement gives. */
int64_t world_number(World *w, const Stmt *s);
/* begin, one statement, commit; fails the test when one of them does. */
void world_do(World *w, const Stmt *s, const Bind *binds);
