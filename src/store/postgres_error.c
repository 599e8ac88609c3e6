#include "store/postgres_impl.h"

#include <stdio.h>

#include <libpq-fe.h>

/* SQLSTATE to code; the first row whose text begins the state. */
static const struct {
	const char *state;
	ErrCode code;
} states[] = {
	{ "08", ERR_AWAY }, /* connection */
	{ "21", ERR_INTERNAL },
	{ "22", ERR_VALIDATION }, /* values */
	{ "23505", ERR_CONFLICT },
	{ "23P01", ERR_CONFLICT },
	{ "23", ERR_VALIDATION },
	{ "25006", ERR_AWAY },      /* a standby that does not write */
	{ "25P03", ERR_AWAY },      /* idle in transaction for too long: the connection is gone */
	{ "26000", ERR_AWAY },      /* the server has forgotten a prepared statement */
	{ "28", ERR_UNAUTHORIZED }, /* wrong password, no such user */
	{ "3D000", ERR_NOT_FOUND }, /* no such database */
	{ "40", ERR_AWAY },         /* deadlock, serialisation */
	{ "42501", ERR_FORBIDDEN },
	{ "53", ERR_AWAY }, /* disk, memory or connections used up */
	{ "54", ERR_TOO_LARGE },
	{ "55P03", ERR_AWAY }, /* locked */
	{ "57014", ERR_TIMEOUT },
	{ "57P04", ERR_NOT_FOUND }, /* database dropped */
	{ "57", ERR_AWAY },         /* stopped, starting */
	{ "58", ERR_AWAY },         /* the server's own system */
	{ "XX001", ERR_CORRUPT },
	{ "XX002", ERR_CORRUPT },
};

static const struct {
	const char *state;
	BrokenRule rule;
} constraints[] = {
	{ "23505", BROKEN_UNIQUE },
	{ "23P01", BROKEN_UNIQUE },
	{ "23514", BROKEN_CHECK },
	{ "23502", BROKEN_NOT_NULL },
	{ "23503", BROKEN_REFERENCE },
};

ErrCode
pg_state_code(const char *state)
{
	for (size_t i = 0; i < countof(states); i++)
		if (strncmp(state, states[i].state, strlen(states[i].state)) == 0)
			return states[i].code;
	return ERR_INTERNAL;
}

static const char *
field(const PGresult *r, int which)
{
	const char *text = r == NULL ? NULL : PQresultErrorField(r, which);

	return text == NULL ? "" : text;
}

/* A prepared statement has outlived a change of its table. */
static bool
plan_is_stale(const PGresult *r)
{
	return strcmp(field(r, PG_DIAG_SQLSTATE), "0A000") == 0 &&
	       strcmp(field(r, PG_DIAG_SOURCE_FUNCTION), "RevalidateCachedQuery") == 0;
}

bool
pg_is_lost(const PGresult *r)
{
	/* After these the server closes, or has forgotten our statements: a fresh connection cures both. */
	static const char *const gone[] = { "08", "57P", "25P03", "26000" };
	const char *state = field(r, PG_DIAG_SQLSTATE);

	if (plan_is_stale(r))
		return true;
	for (size_t i = 0; i < countof(gone); i++)
		if (strncmp(state, gone[i], strlen(gone[i])) == 0)
			return true;
	return false;
}

/* The DETAIL of an error shows the row, and so values: it is left out. */
static bool
constraint_fail(const PGresult *r, BrokenRule rule, const char *sql, Err *err)
{
	char name[160];

	if (rule != BROKEN_NOT_NULL)
		return broken_rule(rule, field(r, PG_DIAG_CONSTRAINT_NAME), sql, err);
	snprintf(name, sizeof(name), "%s.%s", field(r, PG_DIAG_TABLE_NAME), field(r, PG_DIAG_COLUMN_NAME));
	return broken_rule(rule, name, sql, err);
}

static bool
full_fail(PgStore *s, const char *what, Err *err)
{
	Err why = { 0 };

	err_set(&why, ERR_AWAY, "the disk of PostgreSQL at %s is full: free some space, what is stored is safe (%s)",
	    s->shown, what);
	store_full(&s->base, why.text);
	return err_set(err, why.code, "%s", why.text);
}

bool
pg_fail(PgStore *s, const PGresult *r, const char *sql, Err *err)
{
	const char *state = field(r, PG_DIAG_SQLSTATE);

	for (size_t i = 0; i < countof(constraints); i++)
		if (strcmp(state, constraints[i].state) == 0)
			return constraint_fail(r, constraints[i].rule, sql, err);
	if (strncmp(state, "22", 2) == 0) /* of what somebody sent, who need not know where it was to go */
		return err_set(err, pg_state_code(state), "a value cannot be stored: %s (%s)",
		    field(r, PG_DIAG_MESSAGE_PRIMARY), state);
	if (strcmp(state, "53100") == 0)
		return full_fail(s, field(r, PG_DIAG_MESSAGE_PRIMARY), err);
	return err_set(err, plan_is_stale(r) ? ERR_AWAY : pg_state_code(state), "PostgreSQL at %s: %s (%s, in '%.*s')",
	    s->shown, field(r, PG_DIAG_MESSAGE_PRIMARY), state, SQL_SHOWN, sql);
}
