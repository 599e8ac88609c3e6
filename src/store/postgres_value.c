#include "store/postgres_impl.h"

#include <endian.h>

#include <libpq-fe.h>

/* Values travel in PostgreSQL's binary form: big-endian numbers, times as microseconds since 2000. */
static const int64_t epoch_us = 946684800000000;

enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_TEXT = 25,
	OID_FLOAT8 = 701,
	OID_TIMESTAMPTZ = 1184,
	OID_JSONB = 3802,
	JSONB_VERSION = 1,
};

static unsigned
type_of(char letter)
{
	static const unsigned oids[128] = {
		['i'] = OID_INT8,
		['b'] = OID_BOOL,
		['d'] = OID_FLOAT8,
		['t'] = OID_TIMESTAMPTZ,
		['s'] = OID_TEXT,
		['j'] = OID_JSONB,
		['x'] = OID_BYTEA,
	};

	return oids[(letter | 0x20) & 0x7f]; /* capitals may be null */
}

unsigned *
pg_types(Arena *a, const char *in)
{
	size_t n = strlen(in);
	unsigned *types = arena_array(a, unsigned, n + 1);

	for (size_t i = 0; i < n; i++)
		types[i] = type_of(in[i]);
	return types;
}

static Str
big_endian(Arena *a, uint64_t v)
{
	char *p = arena_alloc_raw(a, sizeof(v));

	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
	return (Str){ p, sizeof(v) };
}

static uint64_t
bits_of(double d)
{
	uint64_t v;

	memcpy(&v, &d, sizeof(v));
	return v;
}

static Str
encode_json(Arena *a, const Json *j)
{
	Buf b = buf_open(a);

	buf_char(&b, JSONB_VERSION);
	json_print(&b, j);
	return buf_str(&b);
}

Str
pg_encode_one(Arena *a, const Bind *b)
{
	switch (b->type) {
	case 'i': return big_endian(a, (uint64_t)b->i);
	case 't': return big_endian(a, (uint64_t)(b->i - epoch_us)); /* bounds are checked in db.c */
	case 'd': return big_endian(a, bits_of(b->d));
	case 'b': return (Str){ b->b ? "\1" : "\0", 1 };
	case 'j': return encode_json(a, b->j);
	case 's':
	case 'x': return b->s;
	default: return (Str){ 0 };
	}
}

PgParams
pg_params(Arena *a, size_t n)
{
	return (PgParams){ .n = (int)n,
		.values = arena_array(a, const char *, n + 1),
		.lengths = arena_array(a, int, n + 1),
		.formats = arena_array(a, int, n + 1) };
}

void
pg_param(PgParams *p, size_t i, Str value)
{
	p->values[i] = value.p;
	p->lengths[i] = (int)value.n;
	p->formats[i] = 1;
}

PgParams
pg_encode(Arena *a, const char *in, const Bind *binds)
{
	size_t n = strlen(in);
	PgParams p = pg_params(a, n);

	for (size_t i = 0; i < n; i++)
		pg_param(&p, i, pg_encode_one(a, &binds[i]));
	return p;
}

typedef bool Decoder(Arena *a, Str v, Cell *ret);

static uint64_t
number_of(Str v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v.n; i++)
		n = n << 8 | (unsigned char)v.p[i];
	return n;
}

static bool
decode_int2(Arena *a, Str v, Cell *ret)
{
	(void)a;
	*ret = (Cell){ .type = 'i', .i = (int16_t)number_of(v) };
	return v.n == sizeof(int16_t);
}

static bool
decode_int4(Arena *a, Str v, Cell *ret)
{
	(void)a;
	*ret = (Cell){ .type = 'i', .i = (int32_t)number_of(v) };
	return v.n == sizeof(int32_t);
}

static bool
decode_int8(Arena *a, Str v, Cell *ret)
{
	(void)a;
	*ret = (Cell){ .type = 'i', .i = (int64_t)number_of(v) };
	return v.n == sizeof(int64_t);
}

static bool
decode_oid(Arena *a, Str v, Cell *ret)
{
	(void)a;
	*ret = (Cell){ .type = 'i', .i = (int64_t)number_of(v) };
	return v.n <= sizeof(uint32_t); /* a bool is one byte */
}

static bool
decode_time(Arena *a, Str v, Cell *ret)
{
	int64_t t = (int64_t)number_of(v);

	(void)a;
	if (t == INT64_MIN || __builtin_add_overflow(t, epoch_us, &t))
		t = t < 0 ? INT64_MIN : INT64_MAX; /* infinities, and years past 292277 */
	*ret = (Cell){ .type = 'i', .i = t };
	return v.n == sizeof(int64_t);
}

