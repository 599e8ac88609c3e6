#include "judge.h"

enum { ROOM_LOOKS = 6 }; /* so many looks in a row make a wait too long */
enum { TICK_BEFORE_US = 7 * US_PER_S, TICK_AFTER_US = 4 * US_PER_S };

static Rows
look(Sim *s, const Stmt *stmt)
{
	Rows rows = { 0 };
	Err err = { 0 };

	arena_reset(s->eye_arena);
	sim_must(s, db_read(s->eye, s->eye_arena, stmt, NULL, &rows, &err), &err, "look");
	return rows;
}

/* ---- one execution ---- */

typedef struct Line {
	ExecState to;
	int attempt;
} Line;

/* state|microseconds|by|attempt|note */
static bool
line_read(Str text, Line *ret)
{
	Str part[4] = { 0 };
	int64_t attempt;

	for (size_t i = 0; i < countof(part); i++)
		if (!str_cut(&text, '|', &part[i]))
			return false;
	ret->to = exec_state_of(part[0]);
	if (!str_to_int(part[3], &attempt))
		return false;
	ret->attempt = (int)attempt;
	return ret->to != EXEC_NONE;
}

static bool
legal(ExecState from, ExecState to)
{
	ExecState next;

	for (ExecEvent ev = 0; ev < EXEC_EVENTS; ev++)
		if (exec_next(from, ev, &next, NULL) && next == to)
			return true;
	return false;
}

/* Refused at its birth: the parameters broke the schema. */
static bool
born_dead(size_t number, ExecState from, ExecState to)
{
	return number == 1 && from == EXEC_REQUESTED && to == EXEC_FAILED;
}

/* I5: the timeline is a path of the table, attempts rise one by one, and it ends where the row is. */
static void
check_path(Sim *s, Id id, Str moves, ExecState status, int attempt)
{
	Line at = { EXEC_NONE, 0 }, next;
	size_t number = 0;
	Str text;

	while (moves.n > 0 && str_cut(&moves, '\n', &text) && text.n > 0) {
		bool rises;

		if (!line_read(text, &next)) {
			sim_fail(s, "I5: execution %lld: the line '%.*s' cannot be read", (long long)id, STR_ARG(text));
			return;
		}
		/* a workflow begins without a worker */
		rises = next.attempt == at.attempt + (next.to == EXEC_SCHEDULED ||
							 (at.to == EXEC_REQUESTED && next.to == EXEC_RUNNING));
		if (number == 0 ? next.to != EXEC_REQUESTED
				: !rises || (!legal(at.to, next.to) && !born_dead(number, at.to, next.to)))
			sim_fail(s, "I5: execution %lld goes from %s (attempt %d) to %s (attempt %d)", (long long)id,
			    exec_state_name(at.to), at.attempt, exec_state_name(next.to), next.attempt);
		at = next;
		number++;
	}
	if (at.to != status || at.attempt != attempt)
		sim_fail(s, "I5: execution %lld is %s (attempt %d), its timeline ends %s (attempt %d)", (long long)id,
		    exec_state_name(status), attempt, exec_state_name(at.to), at.attempt);
}

/* I6: the whole row, once it is terminal. */
static void
check_still(Sim *s, Id id, ExecState status, Row r)
{
	RunNote *note = ledger_note(&s->ledger, id);
	uint64_t h = (uint64_t)row_int(r, 4);

	for (int i = 5; i <= 6; i++)
		h = h * 31 + str_hash(str_none(row_str(r, i)) ? str_of("") : row_str(r, i));
	h = h * 31 + (uint64_t)status;
	if (note->terminal && note->end_hash != h)
		sim_fail(
		    s, "I6: execution %lld has changed after its end (now %s)", (long long)id, exec_state_name(status));
	if (!exec_terminal(status))
		return;
	note->terminal = true;
	note->end_hash = h;
}

static const Start *
start_of(const Sim *s, Id id, int attempt)
{
	for (size_t i = 0; i < s->ledger.starts_n; i++)
		if (s->ledger.starts[i].execution == id && s->ledger.starts[i].attempt == attempt)
			return &s->ledger.starts[i];
	return NULL;
}

