/*
 * Workflows: a chain, many items, many at once, and a long line before a limit; everything on the same machine.
 *   bench_flows embedded|distributed DIR ATTUNE [chain|items|many|line]...
 */
#include "report.h"
#include "rig.h"

#include "base/json.h"
#include "model/policy.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/policy.h"
#include "store/workflow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CHAIN = 100,
	ITEMS = 10000,
	FEW_ITEMS = 100,
	FEW_RUNS = 20,
	FLOWS = 1000,
	FLOW_TASKS = 10,
	LINE = 100000,
	PATIENCE_S = 300,
	LINE_S = 5
};

typedef struct Bench {
	const char *world;
	Rig *r;
} Bench;

static void
say(const Bench *b, const char *what, double value)
{
	char name[96];

	snprintf(name, sizeof(name), "%s_%s", b->world, what);
	figure(name, value);
}

static void
action_put_as(Bench *b, const char *ref, Id workflow_def)
{
	Uow *u = b->r->u;
	Err err = { 0 };
	ActionDef d;
	DefPut put;

	must(action_get_ref(u->db, u->arena, str_of("core.noop"), &d, &err), &err, "core.noop");
	d.id = 0;
	d.ref = d.label = str_of(ref);
	d.is_adhoc = true;
	d.workflow_def = workflow_def;
	d.runtime = workflow_def == 0 ? d.runtime : 0;
	must(action_put(u->db, u->arena, &d, u->now, &put, &err), &err, ref);
}

static void
workflow_make(Bench *b, const char *ref, Str definition)
{
	Uow *u = b->r->u;
	Err err = { 0 };
	WorkflowDef d = {
		.ref = str_of(ref), .pack_ref = str_of("core"), .label = str_of(ref), .version = str_of("1")
	};
	PackDef pack;
	DefPut put;

	must(uow_begin_keep(u, &err), &err, "begin");
	must(pack_get_ref(u->db, u->arena, d.pack_ref, &pack, &err), &err, "core pack");
	d.pack = pack.id;
	d.tags = json_array();
	d.is_adhoc = true;
	must(json_parse(u->arena, definition, NULL, &d.definition, &err), &err, ref);
	must(workflow_put(u->db, u->arena, &d, u->now, &put, &err), &err, ref);
	action_put_as(b, ref, put.id);
	must(uow_commit(u, &points_create, &err), &err, "commit");
}

static Str
chain_text(Arena *a, int n)
{
	Buf t = buf_open(a);

	buf_text(&t, "{\"tasks\": [");
	for (int i = 0; i < n; i++) {
		buf_fmt(&t, "%s{\"name\": \"t%d\", \"action\": \"core.noop\"", i > 0 ? ", " : "", i);
		if (i + 1 < n)
			buf_fmt(&t, ", \"next\": [{\"do\": [\"t%d\"]}]", i + 1);
		buf_text(&t, "}");
	}
	buf_text(&t, "]}");
	return buf_str(&t);
}

static int64_t
number(Bench *b, const Stmt *s, Id id)
{
	Uow *u = b->r->u;
	Bind bind[] = { bind_int(id) };
	Rows rows;
	Err err = { 0 };

	arena_reset(u->arena);
	must(db_read(u->db, u->arena, s, bind, &rows, &err), &err, "look");
	return row_int(rows_at(&rows, 0), 0);
}

/* The id that the next execution has at least. */
static Id
next_id(Bench *b)
{
	static const Stmt last = { .sql = "select coalesce(max(id), 0) from execution where id >= $1", .in = "i" };

	return number(b, &last, 0) + 1;
}

/* Until those that were asked for from this id on have ended. */
static void
wait_for(Bench *b, Id from)
{
	static const Stmt left = {
		.sql = "select count(*) from execution where id >= $1 and parent is null and finished_at is null",
		.in = "i",
	};
	TimeUs began = mono_us();

	/* a look reads all that is under way, so it is made the more seldom the longer it takes: a hundredth of what is measured */
	while (number(b, &left, from) > 0) {
		TimeUs nap = (mono_us() - began) / 100;

		must(mono_us() < began + PATIENCE_S * (TimeUs)US_PER_S, NULL, "the workflows did not end");
		nap = nap < 2000 ? 2000 : nap;
		nanosleep(&(struct timespec){ .tv_sec = nap / US_PER_S, .tv_nsec = nap % US_PER_S * 1000 }, NULL);
	}
}

static Id
run(Bench *b, const char *ref)
{
	Id id = rig_execute(b->r, ref, 1);

	wait_for(b, id);
	return id;
}

/* Of so many steps, from when the first of them was there: several times as many as are done by one commit. */
enum { SPAN = 48 };

static double
step_ms(Bench *b, Id id, int from)
{
	static const Stmt s = { .sql = "select created from execution where parent = $1 order by id", .in = "i" };
	Uow *u = b->r->u;
	Bind bind[] = { bind_int(id) };
	Rows rows;
	Err err = { 0 };

	arena_reset(u->arena);
	must(db_read(u->db, u->arena, &s, bind, &rows, &err) && rows.n == CHAIN, &err,
	    "each task of the chain ran once");
	return (double)(row_int(rows_at(&rows, (size_t)from + SPAN), 0) - row_int(rows_at(&rows, (size_t)from), 0)) /
	       SPAN / US_PER_MS;
}

