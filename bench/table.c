/*
 * Puts the figures of several rounds beside the floors of the same round and beside the targets.
 *   bench_table FILE...      one file of "name value" lines for each round
 * Ours and ratios are medians over the rounds; spread is the largest round divided by the smallest.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 32, NAMES_MAX = 256, NAME_MAX = 64 };

typedef struct Figure {
	char name[NAME_MAX];
	double value[ROUNDS_MAX]; /* NAN where the round has none */
} Figure;

typedef struct Table {
	Figure all[NAMES_MAX];
	size_t n, rounds;
} Table;

static Figure *
figure_of(Table *t, const char *name)
{
	Figure *f;

	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->all[i].name, name) == 0)
			return &t->all[i];
	must(t->n < NAMES_MAX, NULL, "too many figures");
	f = &t->all[t->n++];
	snprintf(f->name, sizeof(f->name), "%s", name);
	for (size_t i = 0; i < ROUNDS_MAX; i++)
		f->value[i] = NAN;
	return f;
}

static void
round_read(Table *t, const char *path)
{
	FILE *in = fopen(path, "r");
	char name[NAME_MAX];
	double value;

	must(in != NULL && t->rounds < ROUNDS_MAX, NULL, path);
	while (fscanf(in, "%63s %lf", name, &value) == 2)
		figure_of(t, name)->value[t->rounds] = value;
	must(feof(in), NULL, "a line that is no figure");
	fclose(in);
	t->rounds++;
}

/* ---- rows ---- */

typedef enum Goal {
	NONE,
	AT_MOST,       /* ours <= target */
	AT_LEAST,      /* ours >= target */
	RATIO_AT_MOST, /* ours / floor <= target */
	RATIO_AT_LEAST,
	PLUS_AT_MOST, /* ours - floor <= target */
} Goal;

/* A floor is a sum of figures, each some times, in the unit of the row. */
typedef struct Part {
	const char *name;
	double times;
} Part;

typedef struct Row {
	const char *label, *name, *unit;
	Goal goal;
	double target;
	const char *floor_label;
	Part floor[3];
} Row;

#define SPAWN_COMMITS \
	"spawn + 4 commits", \
	{ \
		{ "floor_spawn_us", 1e-3 }, \
		{ \
			"floor_commit_sqlite_us", 4e-3 \
		} \
	}
#define SPAWN \
	"spawn", \
	{ \
		{ \
			"floor_spawn_us", 1e-3 \
		} \
	}
#define SPAWN_TWO \
	"spawn, two at once", \
	{ \
		{ \
			"floor_spawn_two_per_s", 1 \
		} \
	}
#define INGEST \
	"ingest in batches of 1,000", \
	{ \
		{ \
			"ingest_1000_per_s", 1 \
		} \
	}
#define COMMIT \
	"1 commit", \
	{ \
		{ \
			"floor_commit_sqlite_us", 1e-3 \
		} \
	}
#define HTTP \
	"1 HTTP request", \
	{ \
		{ \
			"floor_http_us", 1e-3 \
		} \
	}