/* Only a worker that was killed, silent or told to stop loses its runs. */
static bool
was_lost(const Sim *s, const RunNote *note)
{
	for (size_t i = 0; i < s->ledger.lost_n; i++) {
		const Lost *l = &s->ledger.lost[i];

		if (l->worker == note->worker && l->from <= note->lost_at && l->to >= note->claimed_at)
			return true;
	}
	return false;
}

/* The row says what the process did. */
static void
check_truth(Sim *s, Id id, ExecState status, int attempt)
{
	const RunNote *note = ledger_note(&s->ledger, id);
	const Start *start = start_of(s, id, attempt);
	bool well = start != NULL && start->outcome == RUN_SUCCEEDED;

	if (status == EXEC_COMPLETED && !well)
		sim_fail(s, "truth: execution %lld is completed, but its process did not end well", (long long)id);
	if (status == EXEC_FAILED && well && !start->killed)
		sim_fail(s, "truth: execution %lld is failed, but its process ended well", (long long)id);
	if (status == EXEC_ABANDONED && !was_lost(s, note))
		sim_fail(s, "truth: execution %lld is abandoned, but worker %lld was alive all the time", (long long)id,
		    (long long)note->worker);
	if (start != NULL && !start->killed && !exec_terminal(status) && start->ends > s->now + 60 * US_PER_S)
		sim_fail(s, "truth: execution %lld runs for ever", (long long)id);
}

static const Stmt all_executions = {
	.sql = "select id, status, attempt, worker, updated, result, moves, action_ref from execution order by id",
	.in = "",
};

void
judge_look(Sim *s)
{
	Rows rows = look(s, &all_executions);
	size_t few = 0;

	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		ExecState status = exec_state_of(row_str(r, 1));

		few += str_is(row_str(r, 7), "sim.few") && !exec_terminal(status) && status != EXEC_REQUESTED;
		check_still(s, row_int(r, 0), status, r);
		check_path(s, row_int(r, 0), row_str(r, 6), status, (int)row_int(r, 2));
		if (exec_terminal(status) && !str_starts(row_str(r, 7), str_of("sim.flow")))
			check_truth(s, row_int(r, 0), status, (int)row_int(r, 2));
	}
	s->result.executions = rows.n;
	judge_limit(s, few);
	judge_held(s);
}

/* Runs of sim.work, which every worker can run, against slots that nobody holds. */
void
judge_room(Sim *s)
{
	static const Stmt waits = {
		.sql =
		    "select id from execution where status = 'requested' and action_ref = 'sim.work' and exists ("
		    "select 1 from worker w where w.status = 'active' and w.slots > (select count(*) from execution x"
		    " where x.worker = w.id and x.status in ('scheduled', 'running', 'canceling'))) order by id limit "
		    "1",
		.in = "",
	};
	Rows rows;

	for (size_t i = 0; i < s->procs_n; i++)
		if (!proc_running(s->procs[i]))
			return;
	rows = look(s, &waits);
	s->idle_looks = rows.n == 0 ? 0 : s->idle_looks + 1;
	if (s->idle_looks > ROOM_LOOKS)
		sim_fail(s, "room: execution %lld waits while a worker has a free slot",
		    (long long)row_int(rows_at(&rows, 0), 0));
}

/* ---- when it is over ---- */

static bool
may_be_far_off(Str what)
{
	return str_is(what, "no_worker") || str_is(what, "window");
}

bool
judge_quiet(Sim *s)
{
	/* the deadline of what no worker can run, and of what waits for quiet, stands on the wall clock: when that was set
	 * back it is far off; what came back among such is told its own when it is the first of them */
	static const Stmt waiting = {
		.sql = "select coalesce((select o.wait_reason from execution o where e.wait_reason = 'queued'"
		       " and o.status = 'requested' and o.wait_class = e.wait_class and o.id < e.id"
		       " and o.wait_reason = 'no_worker' limit 1), e.wait_reason, '') from execution e where e.status "
		       "not in"
		       " ('completed', 'failed', 'cancelled', 'timeout', 'abandoned')"
		       " union all select 'enforcement' from enforcement where status = 'created'"
		       " union all select 'window' from rule_window where kind = 'debounce'",
		.in = "",
	};
	Rows rows;

	for (size_t i = 0; i < s->procs_n; i++)
		if (!proc_running(s->procs[i]))
			return false;
	if (!s->calmed || broker_letters(s->broker) > 0)
		return false;
	rows = look(s, &waiting);
	for (size_t i = 0; i < rows.n; i++)
		if (!s->weather.steps_clock || !may_be_far_off(row_str(rows_at(&rows, i), 0)))
			return false;
	return true;
}

