#include "store/db.h"
#include "store/db_impl.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"

#include <math.h>

/* The first moment that a PostgreSQL timestamptz can hold (4714 BC); refused in both worlds, so that they stay alike. */
static const TimeUs time_least = -210866803200000000;

enum { VALUE_MOST = 500 * 1000 * 1000 };

bool
store_open(const StoreConfig *config, Store **ret, Err *err)
{
	if (str_starts(config->url, str_of("sqlite:")))
		return sqlite_driver.store_open(config, ret, err);
	if (str_starts(config->url, str_of("postgresql://")) || str_starts(config->url, str_of("postgres://")))
		return postgres_driver.store_open(config, ret, err);
	return err_set(err, ERR_INVALID, "a database URL starts with sqlite: or postgresql://");
}

void
store_close(Store *s)
{
	if (s != NULL)
		s->driver->store_close(s);
}

StoreKind
store_kind(const Store *s)
{
	return s->driver->kind;
}

uint64_t
store_statements(const Store *s)
{
	return atomic_load_explicit(&s->statements, memory_order_relaxed);
}

enum { ROOM_US = 30 * US_PER_S }; /* without a refusal: a little may fit in before what is large does */

/* At a start there is one who says it: whoever wanted to start. */
void
store_full(Store *s, const char *why)
{
	if (store_commits(s) > 0 && atomic_exchange(&s->full_at, clock_mono(clock_real())) == 0)
		log_warn("%s; work waits and goes on when there is room", why);
}

void
store_committed(Store *s)
{
	TimeUs full_at = atomic_load_explicit(&s->full_at, memory_order_relaxed);

	atomic_fetch_add_explicit(&s->commits, 1, memory_order_relaxed);
	if (full_at != 0 && clock_mono(clock_real()) - full_at > ROOM_US &&
	    atomic_compare_exchange_strong(&s->full_at, &full_at, 0))
		log_info("the disk of the database has room again");
}

uint64_t
store_commits(const Store *s)
{
	return atomic_load_explicit(&s->commits, memory_order_relaxed);
}

bool
db_open(Store *s, Db **ret, Err *err)
{
	if (!s->driver->db_open(s, ret, err))
		return false;
	(*ret)->store = s;
	return true;
}

void
db_close(Db *db)
{
	if (db == NULL)
		return;
	db_rollback(db);
	db->store->driver->db_close(db);
}

void
db_done(Db **db)
{
	db_close(*db);
	*db = NULL;
}

Store *
db_store(const Db *db)
{
	return db->store;
}

StoreKind
db_kind(const Db *db)
{
	return db->store->driver->kind;
}

bool
db_begin(Db *db, Err *err)
{
	if (db->open)
		return err_set(err, ERR_INTERNAL, "a transaction is open already");
	if (!db->store->driver->begin(db, err))
		return false;
	db->open = true;
	db->failed = false;
	return true;
}

bool
db_commit(Db *db, Err *err)
{
	if (!db->open)
		return err_set(err, ERR_INTERNAL, "commit without a transaction");
	if (db->failed) {
		db_rollback(db);
		return err_set(err, ERR_INTERNAL, "commit after a failed statement: rolled back");
	}
	db->open = false;
	return db->store->driver->commit(db, err);
}

void
db_rollback(Db *db)
{
	if (!db->open)
		return;
	db->open = false;
	db->store->driver->rollback(db);
}

