#include "store/db.h"

#include "store/db_impl.h"
#include "test.h"
#include "world.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, COMMITS = 500 };

static const Stmt put = { "insert into item (n) values ($1)", "i" };
static const Stmt put_text = { "insert into item (n, s) values ($1, $2)", "is" };
static const Stmt count = { "select count(*) from item" };

typedef struct Task {
	pthread_t thread;
	World *w;
	int64_t from;
	atomic_bool *over;
	int64_t done;
	int64_t failed;
	bool kept[COMMITS];
	Err err; /* the last */
} Task;

static bool
put_one(Db *db, Arena *a, int64_t n, Err *err)
{
	Bind b = bind_int(n);

	if (db_begin(db, err) && db_exec(db, a, &put, &b, NULL, err) && db_commit(db, err))
		return true;
	db_rollback(db);
	return false;
}

static void *
commit_many(void *arg)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(db_done) Db *db = NULL;
	Task *t = arg;

	if (!db_open(t->w->store, &db, &t->err))
		return NULL;
	for (int i = 0; i < COMMITS; i++)
		t->done += put_one(db, a, t->from + i, &t->err);
	return NULL;
}

/* Always in the way of the others, never with anything to keep. */
static void *
fail_many(void *arg)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(db_done) Db *db = NULL;
	Task *t = arg;
	Bind taken = bind_int(-1);
	int64_t n = -2;

	if (!db_open(t->w->store, &db, &t->err))
		return NULL;
	while (!atomic_load(t->over)) {
		Bind own = bind_int(n--);

		if (db_begin(db, &t->err) && db_exec(db, a, &put, &own, NULL, &t->err))
			t->failed += !db_exec(db, a, &put, &taken, NULL, &t->err);
		db_rollback(db);
	}
	return NULL;
}

/* Breaks a rule that SQLite would look at in the shared commit only. */
static void *
fail_late(void *arg)
{
	static const Stmt late = { "insert into late (item) values ($1)", "i" };
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(db_done) Db *db = NULL;
	Task *t = arg;
	Bind nowhere = bind_int(12345678);

	if (!db_open(t->w->store, &db, &t->err))
		return NULL;
	while (!atomic_load(t->over)) {
		if (db_begin(db, &t->err) && db_exec(db, a, &late, &nowhere, NULL, &t->err))
			t->failed += !db_commit(db, &t->err);
		db_rollback(db);
	}
	return NULL;
}

