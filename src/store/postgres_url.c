#include "store/postgres_impl.h"

#include "store/libpq.h"

#include <stdio.h>

#include <libpq-fe.h>

enum { CONNECT_SECONDS = 5, STATEMENT_SECONDS = 30, SCHEMA_NAME_MOST = 63 };

/* What every connection of ours wants, unless the URL says otherwise. */
static const struct {
	const char *key;
	const char *value;
} defaults[] = {
	{ "application_name", "attune" },
	{ "keepalives_idle", "30" },
	{ "keepalives_interval", "10" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "30000" },
};

static void
add_starred(Buf *b, Str url, size_t from, size_t to)
{
	buf_add(b, str_sub(url, b->n, from)); /* so far both were of one length */
	buf_text(b, "***");
	buf_add(b, str_sub(url, to, url.n));
}

/* The URL with *** for a password before the @ or in the parameters; generous, since it may be malformed. */
static Str
starred(Arena *a, Str url)
{
	size_t start = 0, colon, at = 0, word;
	Buf b = buf_open(a);

	str_find(url, str_of("://"), &start);
	start += 3;
	for (size_t i = start; i < url.n; i++)
		if (url.p[i] == '@')
			at = i;
	if (at > 0 && str_find(str_sub(url, start, at), str_of(":"), &colon)) {
		add_starred(&b, url, start + colon + 1, at);
		url = buf_str(&b);
	}
	if (str_find(url, str_of("password="), &word)) {
		b = buf_open(a);
		buf_add(&b, str_sub(url, 0, word + strlen("password=")));
		buf_text(&b, "***");
		url = buf_str(&b);
	}
	return url;
}

/* Only names that need no quotes. */
static bool
schema_name_valid(Str name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";

	if (name.n == 0 || name.n > SCHEMA_NAME_MOST || (name.p[0] >= '0' && name.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '\0' || strchr(letters, name.p[i]) == NULL)
			return false;
	return true;
}

static void
put(PgStore *s, size_t *n, const char *key, const char *value)
{
	s->keys[*n] = key;
	s->values[(*n)++] = value;
}

static const char *
value_in(const PQconninfoOption *options, const char *key)
{
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (strcmp(o->keyword, key) == 0)
			return o->val;
	return NULL;
}

/*
 * A prepared statement's plan is kept, and the first one is often made while its table is empty: reading all of it looks best
 * then, and stays so when there are a million rows. Every hot statement has an index, so the planner is told to use it, and that
 * plans do not depend on the values.
 */
#define PLANS " -c jit=off -c enable_seqscan=off -c enable_bitmapscan=off -c plan_cache_mode=force_generic_plan"

static Str
session_options(PgStore *s, Str schema, const char *given)
{
	return str_fmt(s->a,
	    "%s -c search_path=%.*s -c attune.schema=%.*s -c timezone=UTC -c synchronous_commit=on"
	    " -c statement_timeout=%lld -c idle_in_transaction_session_timeout=60000" PLANS,
	    given == NULL ? "" : given, STR_ARG(schema), STR_ARG(schema),
	    (long long)(s->statement_timeout / US_PER_MS));
}

static void
fill(PgStore *s, const PQconninfoOption *options, Str schema)
{
	size_t n = 0, most = countof(defaults) + 3;

	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		most++;
	s->keys = (const char **)arena_alloc(s->a, most * sizeof(char *));
	s->values = (const char **)arena_alloc(s->a, most * sizeof(char *));
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (o->val != NULL && strcmp(o->keyword, "options") != 0 && strcmp(o->keyword, "client_encoding") != 0)
			put(s, &n, str_cstr(s->a, str_of(o->keyword)), str_cstr(s->a, str_of(o->val)));
	for (size_t i = 0; i < countof(defaults); i++)
		if (value_in(options, defaults[i].key) == NULL)
			put(s, &n, defaults[i].key, defaults[i].value);
	put(s, &n, "client_encoding", "UTF8");
	put(s, &n, "options", session_options(s, schema, value_in(options, "options")).p);
}

/* libpq's complaint may quote the URL or a part of it: repeated only when there is no password to betray. */
static bool
url_fail(const PgStore *s, const char *url, const char *complaint, Err *err)
{
	bool safe = strcmp(url, s->shown) == 0 && complaint != NULL;
	Str why = str_trim(str_of(safe ? complaint : "special characters in it are written as %XX"));

	return err_set(err, ERR_INVALID,
	    "'%s' is not a PostgreSQL URL (postgresql://user:password@host:port/database): %.*s", s->shown,
	    STR_ARG(why));
}

bool
pg_url_read(PgStore *s, const StoreConfig *config, Err *err)
{
	Str schema = config->schema.n == 0 ? str_of("attune") : config->schema;
	const char *url = str_cstr(s->a, config->url);
	char *complaint = NULL;
	PQconninfoOption *options;

	s->shown = str_cstr(s->a, starred(s->a, str_of(url)));
	s->connect_timeout = config->connect_timeout > 0 ? config->connect_timeout : (TimeUs)CONNECT_SECONDS * US_PER_S;
	s->statement_timeout =
	    config->statement_timeout > 0 ? config->statement_timeout : (TimeUs)STATEMENT_SECONDS * US_PER_S;
	if (!schema_name_valid(schema))
		return err_set(
		    err, ERR_INVALID, "database schema '%.*s': use small letters, digits and _", STR_ARG(schema));
	if (!late_load(&libpq, err))
		return false;
	options = PQconninfoParse(url, &complaint);
	if (options != NULL)
		fill(s, options, schema);
	else
		url_fail(s, url, complaint, err);
	PQconninfoFree(options);
	PQfreemem(complaint);
	return options != NULL;
}
