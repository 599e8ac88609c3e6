/*
 * Rules that remember: throttle, once_within, debounce and correlation, over two triggers that clients report. When it is over, what they
 * did is held against what they promise, from the rows alone: each event was let through or held back, and each of that was right.
 * Processes of a cluster have clocks of their own, and one that is ahead may end a window so much earlier.
 */
#include "sim_proc.h"

#include "engine/windows.h"

enum {
	LIMIT = 2,
	PER_US = 5 * US_PER_S,
	ONCE_US = 4 * US_PER_S,
	QUIET_US = 3 * US_PER_S,
	LONGEST_US = 8 * US_PER_S,
	WITHIN_US = 6 * US_PER_S,
	SKEW_US = 700 * US_PER_MS,
	KEYS = 2,
	AT_ONCE = 3,
	LOOK_US = 5 * US_PER_S,
};

static const char *const extras[RULES_THAT_REMEMBER] = {
	[REMEMBERS_THROTTLE] = "{\"throttle\": {\"limit\": 2, \"per\": 5, \"key\": \"{{ event.payload.key }}\"}}",
	[REMEMBERS_ONCE] = "{\"once_within\": {\"within\": 4, \"key\": \"{{ event.payload.key }}\"}}",
	[REMEMBERS_DEBOUNCE] = "{\"debounce\": {\"quiet\": 3, \"max_wait\": 8, \"key\": \"{{ event.payload.key }}\"}}",
	[REMEMBERS_PAIR] = "{\"triggers\": [{\"trigger_ref\": \"sim.left\", \"as\": \"l\"},"
			   " {\"trigger_ref\": \"sim.right\", \"as\": \"r\"}],"
			   " \"correlate\": {\"mode\": \"all\", \"within\": 6, \"key\": \"{{ event.payload.key }}\"}}",
};

Json
windows_extras(Sim *s, Remembers which)
{
	Json v;
	Err err = { 0 };

	sim_must(s, json_parse(s->eye_arena, str_of(extras[which]), NULL, &v, &err), &err, "extras");
	return v;
}

/* ---- what happens ---- */

bool
windows_signal(Task *t, Err *err)
{
	Sim *s = t->proc->sim;
	Uow *u = t->u;
	EventIn in[AT_ONCE];
	EventOut out[AT_ONCE];
	size_t n = 1 + sim_below(s, AT_ONCE);
	Json *payload;

	if (!uow_begin(u, err))
		return false;
	payload = arena_array(u->arena, Json, n);
	for (size_t i = 0; i < n; i++) {
		payload[i] = json_object();
		json_add(u->arena, &payload[i], "key", json_int((int64_t)sim_below(s, KEYS)));
		in[i] = (EventIn){ .trigger_ref = str_of(sim_chance(s, 700) ? "sim.left" : "sim.right"),
			.payload = &payload[i] };
	}
	if (!ingest(u, in, n, out, err) || !uow_commit(u, &points_ingest, err))
		return false;
	for (size_t i = 0; i < n; i++)
		ledger_signal(&s->ledger, out[i].id);
	sim_say(s, "client reports %zu signals from %lld", n, (long long)out[0].id);
	return true;
}

/* ---- who ends them: one thread of each process that takes events in ---- */

static TimeUs
windows_due(const Task *t)
{
	const Proc *p = t->proc;
	TimeUs due = p->window_next == 0 ? INT64_MAX : p->sim->now + p->window_next - clock_wall(&p->clock.face);

	if (p->sim->options.sabotage == SABOTAGE_WINDOW)
		return INT64_MAX;
	if (!p->sim->weather.embedded && p->windows_looked + LOOK_US < due)
		due = p->windows_looked + LOOK_US;
	return due < t->at ? t->at : due;
}

static void
windows_step(Task *t)
{
	Proc *p = t->proc;
	Err err = { 0 };

	p->windows_looked = t->at = p->sim->now;
	if (windows_turn(t->u, &p->window_next, &err))
		return;
	uow_abort(t->u);
	p->window_next = clock_wall(&p->clock.face);
	t->at += US_PER_S / 2;
}

void
windows_tasks(Proc *p)
{
	static const TaskKind windows = { "windows", windows_due, windows_step };

	p->window_next = clock_wall(&p->clock.face); /* what was stored before it began */
	task_add(p, &windows);
}

/* ---- what came of it ---- */

typedef struct Signal {
	Id id;
	bool right;
	TimeUs at;
	bool passed[RULES_THAT_REMEMBER], held[RULES_THAT_REMEMBER];
} Signal;

typedef struct Signals {
	Sim *s;
	Signal *all; /* of one key, in order */
	size_t n;
} Signals;

static void
wrong(const Signals *x, size_t i, const char *what)
{
	sim_fail(x->s, "windows: event %lld (at %.6f) %s", (long long)x->all[i].id,
	    (double)(x->all[i].at - x->s->wall_offset) / US_PER_S, what);
}

/* Is there a way to lay windows over what passed, each beginning with one that passed, so that none holds more than the limit? can[c]: the
 * pass looked at last may be the c-th of its window, which began at began[c]. */