static char
lower(char letter)
{
	return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

/* Values that only one of the two worlds would take are refused in both. */
static bool
check_value(const Bind *b, size_t number, const char *sql, Err *err)
{
	const char *why = NULL;

	if (b->type == 's' && memchr(b->s.p, '\0', b->s.n) != NULL)
		why = "text with a NUL character";
	else if (b->type == 's' && !utf8_valid(b->s))
		why = "text that is not UTF-8";
	else if (b->type == 't' && b->i < time_least)
		why = "a time out of range";
	else if (b->type == 'd' && isnan(b->d))
		why = "not a number";
	if ((b->type == 's' || b->type == 'x') && b->s.n > VALUE_MOST)
		why = "more than 500 MB";
	if (why == NULL)
		return true;
	return err_set(
	    err, ERR_VALIDATION, "%s cannot be stored (parameter %zu of '%.*s')", why, number, SQL_SHOWN, sql);
}

static bool
check_bind(const Bind *b, char want, size_t number, const char *sql, Err *err)
{
	if (b->type == 0 ? want == lower(want) : b->type != lower(want))
		return err_set(err, ERR_INTERNAL, "parameter %zu of '%.*s' is '%c' where '%c' is wanted", number,
		    SQL_SHOWN, sql, b->type == 0 ? '0' : b->type, want);
	if (b->type == 'i' || b->type == 'j' || b->type == 'b')
		return true;
	return check_value(b, number, sql, err);
}

static bool
check_binds(const char *sql, const char *in, const Bind *binds, size_t rows, Err *err)
{
	size_t width = strlen(in);

	for (size_t row = 0; row < rows; row++)
		for (size_t i = 0; i < width; i++)
			if (!check_bind(&binds[row * width + i], in[i], i + 1, sql, err))
				return false;
	return true;
}

static const char *
in_of(const Stmt *s)
{
	return s->in == NULL ? "" : s->in;
}

static bool
check_call(Db *db, const Stmt *s, const Bind *binds, size_t rows, Err *err)
{
	if (db->failed && db->open)
		return err_set(err, ERR_INTERNAL, "an earlier statement of the transaction has failed");
	return check_binds(s->sql, in_of(s), binds, rows, err);
}

static bool
run(Db *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err)
{
	bool ok = check_call(db, s, binds, rows, err) && db->store->driver->run(db, a, s, binds, rows, ret, err);

	if (!ok)
		db->failed = true;
	return ok;
}

bool
db_exec(Db *db, Arena *a, const Stmt *s, const Bind *binds, Rows *ret, Err *err)
{
	if (!db->open)
		return err_set(err, ERR_INTERNAL, "'%.*s' outside a transaction", SQL_SHOWN, s->sql);
	return run(db, a, s, binds, 1, ret, err);
}

void
db_ahead(Db *db, Arena *a, const Stmt *s, const Bind *binds)
{
	if (db->open && !db->failed && db->store->driver->ahead != NULL)
		db->store->driver->ahead(db, a, s, binds);
}

void
db_last(Db *db)
{
	if (db->open && !db->failed && db->store->driver->last != NULL)
		db->store->driver->last(db);
}

bool
db_batch(Db *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err)
{
	if (!db->open)
		return err_set(err, ERR_INTERNAL, "'%.*s' outside a transaction", SQL_SHOWN, s->sql);
	if (rows == 0) {
		if (ret != NULL)
			*ret = (Rows){ 0 };
		return true;
	}
	if (!run(db, a, s, binds, rows, ret, err))
		return false;
	if (rows == 1 && ret != NULL)
		ret->from = arena_array(a, uint32_t, ret->n);
	return true;
}

bool
db_later(Db *db, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Err *err)
{
	bool ok;

	if (db->store->driver->later == NULL || rows == 0)
		return db_batch(db, a, s, binds, rows, NULL, err);
	if (!db->open)
		return err_set(err, ERR_INTERNAL, "'%.*s' outside a transaction", SQL_SHOWN, s->sql);
	ok = check_call(db, s, binds, rows, err) && db->store->driver->later(db, a, s, binds, rows, err);
	if (!ok)
		db->failed = true;
	return ok;
}

bool
db_read(Db *db, Arena *a, const Stmt *s, const Bind *binds, Rows *ret, Err *err)
{
	return run(db, a, s, binds, 1, ret, err);
}

bool
db_read_text(Db *db, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err)
{
	const char *text = str_cstr(a, sql);
	bool ok;

	if (db->failed && db->open)
		return err_set(err, ERR_INTERNAL, "an earlier statement of the transaction has failed");
	ok = check_binds(text, in == NULL ? "" : in, binds, 1, err) &&
	     db->store->driver->read_text(db, a, (Str){ text, sql.n }, in == NULL ? "" : in, binds, ret, err);
	if (!ok)
		db->failed = true;
	return ok;
}

bool
db_script(Db *db, const char *sql, Err *err)
{
	if (!db->open)
		return err_set(err, ERR_INTERNAL, "a script outside a transaction");
	if (db->store->driver->script(db, sql, err))
		return true;
	db->failed = true;
	return false;
}

void
row_sink_start(RowSink *sink, size_t cols, size_t expect)
{
	sink->rows.cols = cols;
	if (cols == 0 || sink->cap > 0)
		return;
	sink->cap = expect == 0 ? 4 : expect;
	sink->rows.cells = arena_alloc_raw(sink->a, sink->cap * cols * sizeof(Cell));
	if (sink->want_from)
		sink->rows.from = arena_alloc_raw(sink->a, sink->cap * sizeof(uint32_t));
}

static void
sink_grow(RowSink *sink)
{
	size_t row = sink->rows.cols * sizeof(Cell);

	sink->rows.cells = arena_grow(sink->a, sink->rows.cells, sink->cap * row, sink->cap * 2 * row);
	if (sink->want_from)
		sink->rows.from = arena_grow(
		    sink->a, sink->rows.from, sink->cap * sizeof(uint32_t), sink->cap * 2 * sizeof(uint32_t));
	sink->cap *= 2;
}

Cell *
row_sink_next(RowSink *sink, uint32_t from)
{
	if (sink->rows.n == sink->cap)
		sink_grow(sink);
	if (sink->want_from)
		sink->rows.from[sink->rows.n] = from;
	return sink->rows.cells + sink->rows.n++ * sink->rows.cols;
}

static const struct {
	const char *kind;
	const char *what;
	ErrCode code;
} broken_rules[BROKEN_RULES] = {
	[BROKEN_UNIQUE] = { "unique constraint", "exists already", ERR_CONFLICT },
	[BROKEN_CHECK] = { "check constraint", "does not hold", ERR_VALIDATION },
	[BROKEN_NOT_NULL] = { "column", "may not be null", ERR_VALIDATION },
	[BROKEN_REFERENCE] = { "foreign key", "points to a row that is not there", ERR_VALIDATION },
};

bool
broken_rule(BrokenRule rule, const char *name, const char *sql, Err *err)
{
	return err_set(err, broken_rules[rule].code, "%s%s%s%s %s (in '%.*s')", broken_rules[rule].kind,
	    *name == '\0' ? "" : " '", name, *name == '\0' ? "" : "'", broken_rules[rule].what, SQL_SHOWN, sql);
}

double
row_real(Row r, int col)
{
	const Cell *c = &r.cells[col];

	if (c->type == 'd')
		return c->d;
	return c->type == 'i' ? (double)c->i : 0;
}

static bool
rows_ordered(const Rows *r)
{
	for (size_t i = 1; i < r->n; i++)
		if (r->from[i - 1] > r->from[i])
			return false;
	return true;
}

/* Counted into place: where the rows of each row of the input begin, and then each to the next place of its own. */
void
rows_in_order(Arena *a, Rows *rows)
{
	Rows was = *rows;
	size_t *places, inputs = 0;

	if (rows_ordered(rows)) /* as good as always */
		return;
	for (size_t i = 0; i < was.n; i++)
		inputs = was.from[i] >= inputs ? was.from[i] + (size_t)1 : inputs;
	places = arena_array(a, size_t, inputs + 1);
	for (size_t i = 0; i < was.n; i++)
		places[was.from[i] + 1]++;
	for (size_t i = 0; i < inputs; i++)
		places[i + 1] += places[i];
	rows->cells = arena_array(a, Cell, was.n * was.cols);
	rows->from = arena_array(a, uint32_t, was.n);
	for (size_t i = 0; i < was.n; i++) {
		size_t to = places[was.from[i]]++;

		rows->from[to] = was.from[i];
		memcpy(rows->cells + to * was.cols, was.cells + i * was.cols, was.cols * sizeof(Cell));
	}
}

Json
row_json(Arena *a, Row r, int col)
{
	Str text = row_str(r, col);
	Json v = json_null();

	if (!str_none(text) && !json_parse(a, text, NULL, &v, NULL))
		return json_null();
	return v;
}

Uuid
row_uuid(Row r, int col)
{
	Uuid u = { 0 };

	return uuid_parse(row_str(r, col), &u) ? u : (Uuid){ 0 };
}
