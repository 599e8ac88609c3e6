#include "store/listing.h"

#include <stdlib.h>

/* ---- rows as JSON ---- */

static Json
as_int(Arena *a, Row r, int col)
{
	(void)a;
	return json_int(row_int(r, col));
}

static Json
as_real(Arena *a, Row r, int col)
{
	(void)a;
	return json_real(row_real(r, col));
}

static Json
as_bool(Arena *a, Row r, int col)
{
	(void)a;
	return json_bool(row_bool(r, col));
}

static Json
as_text(Arena *a, Row r, int col)
{
	(void)a;
	return json_str(row_str(r, col));
}

static Json
as_time(Arena *a, Row r, int col)
{
	return json_str(time_text(a, row_int(r, col)));
}

static Json
as_json(Arena *a, Row r, int col)
{
	return row_json(a, r, col);
}

static Json
as_refs(Arena *a, Row r, int col)
{
	Json v = row_json(a, r, col);

	return v.kind == JSON_ARRAY ? v : json_array();
}

static Json (*const makers[COL_KINDS])(Arena *a, Row r, int col) = {
	[COL_INT] = as_int,
	[COL_REAL] = as_real,
	[COL_BOOL] = as_bool,
	[COL_TEXT] = as_text,
	[COL_TIME] = as_time,
	[COL_JSON] = as_json,
	[COL_REFS] = as_refs,
};

Json
columns_json(Arena *a, const Column *columns, size_t n, Row r)
{
	Json out = json_object();

	for (size_t i = 0; i < n; i++) {
		const Column *c = &columns[i];
		bool none = row_null(r, (int)i) && c->kind != COL_REFS;

		if (none && c->optional)
			continue;
		json_add(a, &out, c->key, none ? json_null() : makers[c->kind](a, r, (int)i));
	}
	return out;
}

void
columns_select(Buf *b, const Column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_text(b, i == 0 ? "select " : ", ");
		buf_text(b, columns[i].sql);
	}
}

/* ---- conditions ---- */

void
listing_open(Listing *l, Arena *a, const char *from, const Column *columns, size_t column_count)
{
	*l = (Listing){ .a = a, .columns = columns, .column_count = column_count, .from = from, .where = buf_open(a) };
}

void
listing_plain(Listing *l, const char *piece)
{
	buf_text(&l->where, l->where.n == 0 ? " where " : " and ");
	buf_text(&l->where, piece);
}

void
listing_where(Listing *l, const char *piece, char type, Bind b)
{
	const char *mark = strstr(piece, "$?");

	if (l->n == LISTING_BINDS)
		abort(); /* a defect: no list has that many conditions, and leaving one out would show what must not be seen */
	l->in[l->n] = type;
	l->binds[l->n++] = b;
	buf_text(&l->where, l->where.n == 0 ? " where " : " and ");
	while (mark != NULL) {
		buf_add(&l->where, (Str){ piece, (size_t)(mark - piece) });
		buf_fmt(&l->where, "$%zu", l->n);
		piece = mark + 2;
		mark = strstr(piece, "$?");
	}
	buf_text(&l->where, piece);
}

/* a*b as a pattern: what is special in patterns stands for itself */
static Str
wild_pattern(Arena *a, Str value)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '%' || value.p[i] == '_' || value.p[i] == '\\')
			buf_char(&b, '\\');
		buf_char(&b, value.p[i] == '*' ? '%' : value.p[i]);
	}
	return buf_str(&b);
}

Str
listing_pattern(Arena *a, Str text, const char *tail)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '%' || text.p[i] == '_' || text.p[i] == '\\')
			buf_char(&b, '\\');
		buf_char(&b, text.p[i]);
	}
	buf_text(&b, tail);
	return buf_str(&b);
}

void
listing_text(Listing *l, const char *column, Str value, bool wild)
{
	const char *piece;

	if (str_none(value))
		return;
	if (!wild || memchr(value.p, '*', value.n) == NULL) {
		piece = str_fmt(l->a, "%s = $?", column).p;
		listing_where(l, piece, 's', bind_str(value));
		return;
	}
	piece = str_fmt(l->a, "%s like $? escape '\\'", column).p;
	listing_where(l, piece, 's', bind_str(wild_pattern(l->a, value)));
}

