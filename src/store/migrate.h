/*
 * Numbered migrations, embedded in the binary (migrations/NNNN_name.sql for both worlds, or one file each in
 * migrations/pg and migrations/sqlite). Applied under one lock, each in a transaction, recorded in schema_migration.
 * A database newer than the binary is refused.
 */
#pragma once

#include "store/db.h"

typedef struct Migration {
	int number;
	const char *name;
	const char *sqlite;
	const char *pg;
} Migration;

typedef struct MigrationState {
	int number;
	Str name;
	TimeUs applied_at; /* 0: not yet */
} MigrationState;

/* Brings the database up to the binary. ret_applied: how many were run. */
MUST_CHECK bool migrate(Store *s, TimeUs now, int *ret_applied, Err *err);
/* Refuses a database that is older (saying so) or newer than the binary. */
MUST_CHECK bool migrate_check(Store *s, Err *err);
MUST_CHECK bool migrate_status(Store *s, Arena *a, MigrationState **ret, size_t *ret_count, Err *err);
