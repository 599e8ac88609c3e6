#include "store/db.h"

#include "store/db_impl.h"
#include "test.h"
#include "world.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const Stmt put = { "insert into item (n) values ($1)", "i" };
static const Stmt count = { "select count(*) from item" };

static bool
put_one(Db *db, Arena *a, int64_t n, Err *err)
{
	Bind b = bind_int(n);

	if (db_begin(db, err) && db_exec(db, a, &put, &b, NULL, err) && db_commit(db, err))
		return true;
	db_rollback(db);
	return false;
}

static void
server(World *w, const char *word)
{
	const char *ctl = getenv("ATTUNE_TEST_PG_CTL");

	if (ctl == NULL)
		test_fail(__FILE__, __LINE__, "ATTUNE_TEST_PG_CTL is not set: run the tests under dev/with-servers");
	CHECK(system(str_fmt(w->a, "'%s' %s", ctl, word).p) == 0);
}

TEST(a_handle_comes_back_after_the_server_was_away)
{
	CLEANUP(world_done) World *w = world_items();
	Rows rows;
	Err err = { 0 };

	CHECK_OK(put_one(w->db, w->a, 1, &err), err);
	CHECK_OK(db_begin(w->db, &err) && db_exec(w->db, w->a, &put, (Bind[]){ bind_int(2) }, NULL, &err), err);
	server(w, "kill");
	CHECK(!db_exec(w->db, w->a, &put, (Bind[]){ bind_int(3) }, NULL, &err));
	CHECK_INT(err.code, ERR_AWAY);
	db_rollback(w->db);
	CHECK(!db_begin(w->db, &err));
	CHECK_INT(err.code, ERR_AWAY);
	CHECK(!db_read(w->db, w->a, &count, NULL, &rows, &err));
	CHECK_INT(err.code, ERR_AWAY);
	server(w, "start");
	CHECK_OK(put_one(w->db, w->a, 4, &err), err);
	CHECK_INT(world_number(w, &count), 2);
}

TEST(a_restart_between_two_transactions_is_not_noticed)
{
	CLEANUP(world_done) World *w = world_items();
	Err err = { 0 };

	CHECK_OK(put_one(w->db, w->a, 1, &err), err);
	server(w, "kill");
	server(w, "start");
	CHECK_OK(put_one(w->db, w->a, 2, &err), err);
	server(w, "kill");
	server(w, "start");
	CHECK_INT(world_number(w, &count), 2);
}

TEST(a_commit_that_got_no_answer_says_that_it_may_have_been_done)
{
	CLEANUP(world_done) World *w = world_items();
	Err err = { 0 };
	size_t at;

	CHECK_OK(db_begin(w->db, &err) && db_exec(w->db, w->a, &put, (Bind[]){ bind_int(2) }, NULL, &err), err);
	server(w, "kill");
	CHECK(!db_commit(w->db, &err));
	CHECK_INT(err.code, ERR_AWAY);
	CHECK(str_find(str_of(err.text), str_of("not known whether"), &at));
	db_rollback(w->db);
	server(w, "start");
	CHECK_INT(world_number(w, &count), 0);
}

static const Stmt put_back = { "insert into item (n) values ($1) returning n", "i" };

/* Commits of rows of `item` wait until `holder` lets go. */
static void
commits_held(World *w, Db *holder)
{
	static const Stmt hold = { "select pg_advisory_xact_lock(4711)", "" };
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err) &&
		     db_script(w->db,
			 "create function held() returns trigger language plpgsql as"
			 " 'begin perform pg_advisory_xact_lock(4711); return null; end';"
			 " create constraint trigger held after insert on item deferrable initially deferred"
			 " for each row execute function held()",
			 &err) &&
		     db_commit(w->db, &err),
	    err);
	CHECK_OK(db_begin(holder, &err) && db_exec(holder, w->a, &hold, NULL, NULL, &err), err);
}

