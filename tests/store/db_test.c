#include "store/db.h"

#include "store/db_impl.h"
#include "test.h"
#include "world.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const Stmt put = { "insert into item (n, r, b, t, s, j, x) values ($1, $2, $3, $4, $5, $6, $7)"
			  " returning id, n, r, b, t, s, j, x",
	"IDBTSJX" };
static const Stmt put_n = { "insert into item (n) values ($1) returning id", "i" };
static const Stmt count = { "select count(*) from item" };

enum { N_COL = 1, R_COL, B_COL, T_COL, S_COL, J_COL, X_COL, PUT_WIDTH = 7 };

/* Stores the values, checks what comes back at once, and gives what a later read outside the transaction sees. */
static Row
there_and_back(World *w, const Bind *binds)
{
	static const Stmt get = { "select id, n, r, b, t, s, j, x from item where id = $1", "i" };
	Rows made, read;
	Bind id;
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(db_exec(w->db, w->a, &put, binds, &made, &err), err);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_INT((int64_t)made.n, 1);
	CHECK_INT(made.affected, 1);
	id = bind_id(row_int(rows_at(&made, 0), 0));
	CHECK_OK(db_read(w->db, w->a, &get, &id, &read, &err), err);
	CHECK_INT((int64_t)read.n, 1);
	CHECK(read.cols == made.cols);
	for (size_t i = 0; i < made.cols; i++) /* SQLite returns a real 0.0 as an integer; row_real takes both */
		CHECK(read.cells[i].type == made.cells[i].type || i == R_COL);
	return rows_at(&read, 0);
}

TEST(every_type_comes_back_as_it_went)
{
	CLEANUP(world_done) World *w = world_items();
	Json j = json_object();
	Row r;

	json_set(w->a, &j, "a", json_int(9007199254740993));
	json_set(w->a, &j, "b", json_str(str_of("\xc3\xa4\"\n")));
	r = there_and_back(w,
	    (Bind[]){ bind_int(42), bind_real(-0.1), bind_bool(true), bind_time(1795200000123456),
		bind_text("Gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"), bind_json(&j), bind_bytes((Str){ "\0\xff\1", 3 }) });
	CHECK_INT(row_int(r, N_COL), 42);
	CHECK(row_real(r, R_COL) == -0.1);
	CHECK(row_bool(r, B_COL));
	CHECK_INT(row_int(r, T_COL), 1795200000123456);
	CHECK_STR(row_str(r, S_COL), str_of("Gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"));
	j = row_json(w->a, r, J_COL);
	CHECK_INT(json_as_int(json_get(&j, "a"), 0), 9007199254740993);
	CHECK_STR(json_get_text(&j, "b"), str_of("\xc3\xa4\"\n"));
	CHECK_STR(row_str(r, X_COL), ((Str){ "\0\xff\1", 3 }));
}

TEST(null_and_empty_are_different_things)
{
	CLEANUP(world_done) World *w = world_items();
	Json null = json_null(), got;
	Row r = there_and_back(w, (Bind[PUT_WIDTH]){ 0 });

	for (int i = N_COL; i <= X_COL; i++)
		CHECK(row_null(r, i));
	CHECK(str_none(row_str(r, S_COL)));
	r = there_and_back(w, (Bind[]){ bind_int(0), bind_real(0), bind_bool(false), bind_time(0), bind_text(""),
				  bind_json(&null), bind_bytes(str_of("")) });
	CHECK(!row_null(r, N_COL) && !row_null(r, R_COL) && !row_null(r, B_COL) && row_null(r, T_COL));
	CHECK(!str_none(row_str(r, S_COL)) && row_str(r, S_COL).n == 0);
	CHECK_STR(row_str(r, J_COL), str_of("null"));
	got = row_json(w->a, r, J_COL);
	CHECK(json_is_null(&got));
	CHECK(!row_null(r, X_COL) && row_str(r, X_COL).n == 0);
}

