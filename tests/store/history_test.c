/* What happened, as it is told afterwards: the history and the audit made of timelines, and what is counted by the hour. */
#include "store/analytics.h"
#include "store/execution.h"
#include "store/history.h"
#include "store/migrate.h"

#include "test.h"
#include "world.h"

/* a full hour */
#define HOUR ((TimeUs)3600 * US_PER_S)
#define NOW ((TimeUs)1795201200000000)

static World *
world_tables(void)
{
	World *w = world_bare();
	Err err = { 0 };
	int n;

	CHECK_OK(migrate(w->store, NOW, &n, &err), err);
	return w;
}

static Id
run_made(World *w, const char *action, TimeUs at)
{
	ExecNew row = { .action_ref = str_of(action),
		.status = EXEC_REQUESTED,
		.wait = WAIT_QUEUED,
		.wait_class = str_of("1"),
		.correlation = uuid_new(at),
		.by = str_of("api") };
	Err err = { 0 };
	Id id = 0;

	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(execution_insert(w->db, w->a, &row, 1, at, &id, &err), err);
	CHECK_OK(db_commit(w->db, &err), err);
	return id;
}

/* The attempt, by which it is moved on. */
static int
move(World *w, ExecEvent ev, Id id, int attempt, ExecState from, const char *result, TimeUs at)
{
	ExecMove m = { .id = id, .attempt = attempt, .from = from, .started = at, .finished = at };
	ExecMoved moved = { 0 };
	Err err = { 0 };
	Json value;

	if (result != NULL) {
		CHECK_OK(json_parse(w->a, str_of(result), NULL, &value, &err), err);
		m.result = &value;
	}
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(execution_move(w->db, w->a, ev, &m, 1, at, str_of("executor"), &moved, &err), err);
	CHECK(moved.moved);
	CHECK_OK(db_commit(w->db, &err), err);
	return moved.attempt;
}

/* Begun a second after it was made, ended a second later. */
static Id
run_ended(World *w, const char *action, ExecEvent how, const char *result, TimeUs at)
{
	Id id = run_made(w, action, at);
	int attempt = move(w, EV_BEGIN, id, 0, EXEC_REQUESTED, NULL, at + US_PER_S);

	(void)move(w, how, id, attempt, EXEC_RUNNING, result, at + 2 * US_PER_S);
	return id;
}

static SliceOut
history(World *w, HistoryFilter f, Slice slice)
{
	SliceOut out;
	Err err = { 0 };

	CHECK_OK(history_of_executions(w->db, w->a, &f, &slice, &out, &err), err);
	return out;
}

static Str
status_at(const SliceOut *out, size_t i)
{
	return json_get_text(json_get(&out->rows.items[i], "new_values"), "status");
}

TEST(the_history_of_a_run_is_its_timeline_newest_first_with_a_digest_of_its_result)
{
	CLEANUP(world_done) World *w = world_tables();
	Id id = run_ended(w, "p1.a", EV_EXIT_OK, "{\"data\": {\"n\": 1}}", NOW);
	SliceOut out = history(w, (HistoryFilter){ .entity = id }, (Slice){ .size = 10 });
	const Json *last = &out.rows.items[0], *result;

	CHECK_INT((int64_t)out.rows.n, 3);
	CHECK_STR(status_at(&out, 0), str_of("completed"));
	CHECK_STR(status_at(&out, 1), str_of("running"));
	CHECK_STR(status_at(&out, 2), str_of("requested"));
	CHECK_STR(json_get_text(json_get(last, "old_values"), "status"), str_of("running"));
	CHECK_STR(json_get_text(last, "operation"), str_of("UPDATE"));
	CHECK_STR(json_get_text(&out.rows.items[2], "operation"), str_of("INSERT"));
	CHECK(json_is_null(json_get(&out.rows.items[2], "old_values")));
	result = json_get(json_get(last, "new_values"), "result");
	CHECK(str_starts(json_get_text(result, "digest"), str_of("sha256:")));
	CHECK_STR(json_get_text(result, "type"), str_of("object"));
	CHECK(out.total == 3 && !out.more);
}

TEST(the_history_is_paged_by_its_last_record_and_loses_and_repeats_none)
{
	CLEANUP(world_done) World *w = world_tables();
	Slice slice = { .size = 4 };
	size_t seen = 0;
	Str before = { 0 };
	SliceOut out;

	for (int i = 0; i < 5; i++)
		(void)run_ended(w, "p1.a", EV_EXIT_OK, NULL, NOW + i * HOUR);
	do {
		out = history(w, (HistoryFilter){ 0 }, slice);
		for (size_t i = 0; i < out.rows.n; i++) {
			Str time = json_get_text(&out.rows.items[i], "time");

			CHECK(str_none(before) || str_cmp(time, before) < 0);
			before = time;
		}
		seen += out.rows.n;
		slice.after = out.last;
	} while (out.more);
	CHECK_INT((int64_t)seen, 15);
	out = history(w, (HistoryFilter){ 0 }, (Slice){ .size = 4, .offset = 13 });
	CHECK(out.rows.n == 2 && out.total == 15);
}

