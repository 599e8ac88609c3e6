/*
 * A batch as one statement. What a statement costs beyond its rows (start of the executor, reading the table's checks, one
 * exchange of messages) is paid once for all rows when they travel as a list per parameter:
 *
 *   update t set a = $2 where id = $1 returning id
 *   update t set a = r.p2 from unnest($1::bigint[], $2::text[]) with ordinality as r (p1, p2, row_no) where id = r.p1 returning id, r.row_no
 *
 *   insert into t (a) values ($1) on conflict do nothing returning id
 *   with r as materialized (select nextval('t_id_seq') as id, u.* from unnest($1::text[]) with ordinality as u (p1, row_no)),
 *   made as (insert into t (id, a) select r.id, r.p1 from r order by r.row_no on conflict do nothing returning id)
 *   select made.id, r.row_no from made join r using (id) order by r.row_no
 *
 *   insert into t (a) values ($1) on conflict (a) do update set b = excluded.b
 *   insert into t (a) select r.p1 from unnest($1::text[]) with ordinality as r (p1, row_no) order by r.row_no on conflict ...
 *
 *   select a from t where id = $1 for no key update
 *   select a, r.row_no from t, unnest($1::bigint[]) with ordinality as r (p1, row_no) where id = r.p1 for no key update
 *
 *   select a from t where of = $1 order by id limit $2
 *   select q.*, r.row_no from unnest($1::bigint[], $2::bigint[]) with ordinality as r (p1, p2, row_no)
 *   cross join lateral (select a from t where of = r.p1 order by id limit r.p2) as q
 *
 * The last column says which row of the batch a row came from, counted from 1.
 */
#include "store/postgres_impl.h"

#include <endian.h>

static const struct {
	char letter;
	unsigned element, list;
	const char *name;
} lists[] = {
	{ 'i', 20, 1016, "bigint[]" },
	{ 'b', 16, 1000, "boolean[]" },
	{ 'd', 701, 1022, "float8[]" },
	{ 't', 1184, 1185, "timestamptz[]" },
	{ 's', 25, 1009, "text[]" },
	{ 'j', 3802, 3807, "jsonb[]" },
	{ 'x', 17, 1001, "bytea[]" },
};

static size_t
list_of(char letter)
{
	size_t i = 0;

	while (lists[i].letter != (letter | 0x20)) /* db.c has checked the letters */
		i++;
	return i;
}

/* ---- the text ---- */

/* unnest($1::bigint[], ...) with ordinality as NAME (p1, ..., row_no) */
static void
write_rows(Buf *b, const char *in, const char *name)
{
	size_t n = strlen(in);

	buf_text(b, "unnest(");
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, "%s$%zu::%s", i > 0 ? ", " : "", i + 1, lists[list_of(in[i])].name);
	buf_fmt(b, ") with ordinality as %s (", name);
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, "p%zu, ", i + 1);
	buf_text(b, "row_no)");
}

/* Copies a text, with r.p1 for $1. */
static void
write_params(Buf *b, Str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '$')
			buf_text(b, "r.p");
		else
			buf_char(b, text.p[i]);
	}
}

static bool
cut_at(Str *rest, const char *mark, Str *ret_before)
{
	size_t at;

	if (!str_find(*rest, str_of(mark), &at))
		return false;
	*ret_before = str_sub(*rest, 0, at);
	*rest = str_sub(*rest, at + strlen(mark), rest->n);
	return true;
}

static bool
write_update(Buf *b, Str text, const char *in)
{
	Str sets, guard, gives = text;

	if (!cut_at(&gives, " where ", &sets))
		return false;
	write_params(b, sets);
	buf_text(b, " from ");
	write_rows(b, in, "r");
	buf_text(b, " where ");
	if (!cut_at(&gives, " returning ", &guard)) {
		write_params(b, gives);
		return true;
	}
	write_params(b, guard);
	buf_fmt(b, " returning %.*s, r.row_no", STR_ARG(gives));
	return true;
}