static void
check_count(const Signals *x, Remembers rule, size_t limit, TimeUs per)
{
	bool can[LIMIT + 1] = { true };
	TimeUs began[LIMIT + 1] = { 0 };

	for (size_t i = 0; i < x->n; i++) {
		TimeUs at = x->all[i].at;
		bool next[LIMIT + 1] = { false }, full = false, any = false;
		TimeUs begins[LIMIT + 1] = { 0 };

		for (size_t c = 0; c <= limit; c++) {
			full = full || (can[c] && c == limit && at < began[c] + per + SKEW_US);
			if (can[c] && (c == 0 || at >= began[c] + per - SKEW_US)) {
				next[1] = true;
				begins[1] = at;
			}
			if (can[c] && c > 0 && c < limit && at < began[c] + per + SKEW_US) {
				next[c + 1] = true;
				begins[c + 1] = began[c];
			}
		}
		if (!x->all[i].passed[rule]) {
			if (!full)
				wrong(x, i, "was held back while there was room");
			continue;
		}
		for (size_t c = 0; c <= limit; c++) {
			any = any || next[c];
			can[c] = next[c];
			began[c] = begins[c];
		}
		if (!any) {
			wrong(x, i, "was let through beyond the limit");
			return;
		}
	}
}

/* What was quiet for long enough acted, and nothing else did. */
static void
check_debounce(const Signals *x)
{
	TimeUs first = 0;
	bool waits = false;

	for (size_t i = 0; i < x->n; i++) {
		TimeUs at = x->all[i].at, next = i + 1 < x->n ? x->all[i + 1].at : INT64_MAX;
		TimeUs due;

		if (!waits)
			first = at;
		waits = true;
		due = at + QUIET_US < first + LONGEST_US ? at + QUIET_US : first + LONGEST_US;
		if (!x->all[i].passed[REMEMBERS_DEBOUNCE] && next >= due + SKEW_US)
			wrong(x, i, "was the last one before quiet, and did not act");
		if (x->all[i].passed[REMEMBERS_DEBOUNCE] && next < due - SKEW_US)
			wrong(x, i, "acted although it was not quiet");
		waits = !x->all[i].passed[REMEMBERS_DEBOUNCE];
	}
}

/* A pair acts when its second half comes, and each half is used once. */
static void
check_pair(const Signals *x)
{
	TimeUs half[2] = { -1, -1 };

	for (size_t i = 0; i < x->n; i++) {
		const Signal *e = &x->all[i];
		TimeUs other = half[!e->right];

		half[e->right] = e->at;
		if (e->passed[REMEMBERS_PAIR] && (other < 0 || e->at >= other + WITHIN_US + SKEW_US))
			wrong(x, i, "acted as a pair and is none");
		if (!e->passed[REMEMBERS_PAIR] && other >= 0 && e->at < other + WITHIN_US - SKEW_US)
			wrong(x, i, "completed a pair, and did not act");
		if (e->passed[REMEMBERS_PAIR])
			half[0] = half[1] = -1;
	}
}

static void
check_told(const Signals *x)
{
	for (size_t i = 0; i < x->n; i++)
		for (Remembers r = 0; r < RULES_THAT_REMEMBER; r++)
			if ((r == REMEMBERS_PAIR || !x->all[i].right) && !x->all[i].passed[r] && !x->all[i].held[r])
				wrong(x, i, "was neither let through nor held back");
}

static size_t
signals_read(Sim *s, int64_t key, Signals *ret)
{
	static const Stmt stmt = {
		.sql = "select e.id, e.trigger_ref = 'sim.right', e.created, f.rule, h.rule from event e"
		       " join rule r on r.ref in ('sim.remembers_0', 'sim.remembers_1', 'sim.remembers_2', "
		       "'sim.remembers_3')"
		       " left join enforcement f on f.event = e.id and f.rule = r.id"
		       " left join rule_held h on h.event = e.id and h.rule = r.id"
		       " where e.trigger_ref in ('sim.left', 'sim.right') and json_extract(e.payload, '$.key') = $1"
		       " order by e.id",
		.in = "i",
	};
	Bind b[] = { bind_int(key) };
	Rows rows = { 0 };
	Err err = { 0 };

	arena_reset(s->eye_arena);
	sim_must(s, db_read(s->eye, s->eye_arena, &stmt, b, &rows, &err), &err, "look at signals");
	*ret = (Signals){ .s = s, .all = arena_array(s->eye_arena, Signal, rows.n + 1) };
	for (size_t i = 0; i < rows.n; i++) {
		Row row = rows_at(&rows, i);
		Signal *e = ret->n == 0 ? NULL : &ret->all[ret->n - 1];

		if (e == NULL || e->id != row_int(row, 0)) {
			e = &ret->all[ret->n++];
			*e = (Signal){ .id = row_int(row, 0), .right = row_int(row, 1) != 0, .at = row_int(row, 2) };
		}
		for (Remembers r = 0; r < RULES_THAT_REMEMBER; r++) {
			e->passed[r] = e->passed[r] || row_int(row, 3) == s->remembers[r];
			e->held[r] = e->held[r] || row_int(row, 4) == s->remembers[r];
		}
	}
	return ret->n;
}

static bool
signal_known(const Signals *x, Id id)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->all[i].id == id)
			return true;
	return false;
}

void
judge_windows(Sim *s)
{
	size_t known = 0;

	for (int64_t key = 0; key < KEYS; key++) {
		Signals x, left;

		signals_read(s, key, &x);
		for (size_t i = 0; i < s->ledger.signals_n; i++)
			known += signal_known(&x, s->ledger.signals[i]);
		check_told(&x);
		if (s->weather.steps_clock)
			continue;
		left = (Signals){ .s = s, .all = arena_array(s->eye_arena, Signal, x.n + 1) };
		for (size_t i = 0; i < x.n; i++)
			if (!x.all[i].right)
				left.all[left.n++] = x.all[i];
		check_count(&left, REMEMBERS_THROTTLE, LIMIT, PER_US);
		check_count(&left, REMEMBERS_ONCE, 1, ONCE_US);
		check_debounce(&left);
		check_pair(&x);
		s->result.signals += x.n;
	}
	if (known != s->ledger.signals_n)
		sim_fail(s, "windows: of %zu signals that were accepted %zu are there", s->ledger.signals_n, known);
}