TEST(the_answer_of_the_last_statement_is_there_before_its_commit)
{
	CLEANUP(world_done) World *w = world_items();
	CLEANUP(db_done) Db *holder = NULL;
	uint64_t before;
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_open(w->store, &holder, &err), err);
	commits_held(w, holder);
	before = store_commits(w->store);
	CHECK_OK(db_begin(w->db, &err), err);
	db_last(w->db);
	CHECK_OK(db_exec(w->db, w->a, &put_back, (Bind[]){ bind_int(5) }, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 5);
	CHECK_OK(db_read(holder, w->a, &count, NULL, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 0);
	CHECK(store_commits(w->store) == before);
	db_rollback(holder);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK(store_commits(w->store) == before + 1);
	CHECK_OK(db_read(holder, w->a, &count, NULL, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 1);
}

TEST(what_is_asked_after_the_last_statement_is_a_transaction_of_its_own)
{
	CLEANUP(world_done) World *w = world_items();
	Rows rows;
	Err err = { 0 };

	for (int64_t n = 1; n <= 3; n++) {
		CHECK_OK(db_begin(w->db, &err), err);
		db_last(w->db);
		CHECK_OK(db_exec(w->db, w->a, &put_back, (Bind[]){ bind_int(n * 10) }, NULL, &err), err);
		CHECK_OK(db_exec(w->db, w->a, &put_back, (Bind[]){ bind_int(n * 10 + 1) }, &rows, &err), err);
		CHECK_OK(db_later(w->db, w->a, &put, (Bind[]){ bind_int(n * 10 + 2) }, 1, &err), err);
		if (n == 2)
			db_rollback(w->db); /* which cannot undo the last */
		else
			CHECK_OK(db_commit(w->db, &err), err);
	}
	CHECK_INT(world_number(w, &count), 3 + 1 + 3);
	CHECK_OK(db_begin(w->db, &err), err);
	db_last(w->db);
	CHECK_OK(db_exec(w->db, w->a, &put_back, (Bind[]){ bind_int(100) }, NULL, &err), err);
	db_rollback(w->db);
	CHECK_INT(world_number(w, &count), 8);
}

TEST(a_server_that_dies_under_the_commit_of_a_last_statement_leaves_it_unknown)
{
	CLEANUP(world_done) World *w = world_items();
	CLEANUP(db_done) Db *holder = NULL;
	Err err = { 0 };
	size_t at;

	CHECK_OK(db_open(w->store, &holder, &err), err);
	commits_held(w, holder);
	CHECK_OK(db_begin(w->db, &err), err);
	db_last(w->db);
	CHECK_OK(db_exec(w->db, w->a, &put_back, (Bind[]){ bind_int(5) }, NULL, &err), err);
	server(w, "kill");
	CHECK(!db_commit(w->db, &err));
	CHECK_INT(err.code, ERR_AWAY);
	CHECK(str_find(str_of(err.text), str_of("not known whether"), &at));
	db_rollback(w->db);
	db_rollback(holder);
	server(w, "start");
	/* nothing is sent twice that may have been done, and yet a restart in between is not noticed */
	for (int64_t n = 6; n < 8; n++) {
		CHECK_OK(db_begin(w->db, &err), err);
		db_last(w->db);
		CHECK_OK(db_exec(w->db, w->a, &put_back, (Bind[]){ bind_int(n) }, NULL, &err), err);
		CHECK_OK(db_commit(w->db, &err), err);
		server(w, "kill");
		server(w, "start");
	}
	CHECK_INT(world_number(w, &count), 2);
}

/* What refers to no row is an error only at the commit. */
static void
late_table(World *w)
{
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err) &&
		     db_script(w->db, "create table late (item bigint references item deferrable initially deferred)",
			 &err) &&
		     db_commit(w->db, &err),
	    err);
}