TEST(extremes_come_back_exactly)
{
	CLEANUP(world_done) World *w = world_items();
	size_t size = 1024 * 1024;
	char *big = arena_alloc(w->a, size);
	Row r;

	for (size_t i = 0; i < size; i++)
		big[i] = (char)('a' + i % 26);
	r = there_and_back(
	    w, (Bind[]){ bind_int(INT64_MIN), bind_real(1.7976931348623157e308), { 0 }, bind_time(INT64_MAX),
		   bind_str((Str){ big, size }), { 0 }, bind_bytes((Str){ big, size }) });
	CHECK_INT(row_int(r, N_COL), INT64_MIN);
	CHECK(row_real(r, R_COL) == 1.7976931348623157e308);
	CHECK_INT(row_int(r, T_COL), INT64_MAX);
	CHECK_STR(row_str(r, S_COL), ((Str){ big, size }));
	CHECK_STR(row_str(r, X_COL), ((Str){ big, size }));
	r = there_and_back(
	    w, (Bind[]){ bind_int(-1), bind_real(5e-324), { 0 }, bind_time(-210866803200000000), { 0 }, { 0 }, { 0 } });
	CHECK(row_real(r, R_COL) == 5e-324);
	CHECK_INT(row_int(r, T_COL), -210866803200000000);
	r = there_and_back(
	    w, (Bind[]){ bind_int(-2), bind_real(-INFINITY), { 0 }, bind_time(-1), { 0 }, { 0 }, { 0 } });
	CHECK(isinf(row_real(r, R_COL)) && row_real(r, R_COL) < 0);
	CHECK_INT(row_int(r, T_COL), -1);
}

static void
refused(World *w, const Stmt *s, const Bind *binds, ErrCode code, const char *says)
{
	Err err = { 0 };
	size_t at;

	CHECK_OK(db_begin(w->db, &err), err);
	CHECK(!db_exec(w->db, w->a, s, binds, NULL, &err));
	if (err.code != code || !str_find(str_of(err.text), str_of(says), &at))
		test_fail(__FILE__, __LINE__, "got %s: %s; wanted '%s'", err_code_name(err.code), err.text, says);
	CHECK(!db_exec(w->db, w->a, &put_n, (Bind[]){ bind_int(77) }, NULL, &err));
	CHECK(!db_commit(w->db, &err)); /* a failed transaction cannot be kept by mistake */
	db_rollback(w->db);
	db_rollback(w->db);
}

TEST(a_broken_rule_has_the_same_code_in_both_worlds)
{
	static const Stmt name_null = { "insert into item (name) values ($1)", "S" };
	static const Stmt part = { "insert into part (item) values ($1)", "i" };
	static const Stmt nonsense = { "insert into no_such_table (a) values ($1)", "i" };
	CLEANUP(world_done) World *w = world_items();

	world_do(w, &put_n, (Bind[]){ bind_int(1) });
	refused(w, &put_n, (Bind[]){ bind_int(1) }, ERR_CONFLICT, "unique constraint 'item");
	refused(
	    w, &put_n, (Bind[]){ bind_int(1000000) }, ERR_VALIDATION, "check constraint 'item_small' does not hold");
	refused(w, &name_null, (Bind[]){ { 0 } }, ERR_VALIDATION, "column 'item.name' may not be null");
	refused(w, &part, (Bind[]){ bind_int(99) }, ERR_VALIDATION, "foreign key");
	refused(w, &nonsense, (Bind[]){ bind_int(1) }, ERR_INTERNAL, "no_such_table");
	CHECK_INT(world_number(w, &count), 1);
}

TEST(values_that_one_world_would_refuse_are_refused_in_both)
{
	static const Stmt text = { "insert into item (s) values ($1)", "s" };
	static const Stmt real = { "insert into item (r) values ($1)", "d" };
	static const Stmt time = { "insert into item (t) values ($1)", "t" };
	CLEANUP(world_done) World *w = world_items();

	refused(w, &text, (Bind[]){ bind_str((Str){ "a\0b", 3 }) }, ERR_VALIDATION, "NUL");
	refused(w, &text, (Bind[]){ bind_text("\xff") }, ERR_VALIDATION, "UTF-8");
	refused(w, &real, (Bind[]){ bind_real(NAN) }, ERR_VALIDATION, "not a number");
	refused(w, &time, (Bind[]){ bind_time(-210866803200000001) }, ERR_VALIDATION, "out of range");
	refused(w, &put_n, (Bind[]){ bind_text("1") }, ERR_INTERNAL, "parameter 1");
	refused(w, &put_n, (Bind[]){ { 0 } }, ERR_INTERNAL, "parameter 1");
}