static const Row rows[] = {
	{ "FLOORS" },
	{ "bash starts, does nothing, is reaped", "floor_spawn_us", "us" },
	{ "the same, two at once", "floor_spawn_two_per_s", "/s" },
	{ "durable commit, SQLite file", "floor_commit_sqlite_us", "us" },
	{ "durable commit, PostgreSQL", "floor_commit_pg_us", "us" },
	{ "confirmed publish, RabbitMQ", "floor_publish_us", "us" },
	{ "loopback HTTP request", "floor_http_us", "us" },

	{ "LIMITS AND WALLS, INSIDE THE WORKER" },
	{ "shell action, all limits, sandbox standard: start to reaped, p50", "walls_standard_us", "us", RATIO_AT_MOST,
	    1.4, "bare spawn by turns", { { "walls_bare_us", 1 } } },
	{ "the same, sandbox off", "walls_off_us", "us", NONE, 0, "bare spawn by turns", { { "walls_bare_us", 1 } } },
	{ "of 500 that sleep, the worker's memory for each", "walls_sleeper_kib", "KiB", AT_MOST, 32 },
	{ "and its processor time", "walls_sleepers_cpu_percent", "%", AT_MOST, 2 },
	{ "worker.warm, ten a second: a shell action, p50", "warm_shell_us", "us", NONE, 0, "bare start",
	    { { "warm_bare_shell_us", 1 } } },
	{ "a Python action, forked, p50", "warm_python_us", "us", RATIO_AT_MOST, 1.5, "shell action",
	    { { "warm_shell_us", 1 } } },
	{ "  beside python3 with import json, bare", "warm_python_us", "us", RATIO_AT_MOST, 0.25, "cold start",
	    { { "warm_bare_python_us", 1 } } },
	{ "  the first of a cold environment, p50", "warm_first_python_us", "us", RATIO_AT_MOST, 1.3, "its cold start",
	    { { "warm_first_bare_us", 1 } } },
	{ "  as many as can be, four at once", "warm_python_per_s", "/s", AT_LEAST, 700, "shell action",
	    { { "warm_shell_per_s", 1 } } },
	{ "a Node action, started ahead, p50", "warm_node_us", "us", AT_MOST, 6000, "cold start",
	    { { "warm_bare_node_us", 1 } } },
	{ "INSIDE A WORKER" },
	{ "core.http_request, ten under way: each", "http_request_us", "us", AT_MOST, 500, "loopback request",
	    { { "floor_http_us", 1 } } },

	{ "ONE AT A TIME, EMBEDDED" },
	{ "core.echo: execute to process started, p50", "embedded_execute_started_ms_p50", "ms", AT_MOST, 1, SPAWN },
	{ "core.echo: execute to terminal, p50", "embedded_execute_terminal_ms_p50", "ms", RATIO_AT_MOST, 1.5,
	    SPAWN_COMMITS },
	{ "core.echo: execute to terminal, p99", "embedded_execute_terminal_ms_p99", "ms", AT_MOST, 10, SPAWN_COMMITS },
	{ "core.echo: event to terminal, p50", "embedded_event_terminal_ms_p50", "ms", RATIO_AT_MOST, 1.7,
	    SPAWN_COMMITS },
	{ "core.echo: event to terminal, p99", "embedded_event_terminal_ms_p99", "ms", AT_MOST, 10, SPAWN_COMMITS },
	{ "core.noop: execute to terminal, p50", "embedded_noop_terminal_ms_p50", "ms" },

	{ "ONE AT A TIME, DISTRIBUTED" },
	{ "core.echo: execute to process started, p50", "distributed_execute_started_ms_p50", "ms", NONE, 0, SPAWN },
	{ "core.echo: execute to terminal, p50", "distributed_execute_terminal_ms_p50", "ms", PLUS_AT_MOST, 2.5,
	    SPAWN },
	{ "core.echo: execute to terminal, p99", "distributed_execute_terminal_ms_p99", "ms", AT_MOST, 20, SPAWN },
	{ "core.echo: event to terminal, p50", "distributed_event_terminal_ms_p50", "ms", NONE, 0, SPAWN },
	{ "core.echo: event to terminal, p99", "distributed_event_terminal_ms_p99", "ms", NONE, 0, SPAWN },
	{ "core.noop: execute to terminal, p50", "distributed_noop_terminal_ms_p50", "ms" },

	{ "WORKFLOWS, EMBEDDED" },
	{ "a chain of 100 internal tasks: a step", "embedded_flow_step_ms", "ms", AT_MOST, 1 },
	{ "  the second half of its steps / the first", "embedded_flow_last_over_first", "", AT_MOST, 1.3 },
	{ "10,000 internal items, 100 at once", "embedded_flow_items_per_s", "/s", AT_LEAST, 5000 },
	{ "  peak memory of that (with the load generator)", "embedded_flow_items_peak_mb", "MB", AT_MOST, 300 },
	{ "  cost of an item / of one of 100", "embedded_flow_items_cost_ratio", "", AT_MOST, 1.3 },
	{ "1,000 workflows of 10 tasks at once: executions", "embedded_flow_many_per_s", "/s" },
	{ "  of the rate of as many single ones", "embedded_flow_many_share", "", AT_LEAST, 0.6 },
	{ "100,000 in line before a limit of one: from one to the next", "embedded_line_hand_over_ms", "ms", AT_MOST,
	    2 },

	{ "WORKFLOWS, DISTRIBUTED" },
	{ "a chain of 100 internal tasks: a step", "distributed_flow_step_ms", "ms", AT_MOST, 4 },
	{ "  the second half of its steps / the first", "distributed_flow_last_over_first", "", AT_MOST, 1.3 },
	{ "10,000 internal items, 100 at once", "distributed_flow_items_per_s", "/s", AT_LEAST, 2000 },
	{ "  peak memory of that", "distributed_flow_items_peak_mb", "MB", AT_MOST, 300 },
	{ "  cost of an item / of one of 100", "distributed_flow_items_cost_ratio", "", AT_MOST, 1.3 },
	{ "1,000 workflows of 10 tasks at once: executions", "distributed_flow_many_per_s", "/s" },
	{ "  of the rate of as many single ones", "distributed_flow_many_share", "", AT_LEAST, 0.6 },
	{ "100,000 in line before a limit of one: from one to the next", "distributed_line_hand_over_ms", "ms", AT_MOST,
	    2 },

	{ "UNDER LOAD, EMBEDDED" },
	{ "slots of the worker", "embedded_worker_slots", "" },
	{ "core.echo completed", "embedded_shell_per_s", "/s", RATIO_AT_LEAST, 0.75, SPAWN_TWO },
	{ "core.noop completed, 30,000 asked for at once", "embedded_noop_per_s", "/s", AT_LEAST, 20000 },
	{ "  peak memory of that (with the load generator)", "embedded_noop_peak_mb", "MB", AT_MOST, 200 },
	{ "chains event to completed", "embedded_chain_per_s", "/s", AT_LEAST, 12000 },
	{ "events stored and matched, 10,000 rules", "embedded_events_10000_rules_per_s", "/s", AT_LEAST, 20000 },
	{ "events of a sensor that prints as fast as it can", "lines_per_s", "/s", AT_LEAST, 20000, INGEST },
	{ "  peak memory of the role", "lines_peak_mb", "MB", AT_MOST, 128 },
	{ "webhooks on 16 connections: stored and answered", "embedded_webhooks_per_s", "/s", AT_LEAST, 12000 },
	{ "  p99", "embedded_webhook_ms_p99", "ms", AT_MOST, 20 },
	{ "events over HTTP, 1,000 a request", "embedded_batch_events_per_s", "/s", AT_LEAST, 50000 },
	{ "1,000 timers due in one second: to the commit, p99", "ticks_late_ms_p99", "ms", AT_MOST, 100 },
	{ "  the last one", "ticks_late_ms_max", "ms", AT_MOST, 250 },
	{ "100,000 timers that wait: processor time", "timers_idle_cpu_percent", "%", AT_MOST, 1 },
	{ "requests stored, nothing else running", "embedded_create_per_s", "/s" },
	{ "1,000 single requests a second: to terminal, p50", "embedded_single_1000_ms_p50", "ms" },
	{ "1,000 single requests a second: to terminal, p99", "embedded_single_1000_ms_p99", "ms", AT_MOST, 20 },
	{ "1,000 HTTP requests a second: to the answer, p50", "post_1000_ms_p50", "ms", NONE, 0, COMMIT },
	{ "1,000 HTTP requests a second: to the answer, p99", "post_1000_ms_p99", "ms", AT_MOST, 20, COMMIT },

	{ "UNDER LOAD, DISTRIBUTED" },
	{ "slots of the worker", "distributed_worker_slots", "" },
	{ "core.echo completed", "distributed_shell_per_s", "/s", RATIO_AT_LEAST, 0.65, SPAWN_TWO },
	{ "core.noop completed, 30,000 asked for at once", "distributed_noop_per_s", "/s", AT_LEAST, 10000 },
	{ "  peak memory of executor and worker", "distributed_noop_peak_mb", "MB", AT_MOST, 200 },
	{ "chains event to completed", "distributed_chain_per_s", "/s", AT_LEAST, 6000 },
	{ "events stored and matched, 10,000 rules", "distributed_events_10000_rules_per_s", "/s" },
	{ "webhooks on 16 connections: stored and answered", "distributed_webhooks_per_s", "/s", AT_LEAST, 4000 },
	{ "  p99", "distributed_webhook_ms_p99", "ms", AT_MOST, 20 },
	{ "events over HTTP, 1,000 a request", "distributed_batch_events_per_s", "/s" },
	{ "requests stored, nothing else running", "distributed_create_per_s", "/s" },

	{ "THE PROGRAM" },
	{ "attune up, empty directory: ready after", "up_ready_ms", "ms", AT_MOST, 300 },
	{ "idle: memory", "up_idle_rss_mb", "MB", AT_MOST, 30 },
	{ "idle: processor time a second", "up_idle_cpu_ms_per_s", "ms", AT_MOST, 0 },
	{ "idle: SQL statements in 5 s", "up_idle_statements", "", AT_MOST, 0 },
	{ "attune --version, the whole process, p50", "cli_version_ms_p50", "ms", AT_MOST, 10 },
	{ "attune execution list, the whole process, p50", "cli_list_ms_p50", "ms", AT_MOST, 30 },
	{ "authorisation of a request", "authorise_us", "us", AT_MOST, 10 },
	{ "list of executions, 100 rows, p50", "list_100_ms_p50", "ms", AT_MOST, 1, HTTP },
	{ "list of executions, 1,000,000 rows, p50", "list_1000000_ms_p50", "ms", AT_MOST, 1, HTTP },
	{ "  beside 100 rows", "list_1000000_ms_p50", "ms", RATIO_AT_MOST, 1.3, "100 rows",
	    { { "list_100_ms_p50", 1 } } },

	{ "THE FRONT DOOR, 16 CONNECTIONS" },
	{ "the bare HTTP library", "floor_http_16_per_s", "/s" },
	{ "one execution read", "http_get_16_per_s", "/s", RATIO_AT_LEAST, 0.2, "the bare library",
	    { { "floor_http_16_per_s", 1 } } },
	{ "  p99", "http_get_16_ms_p99", "ms", AT_MOST, 5 },
	{ "list of 50 executions", "http_list_16_per_s", "/s", AT_LEAST, 5000 },
	{ "page 1 of 1,000,000, p50", "page_1_ms_p50", "ms" },
	{ "page 1,000 by cursor, p50", "page_1000_ms_p50", "ms", RATIO_AT_MOST, 1.5, "page 1",
	    { { "page_1_ms_p50", 1 } } },

	{ "THOSE WHO WATCH" },
	{ "a change to its frame, embedded, p50", "embedded_frame_ms_p50", "ms", AT_MOST, 2, COMMIT },
	{ "a change to its frame, distributed, p50", "distributed_frame_ms_p50", "ms", AT_MOST, 2, "commit + publish",
	    { { "floor_commit_pg_us", 1e-3 }, { "floor_publish_us", 1e-3 } } },
	{ "changes told by one process, embedded", "embedded_notices_per_s", "/s", AT_LEAST, 10000 },
	{ "changes told by one process, distributed", "distributed_notices_per_s", "/s", AT_LEAST, 10000 },
	{ "  processor time of the notifier for one", "distributed_notice_cpu_us", "us", AT_MOST, 100 },
	{ "  each to ten clients", "distributed_notices_to_10_per_s", "/s", RATIO_AT_LEAST, 0.5, "to one",
	    { { "distributed_notices_per_s", 1 } } },
	{ "an idle WebSocket: memory", "idle_socket_kb", "KiB", AT_MOST, 16 },
	{ "a line of a log to who follows it, p50", "follow_lag_ms_p50", "ms", AT_MOST, 100 },
	{ "  p99", "follow_lag_ms_p99", "ms" },
	{ "  p50 while its run writes 100 MB besides", "follow_flood_lag_ms_p50", "ms", AT_MOST, 100 },
	{ "  p99", "follow_flood_lag_ms_p99", "ms" },
	{ "  memory that the program grows by meanwhile", "follow_flood_grown_mb", "MB", AT_MOST, 8 },
	{ "  p99 for each of a hundred who follow", "follow_hundred_lag_ms_p99", "ms" },
	{ "  what the hundred cost, of one processor", "follow_hundred_cpu_percent", "%" },

	{ "200 LOGINS A SECOND" },
	{ "other requests, without them, p99", "flood_quiet_ms_p99", "ms" },
	{ "other requests, beside them, p99", "flood_other_ms_p99", "ms", RATIO_AT_MOST, 2, "without them",
	    { { "flood_quiet_ms_p99", 1 } } },
	{ "a login too many is told so, p99", "flood_refused_ms_p99", "ms", AT_MOST, 50 },
	{ "a login is checked, p50", "flood_checked_ms_p50", "ms" },

	{ "IN MEMORY" },
	{ "an expression of two comparisons", "expr_eval_us", "us", AT_MOST, 0.5 },
	{ "a template of ten fields", "template_render_us", "us", AT_MOST, 5 },
	{ "one event among 10,000 rules", "rule_match_us", "us", AT_MOST, 3 },
	{ "one event among 100,000 rules on 1,000 triggers", "rules_100000_match_us", "us", AT_MOST, 5 },
	{ "  to compile them all", "rules_100000_load_ms", "ms", AT_MOST, 2000 },
	{ "  memory", "rules_100000_mib", "MiB", AT_MOST, 256 },
	{ "  one is changed, and the next event sees it", "rule_change_us", "us", AT_MOST, 1000 },
	{ "100,000 timers, a year old: begin", "timers_load_ms", "ms" },
	{ "  memory", "timers_mib", "MiB", AT_MOST, 100 },
	{ "  a tick and the next one", "timer_tick_us", "us" },
	{ "JSON parse", "json_parse_mb_s", "MB/s", AT_LEAST, 200 },
	{ "JSON print", "json_print_mb_s", "MB/s", AT_LEAST, 200 },
	{ "JSON parse, times jansson", "json_parse_ratio", "", AT_LEAST, 5 },
	{ "JSON print, times jansson", "json_print_ratio", "", AT_LEAST, 5 },
};