TEST(the_history_is_filtered_by_action_operation_field_and_time)
{
	CLEANUP(world_done) World *w = world_tables();
	Slice all = { .size = 100 };
	SliceOut out;

	(void)run_ended(w, "p1.a", EV_EXIT_OK, "{}", NOW);
	(void)run_ended(w, "p1.b", EV_EXIT_BAD, NULL, NOW + HOUR);
	CHECK(history(w, (HistoryFilter){ .ref = str_of("p1.b") }, all).rows.n == 3);
	CHECK(history(w, (HistoryFilter){ .operation = str_of("INSERT") }, all).rows.n == 2);
	out = history(w, (HistoryFilter){ .field = str_of("result") }, all);
	CHECK(out.rows.n == 1 && str_is(status_at(&out, 0), "completed"));
	CHECK(history(w, (HistoryFilter){ .field = str_of("started_at") }, all).rows.n == 2);
	CHECK(history(w, (HistoryFilter){ .since = NOW + US_PER_S, .until = NOW + HOUR }, all).rows.n == 3);
	CHECK(history(w, (HistoryFilter){ .until = NOW - 1 }, all).rows.n == 0);
}

TEST(what_was_noted_of_a_run_stands_in_its_history_and_not_in_its_audit)
{
	CLEANUP(world_done) World *w = world_tables();
	Id id = run_ended(w, "p1.a", EV_EXIT_OK, NULL, NOW);
	Json note = json_object();
	HistoryFilter f = { .entity = id };
	Slice all = { .size = 100 };
	SliceOut out;
	Err err = { 0 };

	json_add(w->a, &note, "late_result", json_int(7));
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(execution_note(w->db, w->a, id, str_of("p1.a"), &note, NOW + HOUR, &err), err);
	CHECK_OK(db_commit(w->db, &err), err);
	out = history(w, f, all);
	CHECK_INT((int64_t)out.rows.n, 4);
	CHECK(json_as_int(json_get(json_get(&out.rows.items[0], "new_values"), "late_result"), 0) == 7);
	CHECK_OK(audit_of_executions(w->db, w->a, &f, (Str){ 0 }, &all, &out, &err), err);
	CHECK_INT((int64_t)out.rows.n, 3);
}

TEST(what_runs_did_is_an_audit_whose_events_are_found_again_by_id)
{
	CLEANUP(world_done) World *w = world_tables();
	Id id = run_ended(w, "p1.a", EV_EXIT_BAD, "{\"timed_out\": true}", NOW);
	HistoryFilter any = { 0 }, bad = { .outcome = str_of("failure") };
	Slice all = { .size = 100 };
	SliceOut out;
	Err err = { 0 };
	Json one;
	Id event;

	CHECK_OK(audit_of_executions(w->db, w->a, &any, str_of("execution.*"), &all, &out, &err), err);
	CHECK_INT((int64_t)out.rows.n, 3);
	CHECK_OK(audit_of_executions(w->db, w->a, &any, str_of("execution.started"), &all, &out, &err), err);
	CHECK_INT((int64_t)out.rows.n, 1);
	CHECK_OK(audit_of_executions(w->db, w->a, &bad, (Str){ 0 }, &all, &out, &err), err);
	CHECK_INT((int64_t)out.rows.n, 1);
	CHECK_STR(json_get_text(&out.rows.items[0], "event_type"), str_of("execution.timed_out"));
	event = json_as_int(json_get(&out.rows.items[0], "id"), 0);
	CHECK(audit_is_of_execution(event) && !audit_is_of_execution(id));
	CHECK_OK(audit_execution_show(w->db, w->a, event, NULL, &one, &err), err);
	CHECK_INT(json_as_int(json_get(&one, "resource_id"), 0), id);
	CHECK_STR(json_get_text(json_get(&one, "details"), "by"), str_of("executor"));
	CHECK(!audit_execution_show(w->db, w->a, event + 1, NULL, &one, &err) && err.code == ERR_NOT_FOUND);
}