/* Eight threads commit while one more does nothing but fail: each of the eight keeps all that it was told is kept. */
static void
commit_beside(World *w, void *(*failing)(void *), ErrCode code)
{
	Task *tasks = arena_array(w->a, Task, THREADS + 1);
	atomic_bool over = false;

	for (int i = 0; i <= THREADS; i++) {
		tasks[i] = (Task){ .w = w, .from = (int64_t)i * COMMITS, .over = &over };
		CHECK(pthread_create(&tasks[i].thread, NULL, i == THREADS ? failing : commit_many, &tasks[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(tasks[i].thread, NULL);
	atomic_store(&over, true);
	pthread_join(tasks[THREADS].thread, NULL);
	for (int i = 0; i < THREADS; i++)
		if (tasks[i].done != COMMITS)
			test_fail(
			    __FILE__, __LINE__, "%lld of %d: %s", (long long)tasks[i].done, COMMITS, tasks[i].err.text);
	CHECK(tasks[THREADS].failed > 0);
	CHECK_INT(tasks[THREADS].err.code, code);
}

TEST(commits_of_threads_are_combined_and_a_failing_one_hurts_nobody)
{
	CLEANUP(world_done) World *w = world_items();
	uint64_t before;

	world_do(w, &put, (Bind[]){ bind_int(-1) });
	before = store_commits(w->store);
	commit_beside(w, fail_many, ERR_CONFLICT);
	CHECK_INT(world_number(w, &count), THREADS * COMMITS + 1);
	CHECK((int64_t)(store_commits(w->store) - before) < THREADS * COMMITS);
}

static void *
fill_up(void *arg)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(db_done) Db *db = NULL;
	Task *t = arg;
	Str text = { arena_alloc(a, 3000), 3000 };

	memset((char *)(intptr_t)text.p, 'x', text.n);
	if (!db_open(t->w->store, &db, &t->err))
		return NULL;
	for (int i = 0; i < COMMITS; i++) {
		Bind b[] = { bind_int(t->from + i), bind_str(text) };

		t->kept[i] =
		    db_begin(db, &t->err) && db_exec(db, a, &put_text, b, NULL, &t->err) && db_commit(db, &t->err);
		t->failed += !t->kept[i];
		db_rollback(db);
	}
	return NULL;
}

static void
script(World *w, const char *sql)
{
	Err err = { 0 };

	CHECK_OK(db_begin(w->db, &err) && db_script(w->db, sql, &err) && db_commit(w->db, &err), err);
}

TEST(a_full_disk_is_told_to_everyone_it_hit_and_passes)
{
	static const Stmt there = { "select n from item order by n" };
	CLEANUP(world_done) World *w = world_items();
	Task *tasks = arena_array(w->a, Task, THREADS);
	bool *found = arena_array(w->a, bool, THREADS *COMMITS);
	int64_t failed = 0;
	Rows rows;
	Err err = { 0 };
	size_t at;

	script(w, "pragma max_page_count = 1000");
	for (int i = 0; i < THREADS; i++) {
		tasks[i] = (Task){ .w = w, .from = (int64_t)i * COMMITS };
		CHECK(pthread_create(&tasks[i].thread, NULL, fill_up, &tasks[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(tasks[i].thread, NULL);
		failed += tasks[i].failed;
	}
	CHECK(failed > 0);
	CHECK_OK(db_read(w->db, w->a, &there, NULL, &rows, &err), err);
	for (size_t i = 0; i < rows.n; i++)
		found[row_int(rows_at(&rows, i), 0)] = true;
	for (int i = 0; i < THREADS * COMMITS; i++)
		CHECK(found[i] == tasks[i / COMMITS].kept[i % COMMITS]);
	for (int i = 0; i < THREADS; i++)
		if (tasks[i].failed > 0) {
			CHECK_INT(tasks[i].err.code, ERR_AWAY);
			CHECK(str_find(str_of(tasks[i].err.text), str_of("the disk is full"), &at));
		}
	script(w, "pragma max_page_count = 1000000");
	CHECK_OK(put_one(w->db, w->a, 999998, &err), err);
}

TEST(a_deferred_reference_fails_its_owner_only)
{
	static const Stmt late = { "insert into late (item) values ($1)", "i" };
	CLEANUP(world_done) World *w = world_items();
	Bind b = bind_int(12345);
	Err err = { 0 };

	script(w, "create table late (item integer references item deferrable initially deferred)");
	CHECK_OK(db_begin(w->db, &err) && db_exec(w->db, w->a, &late, &b, NULL, &err), err);
	CHECK(!db_commit(w->db, &err));
	CHECK_INT(err.code, ERR_VALIDATION);
	commit_beside(w, fail_late, ERR_VALIDATION);
	CHECK_INT(world_number(w, &count), THREADS * COMMITS);
}

static int64_t
size_of(const World *w, const char *end)
{
	struct stat st = { 0 };

	CHECK(stat(str_fmt(w->a, "%s/attune.db%s", w->dir, end).p, &st) == 0);
	return st.st_size;
}

TEST(the_log_has_its_working_size_from_the_start_and_does_not_grow_for_ever)
{
	enum { ROUNDS = 60, MOST = 40 * 1024 * 1024 };
	CLEANUP(world_done) World *w = world_items();
	Str text = { arena_alloc(w->a, US_PER_S), US_PER_S };
	int64_t at_start = size_of(w, "-wal");
	struct stat st;

	memset((char *)(intptr_t)text.p, 'x', text.n);
	CHECK_INT(at_start, 6 * 1024 * 1024);
	for (int i = 0; i < 500; i++)
		world_do(w, &put, (Bind[]){ bind_int(i) });
	CHECK_INT(size_of(w, "-wal"), at_start);
	for (int i = 0; i < ROUNDS; i++)
		world_do(w, &put_text, (Bind[]){ bind_int(1000 + i), bind_str(text) });
	CHECK(size_of(w, "-wal") < MOST);
	CHECK(stat(str_fmt(w->a, "%s/attune.db", w->dir).p, &st) == 0);
	CHECK_INT(st.st_mode & 0777, 0600);
}

static void
open_refused(Str url, ErrCode code, const char *says)
{
	StoreConfig config = { .url = url };
	Store *s = NULL;
	Err err = { 0 };
	size_t at;

	CHECK(!store_open(&config, &s, &err));
	if (err.code != code || !str_find(str_of(err.text), str_of(says), &at))
		test_fail(__FILE__, __LINE__, "got %s: %s; wanted '%s'", err_code_name(err.code), err.text, says);
}

TEST(a_file_that_cannot_be_used_is_named_with_the_cure)
{
	CLEANUP(world_done) World *w = world_items();
	Str path = str_fmt(w->a, "%s/attune.db", w->dir);
	int fd;

	open_refused(str_of("sqlite:"), ERR_INVALID, "lacks the path");
	open_refused(str_fmt(w->a, "sqlite:%s", w->dir), ERR_SYS, w->dir);
	open_refused(str_fmt(w->a, "sqlite:%s/none/x.db", w->dir), ERR_SYS, "its directory must exist");
	world_close(w);
	fd = open(path.p, O_WRONLY | O_TRUNC | O_CLOEXEC);
	for (int i = 0; i < 1000; i++)
		CHECK(write(fd, "this is a letter", 16) == 16);
	close(fd);
	open_refused(w->config.url, ERR_CORRUPT, "is not a SQLite database");
}

/* Rights are for other users than root. */
static void
as_nobody(const World *w)
{
	StoreConfig config = w->config;
	Store *s = NULL;
	Err err = { 0 };
	size_t at;

	if (getuid() == 0 && setuid(65534) != 0)
		_exit(2);
	if (store_open(&config, &s, &err))
		_exit(3);
	_exit(err.code == ERR_SYS && str_find(str_of(err.text), str_of("it may not be written"), &at) ? 0 : 4);
}

TEST(a_file_that_may_not_be_written_is_refused_at_start)
{
	CLEANUP(world_done) World *w = world_items();
	int status = -1;
	pid_t pid;

	world_close(w);
	CHECK(chmod(str_fmt(w->a, "%s/attune.db", w->dir).p, 0444) == 0);
	CHECK(chmod(w->dir, 0555) == 0);
	pid = fork();
	if (pid == 0)
		as_nobody(w);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(chmod(w->dir, 0700) == 0);
	CHECK(chmod(str_fmt(w->a, "%s/attune.db", w->dir).p, 0600) == 0);
	CHECK_INT(status, 0);
}

TEST(a_statement_that_reads_for_too_long_is_stopped)
{
	static const Stmt endless = {
		"with recursive r (n) as (select 1 union all select n + 1 from r) select max(n) from r"
	};
	CLEANUP(world_done) World *w = world_items();
	Rows rows;
	Err err = { 0 };

	world_close(w);
	w->config.statement_timeout = 50 * US_PER_MS;
	world_reopen(w);
	CHECK(!db_read(w->db, w->a, &endless, NULL, &rows, &err));
	CHECK_INT(err.code, ERR_TIMEOUT);
	CHECK_INT(world_number(w, &count), 0);
}

TEST(a_store_in_memory_reads_what_it_wrote)
{
	static const Stmt create = { "create table t (n integer)" };
	static const Stmt add = { "insert into t values (5) returning n" };
	static const Stmt get = { "select n from t" };
	CLEANUP(arena_done) Arena *a = arena_open();
	StoreConfig config = { .url = str_of("sqlite::memory:") };
	Store *s;
	Db *db;
	Rows rows;
	Err err = { 0 };

	CHECK_OK(store_open(&config, &s, &err) && db_open(s, &db, &err), err);
	CHECK_OK(db_begin(db, &err) && db_exec(db, a, &create, NULL, NULL, &err), err);
	CHECK_OK(db_exec(db, a, &add, NULL, NULL, &err) && db_commit(db, &err), err);
	CHECK_OK(db_read(db, a, &get, NULL, &rows, &err), err);
	CHECK_INT(row_int(rows_at(&rows, 0), 0), 5);
	db_close(db);
	store_close(s);
}