void
judge_stuck(Sim *s)
{
	static const Stmt waiting = {
		.sql = "select id, status, worker, wait_reason, wait_detail from execution where status not in"
		       " ('completed', 'failed', 'cancelled', 'timeout', 'abandoned') order by id limit 1",
		.in = "",
	};
	Rows rows = look(s, &waiting);
	Row r;

	if (rows.n == 0) {
		sim_fail(
		    s, "I1: enforcements wait, or %zu messages are under way, without end", broker_letters(s->broker));
		return;
	}
	r = rows_at(&rows, 0);
	sim_fail(s, "I1: execution %lld stays %.*s (worker %lld, %.*s %.*s)", (long long)row_int(r, 0),
	    STR_ARG(row_str(r, 1)), (long long)row_int(r, 2), STR_ARG(row_str(r, 3)), STR_ARG(row_str(r, 4)));
}

static void
none_of(Sim *s, const Stmt *stmt, const char *what)
{
	Rows rows = look(s, stmt);

	if (rows.n > 0)
		sim_fail(s, "I7: %s: %lld", what, (long long)row_int(rows_at(&rows, 0), 0));
}

/* I7 in the rows. */
static void
check_once(Sim *s)
{
	static const Stmt twice = {
		.sql = "select event from enforcement group by event, rule having count(*) > 1",
		.in = "",
	};
	static const Stmt fruitless = {
		.sql = "select f.id from enforcement f left join execution x on x.enforcement = f.id and"
		       " x.original_execution is null where f.status = 'processed'"
		       " group by f.id having count(x.id) <> 1",
		.in = "",
	};
	static const Stmt disabled = {
		.sql = "select f.id from enforcement f join execution x on x.enforcement = f.id where f.status <> "
		       "'processed'",
		.in = "",
	};

	none_of(s, &twice, "an event and a rule made two enforcements, event");
	none_of(s, &fruitless, "not one execution came of an enforcement that was processed");
	none_of(s, &disabled, "an execution came of an enforcement that was not processed");
}

/* Every event that was promised met both rules of its trigger. */
static void
check_events(Sim *s)
{
	static const Stmt met = {
		.sql = "select e.id, count(f.id) from event e left join enforcement f on f.event = e.id"
		       " where e.trigger_ref = 'sim.thing' group by e.id order by e.id",
		.in = "",
	};
	Rows rows = look(s, &met);

	for (size_t i = 0; i < s->ledger.events_n; i++) {
		int64_t count = -1;

		for (size_t k = 0; k < rows.n; k++)
			if (row_int(rows_at(&rows, k), 0) == s->ledger.events[i])
				count = row_int(rows_at(&rows, k), 1);
		if (count != 2)
			sim_fail(s, "I7: event %lld, which was accepted, made %lld enforcements and not 2",
			    (long long)s->ledger.events[i], (long long)count);
	}
}

/* ---- ticks ---- */

typedef struct TickRow {
	int64_t rule, anchor, n;
} TickRow;

/* rule:ID:ANCHOR:N */
static bool
tick_read(Str key, TickRow *ret)
{
	Str part[4];

	for (size_t i = 0; i < countof(part); i++)
		if (!str_cut(&key, ':', &part[i]))
			return false;
	return str_to_int(part[1], &ret->rule) && str_to_int(part[2], &ret->anchor) && str_to_int(part[3], &ret->n);
}

static bool
sensor_watched(const Sim *s, TimeUs from, TimeUs to)
{
	for (size_t i = 0; i < s->ledger.sensors_n; i++)
		if (s->ledger.sensors[i].from <= from && s->ledger.sensors[i].to >= to)
			return true;
	return false;
}

