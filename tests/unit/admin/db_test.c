#include "rig.h"

#include "os/fs.h"
#include "store/migrate.h"
#include "store/worker.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(a_database_is_looked_at_made_and_looked_at_again)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(rig_folder_done) Str dir = rig_folder(a);
	Said s = SAYS(a, "db", "status", "--data-dir", dir.p);
	Json list;

	CHECK_INT(s.code, 1);
	CHECK(said_has(s.complaint, "there is no database"));
	CHECK(!file_exists(str_fmt(a, "%s/attune.db", dir.p).p));

	s = SAYS(a, "db", "migrate", "--data-dir", dir.p);
	CHECK_STR(s.complaint, str_of(""));
	CHECK_INT(s.code, 0);
	CHECK(said_has(s.out, "applied"));
	CHECK_STR(
	    SAYS(a, "db", "migrate", "--data-dir", dir.p).out, str_of("nothing to do: the database is up to date\n"));

	s = SAYS(a, "db", "status", "--data-dir", dir.p);
	CHECK_INT(s.code, 0);
	CHECK(str_starts(s.out, str_of("NUMBER  NAME")));
	CHECK(!said_has(s.out, "not yet"));
	s = SAYS(a, "db", "status", "-j", "--data-dir", dir.p);
	list = said_json(a, &s);
	CHECK(list.n >= 1);
	CHECK_INT(json_as_int(json_get(&list.items[0], "number"), 0), 1);
	CHECK(json_get_text(&list.items[0], "applied_at").n > 0);
}