void
listing_id(Listing *l, const char *column, Id id)
{
	if (id != 0)
		listing_where(l, str_fmt(l->a, "%s = $?", column).p, 'i', bind_int(id));
}

/* ---- reading ---- */

static bool
count(Db *db, const Listing *l, bool all, int64_t *ret, Err *err)
{
	Buf b = buf_open(l->a);
	Rows rows;

	buf_fmt(&b, "select count(*) from (select 1%s%.*s%s) c", l->from, STR_ARG(((Str){ l->where.p, l->where.n })),
	    all ? "" : " limit 1001");
	if (!db_read_text(db, l->a, buf_str(&b), l->in, l->binds, &rows, err))
		return err_wrap(err, "count");
	*ret = row_int(rows_at(&rows, 0), 0);
	return true;
}

/* Counts only when the rows themselves do not tell, and no further than needed. */
static bool
total_of(Db *db, const Listing *l, const Slice *s, SliceOut *ret, Err *err)
{
	int64_t n = ret->rows.n;

	ret->total = -1;
	if (!ret->more && s->after == 0 && str_none(s->behind) && (n > 0 || s->offset == 0)) {
		if (s->totals || s->offset + n <= LISTING_COUNTED)
			ret->total = s->offset + n;
		return true;
	}
	if (!count(db, l, s->totals, &n, err))
		return false;
	if (s->totals || n <= LISTING_COUNTED)
		ret->total = n;
	return true;
}

static bool
page_read(Db *db, Listing *l, const Slice *s, Rows *ret, Err *err)
{
	Listing p = *l;
	Buf b = buf_open(l->a);
	Bind limit = bind_int(s->size + 1), offset = bind_int(s->offset);

	p.where = buf_open(l->a);
	if (l->where.n > 0)
		buf_add(&p.where, (Str){ l->where.p, l->where.n });
	if (s->after != 0)
		listing_where(&p, "x.id < $?", 'i', bind_int(s->after));
	if (l->by != NULL && !str_none(s->behind))
		listing_where(&p, str_fmt(l->a, "%s > $?", l->by).p, 's', bind_str(s->behind));
	listing_where(&p,
	    l->by == NULL ? "true order by x.id desc limit $?" : str_fmt(l->a, "true order by %s limit $?", l->by).p,
	    'i', limit);
	if (s->offset > 0 && p.n < LISTING_BINDS) {
		p.in[p.n] = 'i';
		p.binds[p.n++] = offset;
		buf_fmt(&p.where, " offset $%zu", p.n);
	}
	columns_select(&b, l->columns, l->column_count);
	buf_text(&b, l->from);
	buf_add(&b, buf_str(&p.where));
	return db_read_text(db, l->a, buf_str(&b), p.in, p.binds, ret, err) || err_wrap(err, "list");
}

bool
listing_read(Db *db, Listing *l, const Slice *s, SliceOut *ret, Err *err)
{
	Rows rows;
	size_t n;

	if (!page_read(db, l, s, &rows, err))
		return false;
	n = rows.n > (size_t)s->size ? (size_t)s->size : rows.n;
	*ret = (SliceOut){ .rows = json_array(), .more = rows.n > n };
	for (size_t i = 0; i < n; i++)
		json_push(l->a, &ret->rows, columns_json(l->a, l->columns, l->column_count, rows_at(&rows, i)));
	if (n > 0)
		ret->last = row_int(rows_at(&rows, n - 1), 0);
	if (n > 0 && l->by != NULL)
		ret->last_key = row_str(rows_at(&rows, n - 1), 1);
	return total_of(db, l, s, ret, err);
}

bool
listing_one(Db *db, Listing *l, Json *ret, bool *ret_found, Err *err)
{
	Buf b = buf_open(l->a);
	Rows rows;

	columns_select(&b, l->columns, l->column_count);
	buf_text(&b, l->from);
	buf_add(&b, (Str){ l->where.p, l->where.n });
	if (!db_read_text(db, l->a, buf_str(&b), l->in, l->binds, &rows, err))
		return false;
	*ret_found = rows.n > 0;
	if (rows.n > 0)
		*ret = columns_json(l->a, l->columns, l->column_count, rows_at(&rows, 0));
	return true;
}
