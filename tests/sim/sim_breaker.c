/*
 * The breaker of sim.frail, judged by what its runs say of themselves once all is over: while it is open nothing is given to a worker, and
 * when its time has come one run alone. It opens by two failures within half a minute.
 */
#include "judge.h"

#include <stdlib.h>

enum { ENOUGH = 2, WITHIN_US = 30 * US_PER_S, OPEN_US = 4 * US_PER_S };

typedef enum Happened { IT_ENDED, IT_CAME_BACK, IT_WENT } Happened; /* in this order at one time */

typedef struct Moment {
	TimeUs at; /* when it was stored: the end of a run whose worker died is found by the next one */
	Happened what;
	Id id;
	ExecState end;   /* EXEC_NONE: it never ran */
	TimeUs finished; /* as its row says */
} Moment;

typedef struct Breaker {
	TimeUs opened; /* 0: closed */
	bool by_probe; /* the failure of one that was let through */
	TimeUs since;  /* failures before count no more */
	Id probe;
	TimeUs *failures; /* the newest last */
	size_t n;
} Breaker;

static void
breaker_failed(Breaker *b, TimeUs at)
{
	size_t i = b->n++;

	for (; i > 0 && b->failures[i - 1] > at; i--)
		b->failures[i] = b->failures[i - 1];
	b->failures[i] = at;
	for (i = b->n; !b->by_probe && i >= ENOUGH; i--)
		if (b->failures[i - ENOUGH] > b->since && b->failures[i - 1] - b->failures[i - ENOUGH] <= WITHIN_US) {
			b->opened = b->failures[i - 1];
			return;
		}
}

static void
breaker_ended(Breaker *b, const Moment *m)
{
	bool failed = m->end == EXEC_FAILED || m->end == EXEC_TIMEOUT, probe = b->probe == m->id;

	b->probe = probe ? 0 : b->probe;
	if (probe && (failed || m->end == EXEC_COMPLETED)) {
		b->opened = failed ? m->finished : 0;
		b->by_probe = failed;
		b->since = m->finished;
	} else if (failed && m->finished > b->since)
		breaker_failed(b, m->finished);
}

static void
breaker_went(Sim *s, Breaker *b, const Moment *m)
{
	/* at the same time: a run that ends at once is told of after others have gone, and stands in the timeline with them */
	if (b->opened == 0 || m->at <= b->opened)
		return;
	if (m->at < b->opened + OPEN_US)
		sim_fail(s, "breaker: execution %lld was given to a worker %lld ms after it opened", (long long)m->id,
		    (long long)((m->at - b->opened) / US_PER_MS));
	else if (b->probe != 0)
		sim_fail(s, "breaker: execution %lld was let through beside execution %lld", (long long)m->id,
		    (long long)b->probe);
	b->probe = m->id;
}

/* ---- what happened, from the timelines ---- */

/* state|microseconds|by|attempt|note, a line each */
static size_t
moments_of(Row r, Moment *ret)
{
	Str moves = row_str(r, 1), line, state, when;
	size_t n = 0;

	while (moves.n > 0 && str_cut(&moves, '\n', &line) && line.n > 0) {
		Moment m = { .id = row_int(r, 0), .finished = row_int(r, 3) };
		ExecState to;
		int64_t at;

		if (!str_cut(&line, '|', &state) || !str_cut(&line, '|', &when) || !str_to_int(when, &at))
			continue; /* check_path says so */
		to = exec_state_of(state);
		m.at = at;
		if (to == EXEC_SCHEDULED)
			m.what = IT_WENT;
		else if (to == EXEC_REQUESTED)
			m.what = IT_CAME_BACK;
		else if (exec_terminal(to)) {
			m.end = row_null(r, 2) ? EXEC_NONE : to;
			m.at = at > row_int(r, 4) ? at : row_int(r, 4);
		} else
			continue;
		ret[n++] = m;
	}
	return n;
}

static int
earlier(const void *l, const void *r)
{
	const Moment *x = l, *y = r;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (int)x->what - (int)y->what;
}

static size_t
lines_in(Str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

void
judge_breaker(Sim *s)
{
	static const Stmt frail = {
		.sql = "select id, moves, started_at, coalesce(finished_at, 0), updated from execution"
		       " where action_ref = 'sim.frail'",
		.in = "",
	};
	Breaker b = { 0 };
	Moment *moments;
	size_t n = 0, most = 1;
	Rows rows = { 0 };
	Err err = { 0 };

	/* what clocks that differ say of the order of things is no evidence */
	if (s->weather.steps_clock || s->weather.skewed)
		return;
	arena_reset(s->eye_arena);
	sim_must(s, db_read(s->eye, s->eye_arena, &frail, NULL, &rows, &err), &err, "look at a breaker");
	for (size_t i = 0; i < rows.n; i++)
		most += lines_in(row_str(rows_at(&rows, i), 1));
	moments = arena_array(s->eye_arena, Moment, most);
	b.failures = arena_array(s->eye_arena, TimeUs, most);
	for (size_t i = 0; i < rows.n; i++)
		n += moments_of(rows_at(&rows, i), moments + n);
	qsort(moments, n, sizeof(*moments), earlier);
	for (size_t i = 0; i < n; i++) {
		const Moment *m = &moments[i];

		if (m->what == IT_WENT)
			breaker_went(s, &b, m);
		else if (m->what == IT_ENDED)
			breaker_ended(&b, m);
		else if (b.probe == m->id)
			b.probe = 0;
	}
}