TEST(what_became_of_workers_is_listed_by_worker_and_field)
{
	CLEANUP(world_done) World *w = world_tables();
	HistoryFilter any = { .entity = 5 }, cordons = { .field = str_of("cordoned") },
		      inserts = { .operation = str_of("INSERT") };
	Json made = json_object(), before = json_object(), after = json_object();
	Slice all = { .size = 100 };
	SliceOut out;
	Err err = { 0 };

	json_add(w->a, &made, "status", json_cstr("active"));
	json_add(w->a, &before, "cordoned", json_bool(false));
	json_add(w->a, &after, "cordoned", json_bool(true));
	CHECK_OK(db_begin(w->db, &err), err);
	CHECK_OK(worker_note(w->db, w->a, 5, str_of("w5"), NULL, &made, NOW, &err), err);
	CHECK_OK(worker_note(w->db, w->a, 5, str_of("w5"), &before, &after, NOW + HOUR, &err), err);
	CHECK_OK(worker_note(w->db, w->a, 6, str_of("w6"), NULL, &made, NOW + HOUR, &err), err);
	CHECK_OK(db_commit(w->db, &err), err);
	CHECK_OK(history_of_workers(w->db, w->a, &any, &all, &out, &err), err);
	CHECK(out.rows.n == 2 && str_is(json_get_text(&out.rows.items[0], "operation"), "UPDATE"));
	CHECK_OK(history_of_workers(w->db, w->a, &cordons, &all, &out, &err), err);
	CHECK(out.rows.n == 1 && json_as_bool(json_get(json_get(&out.rows.items[0], "new_values"), "cordoned"), false));
	CHECK_OK(history_of_workers(w->db, w->a, &inserts, &all, &out, &err), err);
	CHECK_INT((int64_t)out.rows.n, 2);
}

/* ---- by the hour ---- */

static int64_t
value_of(const Json *series, TimeUs hour, const char *label)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < series->n; i++)
		if (str_eq(json_get_text(&series->items[i], "bucket"), time_text(a, hour)) &&
		    str_is(json_get_text(&series->items[i], "label"), label))
			return json_as_int(json_get(&series->items[i], "value"), -1);
	return 0;
}

TEST(runs_are_counted_by_hour_action_and_state)
{
	CLEANUP(world_done) World *w = world_tables();
	Window all = { NOW - HOUR, NOW + 9 * HOUR }, one = { NOW + HOUR, NOW + 2 * HOUR - 1 };
	Err err = { 0 };
	Json series;

	(void)run_ended(w, "p1.a", EV_EXIT_OK, NULL, NOW);
	(void)run_ended(w, "p1.a", EV_EXIT_OK, NULL, NOW + HOUR - 1);
	(void)run_ended(w, "p1.b", EV_EXIT_BAD, NULL, NOW + HOUR);
	(void)run_made(w, "p1.a", NOW + HOUR);
	CHECK_OK(analytics_series(w->db, w->a, SERIES_THROUGHPUT, &all, NULL, &series, &err), err);
	CHECK_INT((int64_t)series.n, 3);
	CHECK(value_of(&series, NOW, "p1.a") == 2 && value_of(&series, NOW + HOUR, "p1.b") == 1);
	CHECK_INT(value_of(&series, NOW + HOUR, "p1.a"), 1);
	CHECK_OK(analytics_series(w->db, w->a, SERIES_EXECUTION_STATUS, &one, NULL, &series, &err), err);
	CHECK_INT((int64_t)series.n, 2);
	CHECK(value_of(&series, NOW + HOUR, "failed") == 1 && value_of(&series, NOW + HOUR, "requested") == 1);
	CHECK_OK(analytics_series(w->db, w->a, SERIES_EVENTS, &all, NULL, &series, &err), err);
	CHECK_INT((int64_t)series.n, 0);
}

TEST(failures_are_told_from_limits_that_were_hit_and_from_runs_that_go_on)
{
	CLEANUP(world_done) World *w = world_tables();
	Window all = { NOW - HOUR, NOW + HOUR };
	FailureRate rate;
	Err err = { 0 };

	CHECK_OK(analytics_failures(w->db, w->a, &all, NULL, &rate, &err), err);
	CHECK_INT(rate.terminal, 0);
	(void)run_made(w, "p1.a", NOW);
	(void)run_ended(w, "p1.a", EV_EXIT_OK, NULL, NOW);
	(void)run_ended(w, "p1.a", EV_EXIT_BAD, "{\"error\": \"x\"}", NOW);
	(void)run_ended(w, "p1.a", EV_EXIT_BAD, "{\"timed_out\": true}", NOW);
	CHECK_OK(analytics_failures(w->db, w->a, &all, NULL, &rate, &err), err);
	CHECK(rate.terminal == 3 && rate.completed == 1 && rate.failed == 1 && rate.timed_out == 1);
}