TEST(a_batch_says_which_row_each_answer_is_of)
{
	static const Stmt even = {
		"insert into item (n) select v.a from (select $1 as a) v where v.a % 2 = 0 returning n", "i",
		"insert into item (n) select v.a from (select $1::bigint as a) v where v.a % 2 = 0 returning n"
	};
	static const Stmt below = { "update item set s = $2 where n < $1", "is" };
	enum { ROWS = 301 };
	CLEANUP(world_done) World *w = world_items();
	Bind binds[ROWS], two[4] = { bind_int(10), bind_text("a"), bind_int(4), bind_text("b") };
	Rows rows;
	Err err = { 0 };

	for (int i = 0; i < ROWS; i++)
		binds[i] = bind_int(i);
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(db_batch(w->db, w->a, &even, binds, ROWS, &rows, &err), err);
	CHECK_INT((int64_t)rows.n, ROWS / 2 + 1);
	CHECK_INT(rows.affected, ROWS / 2 + 1);
	for (size_t i = 0; i < rows.n; i++)
		CHECK_INT((int64_t)rows.from[i], row_int(rows_at(&rows, i), 0));
	CHECK_OK(db_batch(w->db, w->a, &below, two, 2, &rows, &err), err);
	CHECK_INT((int64_t)rows.n, 0);
	CHECK_INT(rows.affected, 5 + 2);
	CHECK_OK(db_batch(w->db, w->a, &even, binds, 0, &rows, &err), err);
	CHECK_INT((int64_t)rows.n, 0);
	CHECK_OK(db_batch(w->db, w->a, &put_n, (Bind[]){ bind_int(1001) }, 1, &rows, &err), err);
	CHECK_INT((int64_t)rows.from[0], 0);
	CHECK_OK(db_commit(w->db, &err), err);
}