/* A process that holds a data directory, as `attune up` does. */
static pid_t
holder_start(Arena *a, Str dir, int *ret_end)
{
	int ready[2], end[2];
	char c;
	pid_t pid;

	CHECK(pipe2(ready, O_CLOEXEC) == 0 && pipe2(end, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		int lock;
		Err err = { 0 };

		close(end[1]);
		if (!lock_take(str_fmt(a, "%s/attune.lock", dir.p).p, &lock, NULL, &err) ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(end[0], &c, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	close(end[0]);
	CHECK_INT(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*ret_end = end[1];
	return pid;
}

TEST(a_directory_in_use_is_refused_with_the_pid)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(rig_folder_done) Str dir = rig_folder(a);
	int end, status;
	pid_t pid = holder_start(a, dir, &end);
	Said s = SAYS(a, "db", "migrate", "--data-dir", dir.p);

	CHECK_INT(s.code, 1);
	CHECK(said_has(s.complaint, str_fmt(a, "in use by process %d", (int)pid).p));
	close(end);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_INT(SAYS(a, "db", "migrate", "--data-dir", dir.p).code, 0);
}

/* ---- dead letters that are rows ---- */

static const char letter_id[] = "01890000-0000-7000-8000-000000000001";

static void
letter_lay(Arena *a, Str dir)
{
	StoreConfig config = { .url = str_fmt(a, "sqlite:%s/attune.db", dir.p) };
	DeadRow row = { .message_id = str_of(letter_id),
		.queue = str_of("attune.execution.requests.queue"),
		.routing_key = str_of("execution.requested"),
		.reason = str_of("no such kind"),
		.body = str_of("{\"x\":\x01}"),
		.created = 1700000000LL * US_PER_S };
	Store *store;
	Db *db;
	Err err = { 0 };

	CHECK_INT(SAYS(a, "db", "migrate", "--data-dir", dir.p).code, 0);
	CHECK_OK(store_open(&config, &store, &err), err);
	CHECK_OK(db_open(store, &db, &err), err);
	CHECK_OK(db_begin(db, &err), err);
	CHECK_OK(dead_insert(db, a, &row, &err), err);
	CHECK_OK(db_commit(db, &err), err);
	db_close(db);
	store_close(store);
}

TEST(a_stored_dead_letter_is_listed_shown_and_dropped)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(rig_folder_done) Str dir = rig_folder(a);
	Said s;
	Json v;

	letter_lay(a, dir);
	s = SAYS(a, "dlq", "list", "--data-dir", dir.p);
	CHECK_INT(s.code, 0);
	CHECK(said_has(s.out, letter_id) && said_has(s.out, "no such kind") && said_has(s.out, "2023-11-14T22:13:20Z"));
	s = SAYS(a, "dlq", "list", "-j", "--data-dir", dir.p);
	v = said_json(a, &s);
	CHECK_INT(v.n, 1);
	CHECK_STR(json_get_text(&v.items[0], "routing_key"), str_of("execution.requested"));
	CHECK(said_has(SAYS(a, "dlq", "list", "-y", "--data-dir", dir.p).out, "routing_key: execution.requested"));
	CHECK_STR(SAYS(a, "dlq", "list", "-q", "--data-dir", dir.p).out, str_fmt(a, "%s\n", letter_id));
	CHECK_STR(SAYS(a, "dlq", "list", "--field", "reason", "--data-dir", dir.p).out, str_of("no such kind\n"));
	s = SAYS(a, "dlq", "show", letter_id, "--field", "raeson", "--data-dir", dir.p);
	CHECK_INT(s.code, 1);
	CHECK(said_has(s.complaint, "there is no field 'raeson'; there are: message_id, queue"));
	s = SAYS(a, "dlq", "show", letter_id, "--data-dir", dir.p);
	CHECK_INT(s.code, 0);
	CHECK(said_has(s.out, "attune.execution.requests.queue"));
	CHECK(memchr(s.out.p, 1, s.out.n) == NULL); /* no control character reaches the terminal */

	CHECK_STR(SAYS(a, "dlq", "drop", letter_id, "-o", "yaml", "--data-dir", dir.p).out,
	    str_fmt(a, "message_id: \"%s\"\ndone: dropped\n", letter_id));
	CHECK_STR(SAYS(a, "dlq", "list", "--data-dir", dir.p).out, str_of("no dead letters\n"));
	s = SAYS(a, "dlq", "drop", letter_id, "--data-dir", dir.p);
	CHECK_INT(s.code, 1);
	CHECK(said_has(s.complaint, letter_id));
	s = SAYS(a, "dlq", "show", letter_id, "--data-dir", dir.p);
	CHECK_INT(s.code, 1);
}

TEST(a_stored_dead_letter_is_not_put_back_while_nothing_runs)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(rig_folder_done) Str dir = rig_folder(a);
	Said s;

	letter_lay(a, dir);
	s = SAYS(a, "dlq", "replay", letter_id, "--data-dir", dir.p);
	CHECK_INT(s.code, 1);
	CHECK(said_has(s.complaint, "none runs on"));
	CHECK(said_has(SAYS(a, "dlq", "list", "--data-dir", dir.p).out, letter_id));
}

TEST(while_an_attune_runs_its_api_is_asked)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(rig_folder_done) Str dir = rig_folder(a);
	int end, status;
	pid_t pid;
	Said s;

	letter_lay(a, dir);
	pid = holder_start(a, dir, &end);
	setenv("ATTUNE_API_URL", "http://127.0.0.1:1", 1); /* nobody listens there */
	s = SAYS(a, "dlq", "drop", letter_id, "--data-dir", dir.p);
	unsetenv("ATTUNE_API_URL");
	CHECK_INT(s.code, 3);
	CHECK(said_has(s.complaint, "asked through its API"));
	close(end);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Nothing of PostgreSQL's library was needed yet, so that it is not loaded. */
TEST(a_schema_that_cannot_be_is_refused_before_the_database_is_asked)
{
	StoreConfig config = { .url = str_of("postgresql://nobody@127.0.0.1:1/none"), .schema = str_of("Not-One") };
	Store *store;
	Err err = { 0 };

	CHECK(!store_open(&config, &store, &err));
	CHECK(said_has(str_of(err.text), "use small letters, digits and _"));
}