TEST(a_last_statement_whose_commit_fails_leaves_a_handle_that_works)
{
	static const Stmt late = { "insert into late (item) values ($1)", "i" };
	CLEANUP(world_done) World *w = world_items();
	Bind b = bind_int(12345);
	Err err = { 0 };

	late_table(w);
	for (int asks = 0; asks < 2; asks++) {
		err = (Err){ 0 };
		CHECK_OK(db_begin(w->db, &err), err);
		db_last(w->db);
		CHECK_OK(db_exec(w->db, w->a, &late, &b, NULL, &err), err);
		CHECK(!(asks == 1 && db_exec(w->db, w->a, &put, (Bind[]){ bind_int(7) }, NULL, &err)));
		CHECK(asks == 1 || !db_commit(w->db, &err));
		CHECK_INT(err.code, ERR_VALIDATION);
		db_rollback(w->db);
	}
	CHECK_OK(put_one(w->db, w->a, 1, &err), err);
	CHECK_INT(world_number(w, &count), 1);
}

TEST(a_batch_of_fifty_megabytes_both_ways_does_not_block)
{
	static const Stmt echo = { "insert into item (n, s) values ($1, $2) returning n, s", "is" };
	enum { ROWS = 5000, SIZE = 10000 };
	CLEANUP(world_done) World *w = world_items();
	Bind *binds = arena_array(w->a, Bind, 2 * ROWS);
	Str text = { arena_alloc(w->a, SIZE), SIZE };
	Rows rows;
	Err err = { 0 };

	memset((char *)(intptr_t)text.p, 'y', SIZE);
	for (int i = 0; i < ROWS; i++) {
		binds[(size_t)i * 2] = bind_int(i);
		binds[(size_t)i * 2 + 1] = bind_str(text);
	}
	CHECK_OK(db_begin(w->db, &err) && db_batch(w->db, w->a, &echo, binds, ROWS, &rows, &err), err);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_INT((int64_t)rows.n, ROWS);
	for (size_t i = 0; i < ROWS; i++) {
		CHECK(rows.from[i] == i && row_int(rows_at(&rows, i), 0) == (int64_t)i);
		CHECK_STR(row_str(rows_at(&rows, i), 1), text);
	}
}

TEST(begin_travels_with_the_first_statement_and_an_empty_transaction_costs_nothing)
{
	CLEANUP(world_done) World *w = world_items();
	uint64_t before = store_statements(w->store);
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err) && db_commit(w->db, &err), err);
	CHECK_OK(db_begin(w->db, &err), err);
	db_rollback(w->db);
	CHECK(store_statements(w->store) == before);
}

TEST(a_statement_that_takes_too_long_is_stopped_by_the_server)
{
	static const Stmt nap = { "", "", "select pg_sleep(20)" };
	CLEANUP(world_done) World *w = world_items();
	Err err = { 0 };

	world_close(w);
	w->config.statement_timeout = 100 * US_PER_MS;
	world_reopen(w);
	CHECK(!db_read(w->db, w->a, &nap, NULL, NULL, &err));
	CHECK_INT(err.code, ERR_TIMEOUT);
	CHECK_INT(world_number(w, &count), 0);
}

TEST(a_changed_table_costs_a_prepared_statement_one_retry_at_most)
{
	static const Stmt all = { "select * from item" };
	CLEANUP(world_done) World *w = world_items();
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_read(w->db, w->a, &all, NULL, &rows, &err), err);
	CHECK_OK(db_begin(w->db, &err) && db_script(w->db, "alter table item add column more bigint", &err) &&
		     db_commit(w->db, &err),
	    err);
	CHECK_OK(db_read(w->db, w->a, &all, NULL, &rows, &err), err);
	CHECK_INT((int64_t)rows.cols, 10);
}