TEST(a_batch_with_a_bad_row_keeps_nothing)
{
	CLEANUP(world_done) World *w = world_items();
	Bind binds[] = { bind_int(1), bind_int(2), bind_int(1), bind_int(3) };
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err), err);
	CHECK(!db_batch(w->db, w->a, &put_n, binds, countof(binds), NULL, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	db_rollback(w->db);
	CHECK_INT(world_number(w, &count), 0);
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(db_batch(w->db, w->a, &put_n, binds, 2, NULL, &err), err);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_INT(world_number(w, &count), 2);
}

/* In PostgreSQL these go as one statement: whatever the driver, the answers are those of row by row. */
TEST(rows_that_do_not_depend_on_each_other_may_go_as_one_statement)
{
#define PUT "insert into item (n, r, b, t, s, j, x) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing"
	static const Stmt add = {
		.sql = PUT, .pg = PUT " returning id", .in = "IDBTSJX", .gives_id = true, .set = true
	};
	static const Stmt move = { .sql = "update item set s = $3, t = $4 where n = $1 and s = $2 returning n, s, j",
		.in = "issT",
		.set = true };
	static const Stmt quiet = { .sql = "update item set s = $2 where n = $1", .in = "iS", .set = true };
	static const Stmt look = { .sql = "select n, r, b, t, s, j, x from item order by id" };
	CLEANUP(world_done) World *w = world_items();
	Json j = json_object();
	Bind rows[4 * PUT_WIDTH] = { bind_int(1), bind_real(0.5), bind_bool(true), bind_time(1795200000123456),
		bind_text("a"), bind_json(&j), bind_bytes((Str){ "\0\xff\1", 3 }), bind_int(2), { 0 }, { 0 }, { 0 },
		bind_text("{,}\"\\ NULL"), { 0 }, { 0 }, bind_int(1), { 0 }, { 0 }, { 0 }, bind_text("twice"), { 0 },
		{ 0 }, bind_int(4), { 0 }, bind_bool(false), { 0 }, bind_text(""), { 0 }, bind_bytes((Str){ "", 0 }) };
	Bind moves[] = { bind_int(4), bind_text("no"), bind_text("x"), { 0 }, bind_int(1), bind_text("a"),
		bind_text("b"), bind_time(7), bind_int(2), bind_text("{,}\"\\ NULL"), bind_text("c"), { 0 },
		bind_int(9), bind_text("a"), bind_text("d"), { 0 } };
	Rows got;
	Err err = { 0 };

	json_set(w->a, &j, "k", json_cstr("v"));
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(db_batch(w->db, w->a, &add, rows, 4, &got, &err), err);
	CHECK_INT((int64_t)got.n, 3);
	CHECK_INT((int64_t)got.cols, 1);
	CHECK_INT(got.affected, 3);
	CHECK(got.from[0] == 0 && got.from[1] == 1 && got.from[2] == 3);
	CHECK(row_int(rows_at(&got, 0), 0) < row_int(rows_at(&got, 1), 0));
	CHECK_OK(db_batch(w->db, w->a, &move, moves, 4, &got, &err), err);
	CHECK_INT((int64_t)got.n, 2);
	CHECK_INT((int64_t)got.cols, 3);
	CHECK_INT(got.affected, 2);
	for (size_t i = 0; i < got.n; i++)
		CHECK_STR(row_str(rows_at(&got, i), 1), str_of(got.from[i] == 1 ? "b" : "c"));
	CHECK_OK(db_batch(w->db, w->a, &quiet,
		     (Bind[]){ bind_int(4), { 0 }, bind_int(8), bind_text("z"), bind_int(9), bind_text("z") }, 3, &got,
		     &err),
	    err);
	CHECK_INT(got.affected, 1);
	CHECK_OK(db_exec(w->db, w->a, &look, NULL, &got, &err), err);
	CHECK_INT((int64_t)got.n, 3);
	CHECK(row_real(rows_at(&got, 0), 1) == 0.5 && row_bool(rows_at(&got, 0), 2));
	CHECK_INT(row_int(rows_at(&got, 0), 3), 7);
	CHECK_STR(row_str(rows_at(&got, 0), 6), ((Str){ "\0\xff\1", 3 }));
	CHECK(row_null(rows_at(&got, 1), 5) && row_null(rows_at(&got, 1), 6));
	CHECK(row_null(rows_at(&got, 2), 4) && !row_null(rows_at(&got, 2), 6));
	CHECK_OK(db_commit(w->db, &err), err);
}

/* Row `row` of a batch in which the columns of `same` have the value of the first row in all others; n alone tells them apart. */
static void
row_of(int64_t n, int row, unsigned same, Bind *ret)
{
	static const char *const texts[] = { "a", "b", "", "r.p1 $2" };
	int at[PUT_WIDTH];

	for (int i = 0; i < PUT_WIDTH; i++)
		at[i] = same >> i & 1 ? 0 : row;
	ret[0] = bind_int(n);
	ret[1] = at[1] % 5 == 3 ? (Bind){ 0 } : bind_real(at[1] / 4.0);
	ret[2] = bind_bool(at[2] % 3 == 0);
	ret[3] = bind_time(1795200000000000 + at[3]);
	ret[4] = at[4] % 7 == 5 ? (Bind){ 0 } : bind_text(texts[at[4] % 4]);
	ret[5] = (Bind){ 0 };
	ret[6] = bind_bytes(str_of(texts[at[6] % 4]));
}

static void
check_row(Row r, const Bind *b)
{
	CHECK_INT(row_int(r, 0), b[0].i);
	CHECK(row_null(r, 1) == (b[1].type == 0) && (row_null(r, 1) || row_real(r, 1) == b[1].d));
	CHECK(row_bool(r, 2) == b[2].b);
	CHECK_INT(row_int(r, 3), b[3].i);
	CHECK(row_null(r, 4) == (b[4].type == 0));
	CHECK_STR(row_str(r, 4), b[4].type == 0 ? (Str){ 0 } : b[4].s);
	CHECK_STR(row_str(r, 6), b[6].s);
}

/* In PostgreSQL a column that is the same in all rows travels once, and there are more ways of that than a connection prepares. */
TEST(a_batch_may_have_columns_that_are_the_same_in_all_rows)
{
	static const Stmt add = {
		.sql = PUT, .pg = PUT " returning id", .in = "IDBTSJX", .gives_id = true, .set = true
	};
	static const Stmt move = {
		.sql = "update item set s = $3, t = $4 where n = $1 and b = $2", .in = "ibST", .set = true
	};
	static const Stmt some = {
		.sql = "select n, s from item where n >= $1 order by n limit $2", .in = "ii", .set = true
	};
	static const Stmt drop = { .sql = "delete from item where n = $1 and b = $2", .in = "ib", .set = true };
	static const Stmt look = { .sql = "select n, r, b, t, s, j, x from item order by n" };
	enum { ROWS = 70, WAYS = 12 };
	CLEANUP(world_done) World *w = world_items();
	Bind binds[ROWS * PUT_WIDTH], few[ROWS * 4];
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err), err);
	for (unsigned way = 0; way < WAYS; way++) {
		unsigned same = way * 37 & 0x7e;

		for (int i = 0; i < ROWS; i++)
			row_of((int64_t)way * ROWS + i, i, same, binds + i * PUT_WIDTH);
		CHECK_OK(db_batch(w->db, w->a, &add, binds, ROWS, &rows, &err), err);
		CHECK_INT(rows.affected, ROWS);
		CHECK_OK(db_exec(w->db, w->a, &look, NULL, &rows, &err), err);
		for (int i = 0; i < ROWS; i++)
			check_row(rows_at(&rows, way * ROWS + (size_t)i), binds + i * PUT_WIDTH);
	}
	for (int i = 0; i < ROWS; i++)
		memcpy(
		    few + i * 4, (Bind[]){ bind_int(i), bind_bool(true), bind_text("moved"), { 0 } }, 4 * sizeof(Bind));
	CHECK_OK(db_batch(w->db, w->a, &move, few, ROWS, &rows, &err), err);
	CHECK_INT(rows.affected, ROWS / 3 + 1);
	for (int i = 0; i < ROWS; i++)
		memcpy(few + i * 2, (Bind[]){ bind_int(i), bind_int(2) }, 2 * sizeof(Bind));
	CHECK_OK(db_batch(w->db, w->a, &some, few, ROWS, &rows, &err), err);
	CHECK_INT((int64_t)rows.n, 2 * ROWS);
	for (size_t i = 0; i < rows.n; i++)
		if (row_int(rows_at(&rows, i), 0) == 3)
			CHECK_STR(row_str(rows_at(&rows, i), 1), str_of("moved"));
	for (int i = 0; i < ROWS; i++)
		memcpy(few + i * 2, (Bind[]){ bind_int(i), bind_bool(true) }, 2 * sizeof(Bind));
	CHECK_OK(db_batch(w->db, w->a, &drop, few, ROWS, &rows, &err), err);
	CHECK_INT(rows.affected, ROWS / 3 + 1);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_INT(world_number(w, &count), WAYS * ROWS - (ROWS / 3 + 1));
}

