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
 *   delete from t where id = $1
 *   delete from t using unnest($1::bigint[]) with ordinality as r (p1, row_no) where id = r.p1
 *
 * The last column says which row of the batch a row came from, counted from 1. A column that is the same in every row (most are
 * null, or the time) travels once, as the parameter that it is: the server unpacks each list by itself, row for row.
 */
#include "store/postgres_impl.h"

#include <endian.h>
#include <stdlib.h>

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

/* A batch's parameters, and which of them are the same in every row: bit 1 << i for $(i + 1). */
typedef struct Set {
	const char *in;
	uint64_t same;
} Set;

static bool
travels_once(uint64_t same, size_t i)
{
	return same >> i & 1;
}

/* unnest($1::bigint[], ...) with ordinality as NAME (p1, ..., row_no) */
static void
write_rows(Buf *b, const Set *s, const char *name)
{
	size_t n = strlen(s->in);
	const char *between = "";

	buf_text(b, "unnest(");
	for (size_t i = 0; i < n; i++) {
		if (travels_once(s->same, i))
			continue;
		buf_fmt(b, "%s$%zu::%s", between, i + 1, lists[list_of(s->in[i])].name);
		between = ", ";
	}
	buf_fmt(b, ") with ordinality as %s (", name);
	for (size_t i = 0; i < n; i++)
		if (!travels_once(s->same, i))
			buf_fmt(b, "p%zu, ", i + 1);
	buf_text(b, "row_no)");
}

/* Copies a text, with r.p1 for $1 where that is a list. */
static void
write_params(Buf *b, Str text, const Set *s)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '$' && !travels_once(s->same, (size_t)atoi(text.p + i + 1) - 1))
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
write_update(Buf *b, Str text, const Set *s)
{
	Str sets, guard, gives = text;

	if (!cut_at(&gives, " where ", &sets))
		return false;
	write_params(b, sets, s);
	buf_text(b, " from ");
	write_rows(b, s, "r");
	buf_text(b, " where ");
	if (!cut_at(&gives, " returning ", &guard)) {
		write_params(b, gives, s);
		return true;
	}
	write_params(b, guard, s);
	buf_fmt(b, " returning %.*s, r.row_no", STR_ARG(gives));
	return true;
}

static bool
write_delete(Buf *b, Str text, const Set *s)
{
	Str table, guard = text;

	if (!cut_at(&guard, " where ", &table))
		return false;
	buf_fmt(b, "%.*s using ", STR_ARG(table));
	write_rows(b, s, "r");
	buf_text(b, " where ");
	write_params(b, guard, s);
	return true;
}

/* Of some rows for each row of the batch, which are counted for each: one after the other, in the order of the batch. */
static bool
write_select_some(Buf *b, Str text, const Set *s)
{
	buf_text(b, "select q.*, r.row_no from ");
	write_rows(b, s, "r");
	buf_text(b, " cross join lateral (");
	write_params(b, text, s);
	buf_text(b, ") as q");
	return true;
}

static bool
write_select(Buf *b, Str text, const Set *s)
{
	Str columns, table, guard = text;

	if (str_find(text, str_of(" limit "), NULL))
		return write_select_some(b, text, s);
	if (!cut_at(&guard, " from ", &columns) || !cut_at(&guard, " where ", &table))
		return false;
	buf_fmt(b, "%.*s, r.row_no from %.*s, ", STR_ARG(columns), STR_ARG(table));
	write_rows(b, s, "r");
	buf_text(b, " where ");
	write_params(b, guard, s);
	return true;
}

static bool
write_insert(Buf *b, Str text, const Set *s)
{
	Str table, columns, values, rest = text;

	if (!cut_at(&rest, "insert into ", &table) || !cut_at(&rest, " (", &table) ||
	    !cut_at(&rest, ") values (", &columns) || !cut_at(&rest, ")", &values))
		return false;
	if (!str_ends(rest, str_of(" returning id"))) {
		buf_fmt(b, "insert into %.*s (%.*s) select ", STR_ARG(table), STR_ARG(columns));
		write_params(b, values, s);
		buf_text(b, " from ");
		write_rows(b, s, "r");
		buf_fmt(b, " order by r.row_no%.*s", STR_ARG(rest));
		return true;
	}
	buf_fmt(b, "with r as materialized (select nextval('%.*s_id_seq') as id, u.* from ", STR_ARG(table));
	write_rows(b, s, "u");
	buf_fmt(b, "), made as (insert into %.*s (id, %.*s) select r.id, ", STR_ARG(table), STR_ARG(columns));
	write_params(b, values, s);
	buf_fmt(b,
	    " from r order by r.row_no%.*s) select made.id, r.row_no from made join r using (id) order by r.row_no",
	    STR_ARG(rest));
	return true;
}

const char *
pg_set_text(Arena *a, const char *sql, const char *in, uint64_t same)
{
	Str text = str_of(sql);
	Set s = { in, same };
	Buf b = buf_open(a);
	bool ok = str_starts(text, str_of("insert"))   ? write_insert(&b, text, &s)
		  : str_starts(text, str_of("select")) ? write_select(&b, text, &s)
		  : str_starts(text, str_of("delete")) ? write_delete(&b, text, &s)
						       : write_update(&b, text, &s);

	return ok ? buf_str(&b).p : NULL;
}

/* ---- the values ---- */

bool
pg_bind_same(const Bind *a, const Bind *b)
{
	if (a->type != b->type || a->type == 0)
		return a->type == b->type;
	if (a->type == 's' || a->type == 'x')
		return str_eq(a->s, b->s);
	if (a->type == 'b')
		return a->b == b->b;
	return a->type == 'd' ? a->d == b->d : a->i == b->i; /* a JSON by its address */
}

/* Never the first, so that there is a list to count the rows by. */
uint64_t
pg_set_same(const char *in, const Bind *binds, size_t rows)
{
	size_t width = strlen(in);
	uint64_t same = 0;

	for (size_t i = 1; i < width && i < 64; i++) {
		size_t row = 1;

		while (row < rows && pg_bind_same(&binds[i], &binds[row * width + i]))
			row++;
		same |= (uint64_t)(row == rows) << i;
	}
	return same;
}

unsigned *
pg_set_types(Arena *a, const char *in, uint64_t same)
{
	size_t n = strlen(in);
	unsigned *types = pg_types(a, in);

	for (size_t i = 0; i < n; i++)
		if (!travels_once(same, i))
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
pg_set_encode(Arena *a, const char *in, const Bind *binds, size_t rows, uint64_t same)
{
	size_t n = strlen(in);
	PgParams p = pg_params(a, n);

	for (size_t i = 0; i < n; i++)
		pg_param(&p, i,
		    travels_once(same, i) ? pg_encode_one(a, &binds[i])
					  : encode_list(a, binds + i, n, rows, lists[list_of(in[i])].element));
	return p;
}