/* Halves of one chain are three commits each: of several, so that one commit that waited for the disk is not the figure. */
static void
chain(Bench *b)
{
	enum { CHAINS = 10 };
	TimeUs began;
	double first = 0, last = 0;

	workflow_make(b, "core.bench_chain", chain_text(b->r->u->arena, CHAIN));
	run(b, "core.bench_chain");
	began = mono_us();
	for (int i = 0; i < CHAINS; i++) {
		Id id = run(b, "core.bench_chain");

		first += step_ms(b, id, 0);
		last += step_ms(b, id, CHAIN - 1 - SPAN);
	}
	say(b, "flow_step_ms", (double)(mono_us() - began) / (CHAIN * CHAINS) / US_PER_MS);
	say(b, "flow_last_over_first", last / first);
}

static double
items_rate(Bench *b, const char *ref, int n, int runs)
{
	TimeUs began;

	workflow_make(b, ref,
	    str_fmt(b->r->u->arena,
		"{\"tasks\": [{\"name\": \"a\", \"action\": \"core.noop\", \"with_items\": \"{{ range(%d) }}\", "
		"\"concurrency\": 100}]}",
		n));
	began = mono_us();
	for (int i = 0; i < runs; i++)
		run(b, ref);
	return (double)n * runs * US_PER_S / (double)(mono_us() - began);
}

static void
items(Bench *b)
{
	double few = items_rate(b, "core.bench_few", FEW_ITEMS, FEW_RUNS), many;

	rig_peak_kb(b->r); /* from here */
	many = items_rate(b, "core.bench_items", ITEMS, 1);
	say(b, "flow_items_per_s", many);
	say(b, "flow_items_peak_mb", rig_peak_kb(b->r) / 1024);
	say(b, "flow_items_cost_ratio", few / many);
}

/* Executions a second, when `n` runs of this are asked for at once and each is so many of them. */
static double
rate(Bench *b, const char *ref, size_t n, size_t each)
{
	Id first = next_id(b);
	TimeUs began = mono_us();

	rig_execute(b->r, ref, n);
	wait_for(b, first);
	return (double)(n * each) * US_PER_S / (double)(mono_us() - began);
}

static int
less_first(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* By turns, for each takes a second or two, and a disk may have a bad one. */
static void
many(Bench *b)
{
	enum { ROUNDS = 5 };
	double flows[ROUNDS], shares[ROUNDS];

	workflow_make(b, "core.bench_ten", chain_text(b->r->u->arena, FLOW_TASKS));
	for (int i = 0; i < ROUNDS; i++) {
		flows[i] = rate(b, "core.bench_ten", FLOWS, FLOW_TASKS + 1);
		shares[i] = flows[i] / rate(b, "core.noop", FLOWS * (FLOW_TASKS + 1), 1);
	}
	qsort(flows, ROUNDS, sizeof(double), less_first);
	qsort(shares, ROUNDS, sizeof(double), less_first);
	say(b, "flow_many_per_s", flows[ROUNDS / 2]);
	say(b, "flow_many_share", shares[ROUNDS / 2]);
}

/* One at a time; the line is longer than what is waited for. */
static void
line(Bench *b)
{
	static const Stmt done = {
		.sql = "select count(*) from execution where id >= $1 and action_ref = 'core.bench_one' and "
		       "finished_at is not null",
		.in = "i",
	};
	Uow *u = b->r->u;
	PolicyDef d = { .ref = str_of("core.bench_one"), .label = str_of("one"), .enabled = true, .is_adhoc = true };
	Json limit, none = json_null();
	ActionDef action;
	DefPut put;
	Err err = { 0 };
	TimeUs began;
	int64_t before;

	must(uow_begin_keep(u, &err), &err, "begin");
	action_put_as(b, "core.bench_one", 0);
	must(action_get_ref(u->db, u->arena, str_of("core.bench_one"), &action, &err), &err, "action");
	d.action = action.id;
	d.action_ref = action.ref;
	d.tags = json_array();
	must(json_parse(u->arena, str_of("{\"limit\": 1}"), NULL, &limit, &err), &err, "limit");
	must(policy_limits_read(&limit, &none, &none, &d, &err), &err, "limit");
	must(policy_put(u->db, u->arena, &d, u->now, &put, &err), &err, "policy");
	must(uow_commit(u, &points_create, &err), &err, "commit");
	for (size_t i = 0; i < LINE; i += 1000)
		rig_execute(b->r, "core.bench_one", 1000);
	before = number(b, &done, 0);
	began = mono_us();
	nanosleep(&(struct timespec){ .tv_sec = LINE_S }, NULL);
	say(b, "line_hand_over_ms", (double)(mono_us() - began) / US_PER_MS / (double)(number(b, &done, 0) - before));
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*measure)(Bench *b);
	} parts[] = { { "chain", chain }, { "items", items }, { "many", many }, { "line", line } };
	Bench b = { 0 };
	RigConfig config = { .roles = 1u << ROLE_EXECUTOR | 1u << ROLE_WORKER };

	must(argc >= 4, NULL, "usage: bench_flows embedded|distributed DIR ATTUNE [chain|items|many|line]...");
	b.world = argv[1];
	config.embedded = strcmp(argv[1], "embedded") == 0;
	config.dir = argv[2];
	config.attune = argv[3];
	b.r = rig_open(&config);
	for (size_t i = 0; i < countof(parts); i++) {
		bool wanted = argc == 4;

		for (int k = 4; k < argc; k++)
			wanted = wanted || strcmp(argv[k], parts[i].name) == 0;
		if (wanted)
			parts[i].measure(&b);
	}
	rig_close(b.r);
	return 0;
}