TEST(statements_announced_ahead_answer_as_if_they_were_asked_one_by_one)
{
	static const Stmt of = { .sql = "select n from item where n >= $1 order by n", .in = "i" };
	CLEANUP(world_done) World *w = world_items();
	Bind one = bind_int(1), two = bind_int(2), three = bind_int(3);
	Rows rows;
	Err err = { 0 };

	world_do(w, &put_n, &one);
	db_ahead(w->db, w->a, &of, &one); /* outside a transaction: nothing */
	CHECK_OK(db_begin(w->db, &err), err);
	db_ahead(w->db, w->a, &of, &one);
	db_ahead(w->db, w->a, &count, NULL);
	CHECK_OK(db_exec(w->db, w->a, &of, &two, &rows, &err), err); /* another value: its own answer */
	CHECK_INT((int64_t)rows.n, 0);
	CHECK_OK(db_exec(w->db, w->a, &of, &one, &rows, &err), err);
	CHECK_INT((int64_t)rows.n, 1);
	CHECK_OK(db_exec(w->db, w->a, &count, NULL, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 1);
	CHECK_OK(db_exec(w->db, w->a, &put_n, &three, NULL, &err), err);
	CHECK_OK(db_exec(w->db, w->a, &count, NULL, &rows, &err), err); /* an answer is given out once */
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 2);
	/* announced and not asked for: who announces it again sees what is there now */
	db_ahead(w->db, w->a, &count, NULL);
	CHECK_OK(db_exec(w->db, w->a, &put_n, (Bind[]){ bind_int(4) }, NULL, &err), err);
	for (int i = 0; i < 9; i++)
		db_ahead(w->db, w->a, &count, NULL);
	CHECK_OK(db_exec(w->db, w->a, &count, NULL, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 3);
	db_ahead(w->db, w->a, &count, NULL);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_OK(db_begin(w->db, &err), err); /* what was announced is forgotten with its transaction */
	CHECK_OK(db_exec(w->db, w->a, &put_n, &two, NULL, &err), err);
	CHECK_OK(db_exec(w->db, w->a, &count, NULL, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 4);
	CHECK_OK(db_commit(w->db, &err), err);
}

TEST(an_error_of_a_statement_announced_ahead_is_the_transactions)
{
	static const Stmt bad = { .sql = "insert into item (n) select n from item returning n" };
	CLEANUP(world_done) World *w = world_items();
	Rows rows;
	Err err = { 0 };

	world_do(w, &put_n, (Bind[]){ bind_int(1) });
	CHECK_OK(db_begin(w->db, &err), err);
	db_ahead(w->db, w->a, &bad, NULL);
	CHECK(!db_exec(w->db, w->a, &bad, NULL, &rows, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	db_rollback(w->db);
	CHECK_INT(world_number(w, &count), 1);
}

TEST(what_is_put_off_is_there_for_the_next_statement_and_with_the_commit)
{
	CLEANUP(world_done) World *w = world_items();
	Bind many[] = { bind_int(10), bind_int(11), bind_int(12), bind_int(13) };
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(db_later(w->db, w->a, &put_n, (Bind[]){ bind_int(1) }, 1, &err), err); /* as the first of all */
	CHECK_OK(db_later(w->db, w->a, &put_n, (Bind[]){ bind_int(2) }, 1, &err), err);
	CHECK_OK(db_later(w->db, w->a, &put_n, many, 4, &err), err);
	CHECK_OK(db_later(w->db, w->a, &put_n, many, 0, &err), err);
	CHECK_OK(db_exec(w->db, w->a, &count, NULL, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 6);
	for (int i = 0; i < 20; i++) /* more than are put off at once */
		CHECK_OK(db_later(w->db, w->a, &put_n, (Bind[]){ bind_int(20 + i) }, 1, &err), err);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_INT(world_number(w, &count), 26);
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(db_exec(w->db, w->a, &count, NULL, &rows, &err), err);
	CHECK_OK(db_later(w->db, w->a, &put_n, (Bind[]){ bind_int(99) }, 1, &err), err);
	db_rollback(w->db);
	CHECK_INT(world_number(w, &count), 26);
}

TEST(what_is_put_off_and_fails_fails_the_transaction_and_nothing_else)
{
	CLEANUP(world_done) World *w = world_items();
	Rows rows;
	Err err = { 0 };

	world_do(w, &put_n, (Bind[]){ bind_int(1) });
	for (int asks = 0; asks < 2; asks++) {
		bool ok;

		err = (Err){ 0 };
		CHECK_OK(db_begin(w->db, &err), err);
		CHECK_OK(db_exec(w->db, w->a, &put_n, (Bind[]){ bind_int(2) }, NULL, &err), err);
		ok = db_later(w->db, w->a, &put_n, (Bind[]){ bind_int(1) }, 1, &err) &&
		     (asks == 0 || db_exec(w->db, w->a, &count, NULL, &rows, &err)) && db_commit(w->db, &err);
		CHECK(!ok);
		CHECK_INT(err.code, ERR_CONFLICT);
		db_rollback(w->db);
		CHECK_INT(world_number(w, &count), 1);
	}
	world_do(w, &put_n, (Bind[]){ bind_int(3) });
	CHECK_INT(world_number(w, &count), 2);
}

TEST(what_was_said_to_be_the_last_is_answered_and_committed_with_all_before_it)
{
	CLEANUP(world_done) World *w = world_items();
	CLEANUP(db_done) Db *other = NULL;
	int64_t next = 1;
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_open(w->store, &other, &err), err);
	for (size_t n = 1; n <= 4; n++) { /* one by one, and as one statement */
		int64_t before = world_number(w, &count);
		Bind many[] = { bind_int(next), bind_int(next + 1), bind_int(next + 2), bind_int(next + 3) };

		next += 6;
		CHECK_OK(db_begin(w->db, &err), err);
		CHECK_OK(db_exec(w->db, w->a, &put_n, (Bind[]){ bind_int(next - 2) }, NULL, &err), err);
		CHECK_OK(db_later(w->db, w->a, &put_n, (Bind[]){ bind_int(next - 1) }, 1, &err), err);
		db_ahead(w->db, w->a, &count, NULL);
		db_last(w->db);
		CHECK_OK(db_batch(w->db, w->a, &put_n, many, n, &rows, &err), err);
		CHECK_INT((int64_t)rows.n, (int64_t)n);
		CHECK_OK(db_commit(w->db, &err), err);
		CHECK_OK(db_read(other, w->a, &count, NULL, &rows, &err), err);
		CHECK_INT(row_int(rows_at(&rows, 0), 0), before + 2 + (int64_t)n);
	}
	/* said and not used: the next transaction knows nothing of it */
	CHECK_OK(db_begin(w->db, &err), err);
	db_last(w->db);
	db_rollback(w->db);
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(db_exec(w->db, w->a, &put_n, (Bind[]){ bind_int(next) }, NULL, &err), err);
	db_rollback(w->db);
	CHECK_INT(world_number(w, &count), 8 + 1 + 2 + 3 + 4);
}

TEST(a_last_statement_that_fails_fails_the_transaction)
{
	CLEANUP(world_done) World *w = world_items();
	Err err = { 0 };

	world_do(w, &put_n, (Bind[]){ bind_int(1) });
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(db_exec(w->db, w->a, &put_n, (Bind[]){ bind_int(2) }, NULL, &err), err);
	db_last(w->db);
	CHECK(!db_exec(w->db, w->a, &put_n, (Bind[]){ bind_int(1) }, NULL, &err));
	CHECK_INT(err.code, ERR_CONFLICT);
	db_rollback(w->db);
	CHECK_INT(world_number(w, &count), 1);
	world_do(w, &put_n, (Bind[]){ bind_int(3) });
	CHECK_INT(world_number(w, &count), 2);
}

TEST(a_guarded_update_moves_a_row_once)
{
	static const Stmt move = { "update item set s = $3, n = n + 1 where n = $1 and s = $2 returning n", "iss" };
	static const Stmt start = { "insert into item (n, s) values ($1, $2)", "is" };
	CLEANUP(world_done) World *w = world_items();
	Bind binds[] = { bind_int(1), bind_text("a"), bind_text("b") };
	Rows rows;
	Err err = { 0 };

	world_do(w, &start, (Bind[]){ bind_int(1), bind_text("a") });
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(db_exec(w->db, w->a, &move, binds, &rows, &err), err);
	CHECK_INT(rows.affected, 1);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 2);
	CHECK_OK(db_exec(w->db, w->a, &move, binds, &rows, &err), err);
	CHECK_INT(rows.affected, 0);
	CHECK_INT((int64_t)rows.n, 0);
	CHECK_OK(db_commit(w->db, &err), err);
}

TEST(nobody_sees_a_transaction_before_its_commit)
{
	CLEANUP(world_done) World *w = world_items();
	CLEANUP(db_done) Db *other = NULL;
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_open(w->store, &other, &err), err);
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(db_exec(w->db, w->a, &put_n, (Bind[]){ bind_int(1) }, NULL, &err), err);
	CHECK_INT(world_number(w, &count), 1);
	CHECK_OK(db_read(other, w->a, &count, NULL, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 0);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_OK(db_read(other, w->a, &count, NULL, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 1);
}

TEST(a_read_outside_a_transaction_cannot_write)
{
	CLEANUP(world_done) World *w = world_items();
	Err err = { 0 };

	if (world_is_postgres())
		return; /* there it would be a transaction of its own: the promise is the caller's */
	CHECK(!db_read(w->db, w->a, &put_n, (Bind[]){ bind_int(1) }, NULL, &err));
	CHECK(!db_exec(w->db, w->a, &put_n, (Bind[]){ bind_int(1) }, NULL, &err));
	CHECK_INT(err.code, ERR_INTERNAL);
}

TEST(a_text_put_together_is_read_with_bound_values)
{
	CLEANUP(world_done) World *w = world_items();
	Rows rows;
	Err err = { 0 };
	Str sql = str_of("select n, s from item where n >= $2 and n < $1 order by n limit $3");

	for (int i = 0; i < 10; i++)
		world_do(w, &put_n, (Bind[]){ bind_int(i) });
	CHECK_OK(
	    db_read_text(w->db, w->a, sql, "iii", (Bind[]){ bind_int(9), bind_int(4), bind_int(3) }, &rows, &err), err);
	CHECK_INT((int64_t)rows.n, 3);
	CHECK_INT(row_int(rows_at(&rows, 2), 0), 6);
	CHECK(row_null(rows_at(&rows, 2), 1));
	CHECK(!db_read_text(w->db, w->a, str_of("selec"), "", NULL, &rows, &err));
	CHECK_INT(err.code, ERR_INTERNAL);
}

TEST(like_tells_capitals_apart)
{
	static const Stmt like = { "select count(*) from item where s like $1", "s" };
	static const Stmt start = { "insert into item (s) values ($1)", "s" };
	CLEANUP(world_done) World *w = world_items();
	Bind pattern = bind_text("Abc%");
	Rows rows;
	Err err = { 0 };

	world_do(w, &start, (Bind[]){ bind_text("abcd") });
	world_do(w, &start, (Bind[]){ bind_text("Abcd") });
	CHECK_OK(db_read(w->db, w->a, &like, &pattern, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 1);
}

TEST(every_statement_is_counted_and_idling_runs_none)
{
	CLEANUP(world_done) World *w = world_items();
	uint64_t before = store_statements(w->store);

	CHECK(store_statements(w->store) == before);
	world_do(w, &put_n, (Bind[]){ bind_int(1) });
	CHECK(store_statements(w->store) == before + 3);
}

/* Commits one number after the other and reports each that is said to be committed. */
static void
child(World *w, int report)
{
	Err err = { 0 };

	world_reopen(w);
	for (int64_t n = 1;; n++) {
		Bind b = bind_int(n);

		if (!db_begin(w->db, &err) || !db_exec(w->db, w->a, &put_n, &b, NULL, &err) || !db_commit(w->db, &err))
			_exit(1);
		if (write(report, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

TEST(what_was_said_to_be_committed_survives_kill_9)
{
	enum { ROUNDS = 5, REPORTS = 200 };
	CLEANUP(world_done) World *w = world_items();
	static const Stmt most = { "select coalesce(max(n), 0) from item" };
	static const Stmt clear = { "delete from item" };
	int64_t n, last;

	for (int round = 0; round < ROUNDS; round++) {
		int ends[2];
		pid_t pid;

		CHECK(pipe(ends) == 0);
		world_close(w);
		pid = fork();
		if (pid == 0)
			child(w, ends[1]);
		close(ends[1]);
		last = 0;
		while (read(ends[0], &n, sizeof(n)) == sizeof(n)) {
			last = n;
			if (n == REPORTS + round)
				kill(pid, SIGKILL);
		}
		close(ends[0]);
		CHECK(waitpid(pid, NULL, 0) == pid);
		CHECK(last >= REPORTS + round);
		world_reopen(w);
		CHECK(world_number(w, &most) >= last);
		CHECK_INT(world_number(w, &count), world_number(w, &most));
		world_do(w, &clear, NULL);
	}
}

TEST(a_url_that_is_neither_is_refused)
{
	StoreConfig config = { .url = str_of("mysql://x") };
	Store *s;
	Err err = { 0 };

	CHECK(!store_open(&config, &s, &err));
	CHECK_INT(err.code, ERR_INVALID);
}
