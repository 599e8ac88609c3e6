/*
 * How long one run takes when nothing else is asked for: from the request, or the event, until its process has started, and until its
 * end is stored. One at a time.
 *   bench_path embedded|distributed DIR ATTUNE
 */
#include "report.h"
#include "rig.h"

#include <stdio.h>

enum { WARM = 50, SAMPLES = 300 };

static const Stmt rows_behind = {
	.sql = "select x.created, x.started_at, x.updated, v.created from execution x left join enforcement n on n.id "
	       "= x.enforcement"
	       " left join event v on v.id = n.event where x.id > $1 order by x.id",
	.in = "i",
};

typedef struct Hops {
	Samples started, stored, heard;
} Hops;

static void
hops_read(Rig *r, Id behind, const TimeUs *heard, Hops *ret)
{
	Bind binds[] = { bind_int(behind) };
	Err err = { 0 };
	Rows rows;

	arena_reset(r->u->arena);
	must(db_read(r->u->db, r->u->arena, &rows_behind, binds, &rows, &err), &err, "read executions");
	must(rows.n == SAMPLES, NULL, "not every run has its row");
	for (size_t i = 0; i < rows.n; i++) {
		Row row = rows_at(&rows, i);
		TimeUs began = row_null(row, 3) ? row_int(row, 0) : row_int(row, 3);

		samples_add(&ret->started, (double)(row_int(row, 1) - began) / US_PER_MS);
		samples_add(&ret->stored, (double)(row_int(row, 2) - began) / US_PER_MS);
		samples_add(&ret->heard, (double)(heard[i] - began) / US_PER_MS);
	}
}

static void
hops_print(const char *world, const char *what, Hops *h)
{
	char name[96];

	snprintf(name, sizeof(name), "%s_%s_started_ms", world, what);
	figures(name, &h->started);
	snprintf(name, sizeof(name), "%s_%s_stored_ms", world, what);
	figures(name, &h->stored);
	snprintf(name, sizeof(name), "%s_%s_terminal_ms", world, what);
	figures(name, &h->heard);
	samples_done(&h->started);
	samples_done(&h->stored);
	samples_done(&h->heard);
}

static Id
newest(Rig *r)
{
	static const Stmt stmt = { .sql = "select max(id) from execution", .in = "" };
	Err err = { 0 };
	Rows rows;

	must(db_read(r->u->db, r->u->arena, &stmt, NULL, &rows, &err), &err, "read executions");
	return row_int(rows_at(&rows, 0), 0);
}

static void
execute(Rig *r, const char *action)
{
	rig_execute(r, action, 1);
}

static void
event(Rig *r, const char *action)
{
	(void)action;
	rig_events(r, 1, 1);
}

static void
measure(Rig *r, const char *world, const char *what, void (*ask)(Rig *r, const char *action), const char *action)
{
	TimeUs heard[SAMPLES];
	Hops hops = { 0 };
	Id behind = 0;
	int64_t want = r->ended;

	for (int i = 0; i < WARM + SAMPLES; i++) {
		if (i == WARM)
			behind = newest(r);
		ask(r, action);
		rig_hear(r, ++want);
		if (i >= WARM)
			heard[i - WARM] = r->last;
	}
	hops_read(r, behind, heard, &hops);
	hops_print(world, what, &hops);
}

int
main(int argc, char **argv)
{
	RigConfig config = { .roles = 1u << ROLE_EXECUTOR | 1u << ROLE_WORKER, .listens = true };
	Rig *r;

	must(argc == 4, NULL, "usage: bench_path embedded|distributed DIR ATTUNE");
	config.embedded = strcmp(argv[1], "embedded") == 0;
	config.dir = argv[2];
	config.attune = argv[3];
	r = rig_open(&config);
	rig_rule(r, "core.echo");
	measure(r, argv[1], "execute", execute, "core.echo");
	measure(r, argv[1], "noop", execute, "core.noop");
	measure(r, argv[1], "event", event, NULL);
	must(rig_count(r, EXEC_COMPLETED) == 3 * (WARM + SAMPLES), NULL, "not every run was completed");
	rig_close(r);
	return 0;
}