static double
floor_of(Table *t, const Row *r, size_t round)
{
	double sum = 0;

	for (size_t i = 0; i < countof(r->floor) && r->floor[i].name != NULL; i++)
		sum += figure_of(t, r->floor[i].name)->value[round] * r->floor[i].times;
	return sum;
}

/* What the goal looks at, of one round. */
static double
judged(Table *t, const Row *r, size_t round)
{
	double ours = figure_of(t, r->name)->value[round];

	if (r->goal == RATIO_AT_MOST || r->goal == RATIO_AT_LEAST)
		return ours / floor_of(t, r, round);
	return r->goal == PLUS_AT_MOST ? ours - floor_of(t, r, round) : ours;
}

typedef double Value(Table *t, const Row *r, size_t round);

static double
ours(Table *t, const Row *r, size_t round)
{
	return figure_of(t, r->name)->value[round];
}

static double
ratio(Table *t, const Row *r, size_t round)
{
	return ours(t, r, round) / floor_of(t, r, round);
}

static double
median(Table *t, const Row *r, Value *value, double *ret_spread)
{
	Samples s = { 0 };
	double m, low, high;

	for (size_t i = 0; i < t->rounds; i++)
		if (!isnan(value(t, r, i)))
			samples_add(&s, value(t, r, i));
	if (s.n == 0)
		return NAN;
	m = samples_at(&s, 0.5);
	low = s.v[0];
	high = s.v[s.n - 1];
	if (ret_spread != NULL)
		*ret_spread = low > 0 ? high / low : 1;
	samples_done(&s);
	return m;
}

