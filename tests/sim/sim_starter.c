#include "sim_starter.h"

#include <stdlib.h>

enum {
	RUNS_MAX = 64,
	KILL_AFTER = 5 * US_PER_S, /* TERM to KILL */
	GUARDIAN_US = 300 * US_PER_MS,
};

typedef struct FakeRun {
	Id execution;
	int attempt;
	bool unstarted;
	size_t start; /* in the ledger, but for one that is unstarted */
	TimeUs wall, began, ends;
	RunOutcome outcome;
} FakeRun;

struct SimStarter {
	Starter face;
	Sim *sim;
	const Clock *clock;
	size_t worker;
	int64_t slots;
	FakeRun runs[RUNS_MAX];
	size_t n;
};

static SimStarter *
self_of(Starter *face)
{
	return (SimStarter *)face;
}

/* I2, I3 and the slots, at the moment in which it would go wrong. */
static void
check_start(SimStarter *x, const RunSpec *spec)
{
	Sim *s = x->sim;
	int64_t running = 0;

	for (size_t i = 0; i < s->ledger.starts_n; i++) {
		const Start *o = &s->ledger.starts[i];

		running += o->worker == x->worker && o->ends > s->now;
		if (o->execution != spec->execution)
			continue;
		if (o->attempt == spec->attempt)
			sim_fail(s, "I2: execution %lld attempt %d starts twice", (long long)o->execution, o->attempt);
		if (o->ends > s->now)
			sim_fail(s, "I3: execution %lld attempt %d starts while attempt %d runs",
			    (long long)o->execution, spec->attempt, o->attempt);
	}
	if (running >= x->slots)
		sim_fail(s, "slots: worker %zu starts execution %lld while %lld run, it has %lld slots", x->worker,
		    (long long)spec->execution, (long long)running, (long long)x->slots);
}

static TimeUs
length_of(Sim *s)
{
	uint64_t kind = sim_below(s, 10);

	if (kind < 6)
		return sim_between(s, 2 * US_PER_MS, 100 * US_PER_MS);
	return kind < 9 ? sim_between(s, US_PER_S, 5 * US_PER_S) : sim_between(s, 8 * US_PER_S, 25 * US_PER_S);
}

/* What is always done at once and has no effect but its result may be done again when its claim was not stored: it ends the same. */
static bool
quick_start(SimStarter *x, const RunSpec *spec)
{
	Sim *s = x->sim;
	FakeRun r = { .execution = spec->execution,
		.attempt = spec->attempt,
		.wall = clock_wall(x->clock),
		.began = s->now,
		.ends = s->now,
		.outcome = (spec->execution + spec->attempt) % 5 == 0 ? RUN_FAILED : RUN_SUCCEEDED };

	while (r.start < s->ledger.starts_n &&
	       (s->ledger.starts[r.start].execution != r.execution || s->ledger.starts[r.start].attempt != r.attempt))
		r.start++;
	if (r.start == s->ledger.starts_n)
		r.start = ledger_start(&s->ledger, (Start){ .execution = r.execution,
						       .attempt = r.attempt,
						       .worker = x->worker,
						       .began = r.began,
						       .ends = r.ends,
						       .outcome = r.outcome });
	sim_say(s, "does execution %lld attempt %d at once", (long long)r.execution, r.attempt);
	x->runs[x->n++] = r;
	return true;
}

static bool
fake_start(Starter *face, const RunSpec *spec, Err *err)
{
	SimStarter *x = self_of(face);
	Sim *s = x->sim;
	FakeRun r = {
		.execution = spec->execution, .attempt = spec->attempt, .wall = clock_wall(x->clock), .began = s->now
	};

	if (x->n == RUNS_MAX || sim_chance(s, 10))
		return err_set(err, ERR_SYS, "no process can be made");
	if (str_is(spec->runtime, "internal"))
		return quick_start(x, spec);
	r.unstarted = sim_chance(s, 10);
	r.outcome = r.unstarted                                                        ? RUN_UNSTARTED
		    : sim_chance(s, str_is(spec->action_ref, "sim.frail") ? 400 : 800) ? RUN_SUCCEEDED
										       : RUN_FAILED;
	r.ends = s->now + (r.unstarted ? 0 : length_of(s));
	if (spec->timeout > 0 && r.ends > s->now + spec->timeout) {
		r.ends = s->now + spec->timeout;
		r.outcome = RUN_TIMED_OUT;
	}
	if (!r.unstarted) {
		check_start(x, spec);
		r.start = ledger_start(&s->ledger, (Start){ .execution = r.execution,
						       .attempt = r.attempt,
						       .worker = x->worker,
						       .began = r.began,
						       .ends = r.ends,
						       .outcome = r.outcome });
		s->result.starts++;
	}
	sim_say(s, "starts execution %lld attempt %d for %lld us", (long long)r.execution, r.attempt,
	    (long long)(r.ends - r.began));
	x->runs[x->n++] = r;
	return true;
}