static bool
decode_float8(Arena *a, Str v, Cell *ret)
{
	uint64_t bits = number_of(v);

	(void)a;
	ret->type = 'd';
	memcpy(&ret->d, &bits, sizeof(bits));
	return v.n == sizeof(bits);
}

static bool
decode_float4(Arena *a, Str v, Cell *ret)
{
	uint32_t bits = (uint32_t)number_of(v);
	float f;

	(void)a;
	memcpy(&f, &bits, sizeof(bits));
	*ret = (Cell){ .type = 'd', .d = (double)f };
	return v.n == sizeof(bits);
}

static bool
decode_text(Arena *a, Str v, Cell *ret)
{
	*ret = (Cell){ .type = 's', .s = str_copy(a, v) };
	return true;
}

static bool
decode_jsonb(Arena *a, Str v, Cell *ret)
{
	if (v.n < 1 || v.p[0] != JSONB_VERSION)
		return false;
	return decode_text(a, (Str){ v.p + 1, v.n - 1 }, ret);
}

static bool
decode_void(Arena *a, Str v, Cell *ret)
{
	(void)a;
	(void)v;
	*ret = (Cell){ 0 };
	return true;
}

static const struct {
	unsigned oid;
	Decoder *decode;
} decoders[] = {
	{ OID_INT8, decode_int8 },
	{ OID_TEXT, decode_text },
	{ OID_TIMESTAMPTZ, decode_time },
	{ OID_JSONB, decode_jsonb },
	{ OID_BOOL, decode_oid },
	{ 23, decode_int4 },
	{ OID_BYTEA, decode_text },
	{ OID_FLOAT8, decode_float8 },
	{ 21, decode_int2 },
	{ 114, decode_text },  /* json */
	{ 1043, decode_text }, /* varchar */
	{ 1042, decode_text }, /* char(n) */
	{ 19, decode_text },   /* name */
	{ 18, decode_text },   /* "char" */
	{ 705, decode_text },  /* unknown */
	{ 26, decode_oid },
	{ 700, decode_float4 },
	{ 2278, decode_void },
};

static Decoder *
decoder_of(unsigned oid)
{
	for (size_t i = 0; i < countof(decoders); i++)
		if (decoders[i].oid == oid)
			return decoders[i].decode;
	return NULL;
}

static Decoder **
decoders_of(Arena *a, const PGresult *r, int cols, Err *err)
{
	Decoder **found = (Decoder **)arena_alloc(a, (size_t)cols * sizeof(*found));

	for (int c = 0; c < cols; c++) {
		found[c] = decoder_of(PQftype(r, c));
		if (found[c] == NULL) {
			err_set(err, ERR_INTERNAL,
			    "column '%s' has the PostgreSQL type %u, which is not read here: cast it", PQfname(r, c),
			    PQftype(r, c));
			return NULL;
		}
	}
	return found;
}

static bool
decode_row(const PGresult *r, int row, int cols, Decoder *const *found, Arena *a, Cell *cells)
{
	for (int c = 0; c < cols; c++) {
		Str v = { PQgetvalue(r, row, c), (size_t)PQgetlength(r, row, c) };

		if (PQgetisnull(r, row, c))
			cells[c] = (Cell){ 0 };
		else if (!found[c](a, v, &cells[c]))
			return false;
	}
	return true;
}

bool
pg_decode_set(const PGresult *r, RowSink *sink, Err *err)
{
	size_t before = sink->rows.n;

	if (!pg_decode(r, sink, 0, err))
		return false;
	/* the number of its row becomes what it came from; the cells close up */
	sink->rows.cols--;
	for (size_t i = before; i < sink->rows.n; i++) {
		const Cell *wide = sink->rows.cells + i * (sink->rows.cols + 1);

		sink->rows.from[i] = (uint32_t)(wide[sink->rows.cols].i - 1);
		memmove(sink->rows.cells + i * sink->rows.cols, wide, sink->rows.cols * sizeof(Cell));
	}
	return true;
}

bool
pg_decode(const PGresult *r, RowSink *sink, uint32_t from, Err *err)
{
	int rows = PQntuples(r), cols = PQnfields(r);
	Decoder **found;

	sink->rows.cols = (size_t)cols; /* known even of no rows */
	if (rows == 0)
		return true;
	row_sink_start(sink, (size_t)cols, (size_t)rows);
	found = decoders_of(sink->a, r, cols, err);
	if (found == NULL)
		return false;
	for (int i = 0; i < rows; i++)
		if (!decode_row(r, i, cols, found, sink->a, row_sink_next(sink, from)))
			return err_set(err, ERR_INTERNAL, "PostgreSQL sent a value that cannot be read");
	return true;
}