static void
number(char *to, size_t room, double v)
{
	int digits = fabs(v) >= 100 || v == 0 ? 0 : fabs(v) >= 10 ? 1 : 2;

	snprintf(to, room, "%.*f", digits, v);
}

/* How a goal reads: before the number, after it. */
static const char *const goal_words[][2] = {
	[AT_MOST] = { "<= ", " " },
	[AT_LEAST] = { ">= ", " " },
	[RATIO_AT_MOST] = { "<= ", " x " },
	[RATIO_AT_LEAST] = { ">= ", " x " },
	[PLUS_AT_MOST] = { "<= floor + ", " " },
};

static void
goal_text(char *to, size_t room, const Row *r, double is)
{
	bool least = r->goal == AT_LEAST || r->goal == RATIO_AT_LEAST;
	bool bare = r->goal == RATIO_AT_MOST || r->goal == RATIO_AT_LEAST;
	char target[32];

	to[0] = '\0';
	if (r->goal == NONE)
		return;
	number(target, sizeof(target), r->target);
	snprintf(to, room, "%s%s%s%s %s", goal_words[r->goal][0], target, goal_words[r->goal][1], bare ? "" : r->unit,
	    (least ? is >= r->target : is <= r->target) ? "met" : "MISSED");
}

static void
row_print(Table *t, const Row *r)
{
	char value[32], beside[64] = "", goal[64], number_text[32];
	double spread = 1, v;

	if (r->name == NULL) {
		printf("\n%s\n", r->label);
		return;
	}
	v = median(t, r, ours, &spread);
	if (isnan(v))
		return;
	number(value, sizeof(value), v);
	if (r->floor_label != NULL && !isnan(median(t, r, ratio, NULL))) {
		number(number_text, sizeof(number_text), median(t, r, ratio, NULL));
		snprintf(beside, sizeof(beside), "%s x %s", number_text, r->floor_label);
	}
	goal_text(goal, sizeof(goal), r, median(t, r, judged, NULL));
	printf("  %-50s %10s %-4s %-26s %-26s %5.2f\n", r->label, value, r->unit, beside, goal, spread);
}

int
main(int argc, char **argv)
{
	static Table t;

	must(argc > 1, NULL, "usage: bench_table FILE...");
	for (int i = 1; i < argc; i++)
		round_read(&t, argv[i]);
	printf("%-52s %10s %-4s %-26s %-26s %s\n", "", "ours", "", "beside the floor", "target", "spread");
	for (size_t i = 0; i < countof(rows); i++)
		row_print(&t, &rows[i]);
	return 0;
}