/* Of some rows for each row of the batch, which are counted for each. */
static bool
write_select_some(Buf *b, Str text, const char *in)
{
	buf_text(b, "select q.*, r.row_no from ");
	write_rows(b, in, "r");
	buf_text(b, " cross join lateral (");
	write_params(b, text);
	buf_text(b, ") as q");
	return true;
}

static bool
write_select(Buf *b, Str text, const char *in)
{
	Str columns, table, guard = text;

	if (str_find(text, str_of(" limit "), NULL))
		return write_select_some(b, text, in);
	if (!cut_at(&guard, " from ", &columns) || !cut_at(&guard, " where ", &table))
		return false;
	buf_fmt(b, "%.*s, r.row_no from %.*s, ", STR_ARG(columns), STR_ARG(table));
	write_rows(b, in, "r");
	buf_text(b, " where ");
	write_params(b, guard);
	return true;
}

static bool
write_insert(Buf *b, Str text, const char *in)
{
	Str table, columns, values, rest = text;

	if (!cut_at(&rest, "insert into ", &table) || !cut_at(&rest, " (", &table) ||
	    !cut_at(&rest, ") values (", &columns) || !cut_at(&rest, ")", &values))
		return false;
	if (!str_ends(rest, str_of(" returning id"))) {
		buf_fmt(b, "insert into %.*s (%.*s) select ", STR_ARG(table), STR_ARG(columns));
		write_params(b, values);
		buf_text(b, " from ");
		write_rows(b, in, "r");
		buf_fmt(b, " order by r.row_no%.*s", STR_ARG(rest));
		return true;
	}
	buf_fmt(b, "with r as materialized (select nextval('%.*s_id_seq') as id, u.* from ", STR_ARG(table));
	write_rows(b, in, "u");
	buf_fmt(b, "), made as (insert into %.*s (id, %.*s) select r.id, ", STR_ARG(table), STR_ARG(columns));
	write_params(b, values);
	buf_fmt(b,
	    " from r order by r.row_no%.*s) select made.id, r.row_no from made join r using (id) order by r.row_no",
	    STR_ARG(rest));
	return true;
}

const char *
pg_set_text(Arena *a, const char *sql, const char *in)
{
	Str text = str_of(sql);
	Buf b = buf_open(a);
	bool ok = str_starts(text, str_of("insert"))   ? write_insert(&b, text, in)
		  : str_starts(text, str_of("select")) ? write_select(&b, text, in)
						       : write_update(&b, text, in);

	return ok ? buf_str(&b).p : NULL;
}

/* ---- the values ---- */

unsigned *
pg_set_types(Arena *a, const char *in)
{
	size_t n = strlen(in);
	unsigned *types = arena_array(a, unsigned, n + 1);

	for (size_t i = 0; i < n; i++)
		types[i] = lists[list_of(in[i])].list;
	return types;
}

static void
write_int(Buf *b, uint32_t v)
{
	v = htobe32(v);
	buf_add(b, (Str){ (char *)&v, sizeof(v) });
}

/* One dimension, counted from 1; each element behind its length, null is -1. */
static Str
encode_list(Arena *a, const Bind *column, size_t width, size_t rows, unsigned element)
{
	Buf b = buf_open(a);

	write_int(&b, 1);
	write_int(&b, 1);
	write_int(&b, element);
	write_int(&b, (uint32_t)rows);
	write_int(&b, 1);
	for (size_t i = 0; i < rows; i++) {
		const Bind *v = column + i * width;
		Str s = pg_encode_one(a, v);

		write_int(&b, v->type == 0 ? UINT32_MAX : (uint32_t)s.n);
		buf_add(&b, s);
	}
	return buf_str(&b);
}

PgParams
pg_set_encode(Arena *a, const char *in, const Bind *binds, size_t rows)
{
	size_t n = strlen(in);
	PgParams p = pg_params(a, n);

	for (size_t i = 0; i < n; i++)
		pg_param(&p, i, encode_list(a, binds + i, n, rows, lists[list_of(in[i])].element));
	return p;
}