TEST(a_deferred_reference_fails_at_the_commit)
{
	static const Stmt late = { "insert into late (item) values ($1)", "i" };
	CLEANUP(world_done) World *w = world_items();
	Bind b = bind_int(12345);
	Err err = { 0 };

	late_table(w);
	CHECK_OK(db_begin(w->db, &err) && db_exec(w->db, w->a, &late, &b, NULL, &err), err);
	CHECK(!db_commit(w->db, &err));
	CHECK_INT(err.code, ERR_VALIDATION);
	CHECK_OK(put_one(w->db, w->a, 1, &err), err);
}

TEST(a_row_that_stays_locked_is_a_passing_error)
{
	static const Stmt lock = { "update item set s = 'x' where n = $1", "i" };
	CLEANUP(world_done) World *w = world_items();
	CLEANUP(db_done) Db *other = NULL;
	Err err = { 0 };

	CHECK_OK(db_open(w->store, &other, &err), err);
	CHECK_OK(put_one(w->db, w->a, 1, &err), err);
	CHECK_OK(db_begin(w->db, &err) && db_script(w->db, "set local lock_timeout = 50", &err), err);
	CHECK_OK(db_begin(other, &err) && db_exec(other, w->a, &lock, (Bind[]){ bind_int(1) }, NULL, &err), err);
	CHECK(!db_exec(w->db, w->a, &lock, (Bind[]){ bind_int(1) }, NULL, &err));
	CHECK_INT(err.code, ERR_AWAY);
	db_rollback(w->db);
}

enum { LOCKED_ROWS = 8 };

/* `limit 1`: see postgres_set.c */
static const Stmt lock_each = {
	.sql = "", .pg = "select n from item where n = $1 limit 1 for update", .in = "i", .set = true
};

static void *
lock_from_the_last(void *arg)
{
	World *w = arg;
	Bind rows[LOCKED_ROWS];
	CLEANUP(db_done) Db *db = NULL;
	CLEANUP(arena_done) Arena *a = arena_open();
	Rows got;
	Err err = { 0 };

	for (int i = 0; i < LOCKED_ROWS; i++)
		rows[i] = bind_int(LOCKED_ROWS - 1 - i);
	CHECK_OK(db_open(w->store, &db, &err), err);
	CHECK_OK(db_begin(db, &err) && db_batch(db, a, &lock_each, rows, LOCKED_ROWS, &got, &err), err);
	CHECK_INT((int64_t)got.n, LOCKED_ROWS);
	CHECK_OK(db_commit(db, &err), err);
	return NULL;
}

static bool
is_free(World *w, int64_t n)
{
	static const Stmt s = { "", "i", "select n from item where n = $1 for update skip locked" };
	Bind b = bind_int(n);
	Rows rows;
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err) && db_exec(w->db, w->a, &s, &b, &rows, &err), err);
	db_rollback(w->db);
	return rows.n == 1;
}

/* Two who lock the same rows in the same order wait, but not for each other. */
TEST(a_batch_of_locks_takes_them_in_its_order_and_waits_at_the_first_that_is_taken)
{
	enum { TAKEN = 3 };
	CLEANUP(world_done) World *w = world_items();
	CLEANUP(db_done) Db *other = NULL;
	Bind taken = bind_int(TAKEN);
	pthread_t thread;
	Err err = { 0 };

	for (int i = 0; i < LOCKED_ROWS; i++)
		CHECK_OK(put_one(w->db, w->a, i, &err), err);
	CHECK_OK(db_open(w->store, &other, &err), err);
	CHECK_OK(db_begin(other, &err) && db_exec(other, w->a, &lock_each, &taken, NULL, &err), err);
	CHECK(pthread_create(&thread, NULL, lock_from_the_last, w) == 0);
	while (is_free(w, TAKEN + 1))
		sched_yield();
	for (int i = 0; i < LOCKED_ROWS; i++)
		CHECK(is_free(w, i) == (i < TAKEN));
	db_rollback(other);
	CHECK(pthread_join(thread, NULL) == 0);
}