/* A new end, for the run and the ledger. */
static void
end_at(SimStarter *x, FakeRun *r, TimeUs at, RunOutcome outcome)
{
	if (r->ends <= x->sim->now || r->ends <= at)
		return; /* it has ended by itself, or will before that */
	r->ends = at;
	r->outcome = outcome;
	if (r->unstarted)
		return;
	x->sim->ledger.starts[r->start].ends = at;
	x->sim->ledger.starts[r->start].outcome = outcome;
}

static void
fake_cancel(Starter *face, Id execution, int attempt)
{
	SimStarter *x = self_of(face);
	TimeUs obeys = sim_chance(x->sim, 300) ? KILL_AFTER : sim_between(x->sim, US_PER_MS, US_PER_S);

	for (size_t i = 0; i < x->n; i++)
		if (x->runs[i].execution == execution && x->runs[i].attempt == attempt)
			end_at(x, &x->runs[i], x->sim->now + obeys, RUN_CANCELLED);
	sim_say(x->sim, "cancels execution %lld attempt %d", (long long)execution, attempt);
}

static Json
result_of(Arena *a, const FakeRun *r)
{
	Json v = json_object();

	json_add(a, &v, "succeeded", json_bool(r->outcome == RUN_SUCCEEDED));
	json_add(a, &v, "timed_out", json_bool(r->outcome == RUN_TIMED_OUT));
	json_add(a, &v, "outcome", json_int(r->outcome));
	json_add(a, &v, "attempt", json_int(r->attempt));
	return v;
}

static size_t
fake_ended(Starter *face, Arena *a, RunEnd *ret, size_t max)
{
	SimStarter *x = self_of(face);
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < x->n; i++) {
		const FakeRun *r = &x->runs[i];

		if (r->ends > x->sim->now || n == max) {
			x->runs[kept++] = *r;
			continue;
		}
		ret[n++] = (RunEnd){ .execution = r->execution,
			.attempt = r->attempt,
			.outcome = r->outcome,
			.started_at = r->wall,
			.finished_at = r->wall + (r->ends - r->began),
			.result = result_of(a, r) };
	}
	x->n = kept;
	return n;
}

static void
fake_sleep(Starter *face, TimeUs until)
{
	(void)face;
	(void)until;
}

static void
fake_wake(Starter *face)
{
	(void)face;
}

static size_t
fake_running(const Starter *face)
{
	return ((const SimStarter *)face)->n;
}

static Str
fake_full(Starter *face)
{
	(void)face;
	return (Str){ 0 };
}

static void
fake_kill_all(Starter *face)
{
	SimStarter *x = self_of(face);

	for (size_t i = 0; i < x->n; i++)
		end_at(x, &x->runs[i], x->sim->now, RUN_FAILED);
}

static void
fake_close(Starter *face)
{
	free(face);
}

static const Starter fake_face = {
	.start = fake_start,
	.cancel = fake_cancel,
	.ended = fake_ended,
	.sleep = fake_sleep,
	.wake = fake_wake,
	.running = fake_running,
	.full = fake_full,
	.kill_all = fake_kill_all,
	.close = fake_close,
};

Starter *
sim_starter_open(Sim *s, const Clock *clock, size_t worker, int64_t slots)
{
	SimStarter *x = calloc(1, sizeof(SimStarter));

	if (x == NULL)
		abort();
	x->face = fake_face;
	x->sim = s;
	x->clock = clock;
	x->worker = worker;
	x->slots = slots;
	return &x->face;
}

void
sim_starter_die(Starter *face)
{
	SimStarter *x = self_of(face);

	for (size_t i = 0; i < x->n; i++) {
		FakeRun *r = &x->runs[i];

		if (!r->unstarted)
			x->sim->ledger.starts[r->start].killed = true;
		end_at(x, r, x->sim->now + sim_between(x->sim, 0, GUARDIAN_US), r->outcome);
	}
}

TimeUs
sim_starter_due(const Starter *face)
{
	const SimStarter *x = (const SimStarter *)face;
	TimeUs due = INT64_MAX;

	for (size_t i = 0; i < x->n; i++)
		if (x->runs[i].ends < due)
			due = x->runs[i].ends;
	return due;
}
