/*
 * Locks of PostgreSQL that are held until the transaction ends. A database may hold several installations, each in a schema of its own,
 * and they must not wait for each other: what is locked is a table's own number, which the server puts in once, when it first reads a
 * connection's statement, or with it one row's.
 *
 * Earlier versions locked a number that was the same for the whole database. While processes are replaced one by one both are at work,
 * and must keep each other out. So ours take the earlier lock as well, and after their own: shared, which keeps out nobody but the earlier ones.
 */
#pragma once

#define LOCK_TABLE(table) "('" table "'::regclass::oid::bigint << 32)"
#define LOCK_ROW(table, id) "(" LOCK_TABLE(table) " | (" id " & 4294967295))"

/* As text: a function that gives nothing has no type that could be read. */
#define LOCK_TAKE(key, earlier) \
	"pg_advisory_xact_lock(" key ")::text || pg_advisory_xact_lock_shared(" earlier ")::text"
#define LOCK_TRY(key, earlier) "(pg_try_advisory_xact_lock(" key ") and pg_try_advisory_xact_lock_shared(" earlier "))"

/* Of two halves, as the earlier locks of rows were. */
#define LOCK_EARLIER_ROW(number, id) number ", (" id " % 2000000000)::int"