static void
open_refused(const StoreConfig *config, ErrCode code, const char *says)
{
	Store *s = NULL;
	Err err = { 0 };
	size_t at;

	CHECK(!store_open(config, &s, &err));
	if (err.code != code || !str_find(str_of(err.text), str_of(says), &at))
		test_fail(__FILE__, __LINE__, "got %s: %s; wanted '%s'", err_code_name(err.code), err.text, says);
	CHECK(!str_find(str_of(err.text), str_of("geheim"), &at));
}

TEST(a_wrong_url_is_told_without_its_password)
{
	open_refused(&(StoreConfig){ .url = str_of("postgresql://me:geheim%zz@localhost/x") }, ERR_INVALID,
	    "'postgresql://me:***@localhost/x' is not a PostgreSQL URL");
	open_refused(&(StoreConfig){ .url = str_of("postgresql:///x?colour=blue") }, ERR_INVALID, "colour");
	open_refused(&(StoreConfig){ .url = str_of("postgresql:///x?host=/none&password=geheim&user=me") }, ERR_AWAY,
	    "password=***");
	open_refused(&(StoreConfig){ .url = str_of("postgresql://me:geheim@127.0.0.1:1/x") }, ERR_AWAY,
	    "cannot connect to postgresql://me:***@127.0.0.1:1/x");
	open_refused(
	    &(StoreConfig){ .url = str_of("postgresql:///x"), .schema = str_of("a; drop") }, ERR_INVALID, "schema");
}

TEST(a_database_that_is_not_there_is_named)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Str url = str_of(world_pg_url());
	size_t at;

	CHECK(str_find(url, str_of("/postgres?"), &at));
	url = str_fmt(a, "%.*s/nosuchdb%.*s", (int)at, url.p, STR_ARG(str_sub(url, at + strlen("/postgres"), url.n)));
	open_refused(&(StoreConfig){ .url = url }, ERR_NOT_FOUND, "nosuchdb");
}

typedef struct Fake {
	int fd;
	int port;
	const char *answer; /* NULL: silence until the other side goes */
	size_t size;
	pthread_t thread;
} Fake;

static void *
fake_main(void *arg)
{
	Fake *f = arg;
	char buf[4096];
	int c = accept(f->fd, NULL, NULL);

	if (c < 0 || recv(c, buf, sizeof(buf), 0) < 0)
		return NULL;
	if (f->answer != NULL) {
		send(c, "N", 1, MSG_NOSIGNAL); /* libpq has asked for TLS */
		recv(c, buf, sizeof(buf), 0);
		send(c, f->answer, f->size, MSG_NOSIGNAL);
	}
	while (recv(c, buf, sizeof(buf), 0) > 0)
		continue;
	close(c);
	return NULL;
}

static void
fake_start(Fake *f)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(addr);

	f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(f->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(f->fd, 1) == 0);
	CHECK(getsockname(f->fd, (struct sockaddr *)&addr, &size) == 0);
	f->port = ntohs(addr.sin_port);
	CHECK(pthread_create(&f->thread, NULL, fake_main, f) == 0);
}

static void
fake_refuses(Fake *f, ErrCode code, const char *says)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	StoreConfig config = { .connect_timeout = 300 * US_PER_MS };

	fake_start(f);
	config.url = str_fmt(a, "postgresql://me:geheim@127.0.0.1:%d/x", f->port);
	open_refused(&config, code, says);
	pthread_join(f->thread, NULL);
	close(f->fd);
}

TEST(a_wrong_password_and_a_silent_server_are_told_apart)
{
	static const char body[] =
	    "SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"me\"\0Fauth.c\0L1\0Rx\0";
	char answer[sizeof(body) + 5] = { 'E', 0, 0, 0, (char)(sizeof(body) + 4) };
	Fake wrong = { .answer = answer, .size = sizeof(answer) };
	Fake silent = { 0 };

	memcpy(answer + 5, body, sizeof(body));
	fake_refuses(&wrong, ERR_UNAUTHORIZED, "password authentication failed");
	fake_refuses(&silent, ERR_AWAY, "no answer in time");
}