static bool
tick_there(const TickRow *ticks, size_t count, TickRow t)
{
	for (size_t i = 0; i < count; i++)
		if (ticks[i].rule == t.rule && ticks[i].anchor == t.anchor && ticks[i].n == t.n)
			return true;
	return false;
}

/* The next tick of a timer behind the last, by its wall time; a cron's bears the number of its second. */
static TimeUs
tick_next(const Span *rule, int64_t *n)
{
	if (rule->cron == 0)
		return rule->anchor + ++*n * rule->interval;
	*n = *n == 0 ? rule->anchor / US_PER_S + 1 : *n + 1;
	while (*n % 60 % rule->cron != 0)
		++*n;
	return *n * US_PER_S;
}

/* While a sensor watched and the rule was on, each tick made its event. */
static void
check_span(Sim *s, const Span *rule, const TickRow *ticks, size_t count)
{
	TimeUs until = rule->to < s->chaos_ends ? rule->to : s->chaos_ends;

	for (int64_t n = 0;;) {
		TimeUs due = tick_next(rule, &n) - s->wall_offset; /* monotonic */

		if (due + TICK_AFTER_US > until)
			return;
		if (due - TICK_BEFORE_US < rule->from || !sensor_watched(s, due - TICK_BEFORE_US, due + TICK_AFTER_US))
			continue;
		if (!tick_there(ticks, count, (TickRow){ rule->what, rule->anchor, n }))
			sim_fail(s, "ticks: tick %lld of rule %lld (due at %.6f) made no event", (long long)n,
			    (long long)rule->what, (double)due / US_PER_S);
	}
}

static void
check_ticks(Sim *s)
{
	static const Stmt keys = { .sql = "select tick_key, id from event where tick_key is not null order by id",
		.in = "" };
	Rows rows = look(s, &keys);
	TickRow *ticks = arena_array(s->eye_arena, TickRow, rows.n + 1);

	for (size_t i = 0; i < rows.n; i++) {
		Str key = row_str(rows_at(&rows, i), 0);

		if (!tick_read(key, &ticks[i]))
			sim_fail(s, "ticks: the key '%.*s' cannot be read", STR_ARG(key));
		if (tick_there(ticks, i, ticks[i]))
			sim_fail(s, "ticks: tick %lld of rule %lld made two events", (long long)ticks[i].n,
			    (long long)ticks[i].rule);
	}
	for (size_t i = 0; i < s->ledger.rules_n && !s->weather.steps_clock; i++)
		check_span(s, &s->ledger.rules[i], ticks, rows.n);
}

/* A tick is its own rule's business. */
static void
check_tick_rules(Sim *s)
{
	static const Stmt met = {
		.sql = "select e.tick_key, f.rule, e.id from event e join enforcement f on f.event = e.id"
		       " where e.tick_key is not null",
		.in = "",
	};
	Rows rows = look(s, &met);

	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		TickRow t = { 0 };

		if (tick_read(row_str(r, 0), &t) && t.rule != row_int(r, 1))
			sim_fail(s, "I7: event %lld, a tick of rule %lld, met rule %lld", (long long)row_int(r, 2),
			    (long long)t.rule, (long long)row_int(r, 1));
	}
}

/* ---- announcements ---- */

static void
check_announced(Sim *s)
{
	for (Id id = 1; id < (Id)s->ledger.notes_n; id++) {
		const RunNote *n = &s->ledger.notes[id];

		if (n->accepted && !n->terminal && !s->weather.steps_clock)
			sim_fail(s, "I1: execution %lld was accepted and has no end", (long long)id);
		if (n->completed > 1)
			sim_fail(s, "the end of execution %lld was announced %d times", (long long)id, n->completed);
		if (n->terminal && n->completed == 0 && !n->excused)
			sim_fail(s, "the end of execution %lld was never announced", (long long)id);
	}
}

void
judge_end(Sim *s)
{
	judge_look(s);
	check_once(s);
	check_events(s);
	check_ticks(s);
	check_tick_rules(s);
	check_announced(s);
	judge_windows(s);
	judge_flows(s);
	judge_breaker(s);
}
