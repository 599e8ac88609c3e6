#include "sim.h"

#include "judge.h"
#include "sim_proc.h"

#include "base/crash.h"
#include "store/migrate.h"

#include <stdlib.h>

enum {
	CHAOS_LEAST_US = 40 * US_PER_S,
	CHAOS_MOST_US = 90 * US_PER_S,
	CALM_MOST_US = 900 * US_PER_S,
	SETTLED_US = 60 * US_PER_S, /* of calm, and everybody is back and known to be */
	AFTER_US = 20 * US_PER_S,   /* of calm in which no message may move */
	LOOK_EVERY = 100,           /* steps */
	QUIET_EVERY_US = 2 * US_PER_S,
	STEPS_MOST = 200000,
	STEP_MOST_US = 2 * US_PER_MS,
	TIME_TEXT = 24,
};

/* ---- chance ---- */

uint64_t
sim_random(Sim *s)
{
	uint64_t z = s->rng += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t
sim_below(Sim *s, uint64_t n)
{
	return sim_random(s) % n;
}

TimeUs
sim_between(Sim *s, TimeUs least, TimeUs most)
{
	return least + (TimeUs)sim_below(s, (uint64_t)(most - least) + 1);
}

bool
sim_chance(Sim *s, uint64_t thousandths)
{
	return thousandths > 0 && sim_below(s, 1000) < thousandths;
}

bool
sim_chaos(const Sim *s)
{
	return s->now < s->chaos_ends;
}

/* ---- telling ---- */

void
sim_say(Sim *s, const char *fmt, ...)
{
	char *line = s->last[s->lines++ % STEPS_KEPT];
	char text[STEP_TEXT - TIME_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(line, STEP_TEXT, "%11.6f %s", (double)s->now / US_PER_S, text);
	s->result.trace = s->result.trace * 1099511628211u ^ str_hash(str_of(line));
	if (s->options.log != NULL)
		fprintf(s->options.log, "%s\n", line);
}

void
sim_fail(Sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->result.failed)
		return;
	s->result.failed = true;
	va_start(ap, fmt);
	vsnprintf(s->result.why, sizeof(s->result.why), fmt, ap);
	va_end(ap);
	sim_say(s, "FAILED: %s", s->result.why);
}

void
sim_must(Sim *s, bool ok, const Err *err, const char *what)
{
	if (!ok)
		sim_fail(s, "%s: %s", what, err->text);
}

static void
report(const Sim *s)
{
	size_t first = s->lines > STEPS_KEPT ? s->lines - STEPS_KEPT : 0;

	for (size_t i = first; i < s->lines; i++)
		fprintf(stderr, "%s\n", s->last[i % STEPS_KEPT]);
	fprintf(stderr, "sim: seed %llu failed: %s; replay: SEED=%llu build-test/tests/sim/test_sim every_seed\n",
	    (unsigned long long)s->options.seed, s->result.why, (unsigned long long)s->options.seed);
}

/* ---- dying ---- */

static void
on_crash_point(void *self, const char *name)
{
	Sim *s = self;
	size_t n;
	const char *const *names = crash_points(&n);

	for (size_t i = 0; i < n && i < POINTS_MAX; i++)
		if (strcmp(names[i], name) == 0)
			s->result.points |= (uint64_t)1 << i;
	if (s->running == NULL || !sim_chaos(s) || !sim_chance(s, s->weather.crash))
		return;
	for (size_t i = 0; i < s->running->u->out.n && str_ends(str_of(name), str_of("after_commit")); i++)
		if (s->running->u->out.msgs[i].kind == MSG_EXECUTION_COMPLETED)
			ledger_note(&s->ledger, s->running->u->out.msgs[i].item.id)->excused = true;
	sim_say(s, "%s meets its end at %s", s->running->proc->name, name);
	longjmp(s->dies, 1);
}

/* A step from which the process may not come back. */
static void
task_step(Sim *s, Task *t)
{
	s->running = t;
	if (setjmp(s->dies) == 0)
		t->kind->step(t);
	else
		proc_die(s->running->proc, "at a crash point");
	s->running = NULL;
}

/* ---- what is next ---- */

typedef struct Next {
	TimeUs at; /* INT64_MAX: nothing */
	Task *due[PROCS_MAX * TASKS_MAX];
	size_t n; /* of tasks that are due now */
} Next;

static void
next_of_proc(Sim *s, Proc *p, Next *next)
{
	TimeUs wakes = p->up ? p->paused_until : p->start_at;

	if (!p->up || !proc_running(p)) {
		next->at = wakes < next->at ? wakes : next->at;
		return;
	}
	for (size_t i = 0; i < p->tasks_n; i++) {
		TimeUs due = p->tasks[i].kind->due(&p->tasks[i]);

		if (due <= s->now)
			next->due[next->n++] = &p->tasks[i];
		else if (due < next->at)
			next->at = due;
	}
}

static void
step(Sim *s)
{
	Next next = { .at = s->now + QUIET_EVERY_US };

	for (size_t i = 0; i < s->procs_n; i++) {
		Proc *p = s->procs[i];

		if (!p->up && p->start_at <= s->now)
			proc_start(p);
		next_of_proc(s, p, &next);
	}
	if (sim_chaos(s) && s->chaos_at <= s->now) {
		sim_strike(s);
		return;
	}
	if (next.n == 0) {
		s->now = sim_chaos(s) && s->chaos_at < next.at ? s->chaos_at : next.at;
		return;
	}
	task_step(s, next.due[sim_below(s, next.n)]);
	s->now += sim_between(s, 20, STEP_MOST_US);
	s->result.steps++;
	if (s->result.steps % LOOK_EVERY == 0)
		judge_look(s);
}

static void
run(Sim *s)
{
	TimeUs look_at = s->chaos_ends, quiet_since = 0;
	uint64_t published = 0;

	while (!s->result.failed) {
		step(s);
		if (sim_chaos(s) || s->now < look_at)
			continue;
		look_at = s->now + QUIET_EVERY_US;
		if (s->now > s->chaos_ends + (TimeUs)SETTLED_US)
			judge_room(s);
		if (quiet_since != 0 && s->published != published && !s->weather.steps_clock)
			sim_fail(s, "a message moves when all is calm");
		if (quiet_since != 0 && s->now > quiet_since + AFTER_US)
			break;
		if (quiet_since == 0 && judge_quiet(s)) {
			quiet_since = s->now;
			published = s->published;
		}
		if (s->now > s->chaos_ends + (TimeUs)CALM_MOST_US || s->result.steps > STEPS_MOST)
			judge_stuck(s);
	}
	if (!s->result.failed)
		judge_end(s);
}

/* ---- the world of a seed ---- */

static void
weather_make(Sim *s)
{
	static const TimeUs delays[] = { 5 * US_PER_MS, 200 * US_PER_MS, 3 * US_PER_S };
	static const uint64_t drops[] = { 0, 50, 300 }, twices[] = { 0, 100, 400 };
	bool embedded = sim_chance(s, 250);

	s->weather = (Weather){
		.embedded = embedded,
		.steps_clock = sim_chance(s, 200),
		.skewed = !embedded && sim_chance(s, 500),
		.drop = embedded ? 5 : drops[sim_below(s, countof(drops))],
		.twice = embedded ? 0 : twices[sim_below(s, countof(twices))],
		.delay_most = embedded ? 2 * US_PER_MS : delays[sim_below(s, countof(delays))],
		.crash = sim_chance(s, 800) ? 2 + sim_below(s, 8) : 0,
		.db_fails = sim_chance(s, 400) ? 5 + sim_below(s, 20) : 0,
		.unknown = sim_chance(s, 400) ? 5 + sim_below(s, 20) : 0,
	};
}

static void
worker_make(Sim *s, unsigned roles, bool python)
{
	Proc *p = proc_new(s, roles);

	p->slots = 1 + (int64_t)sim_below(s, 4);
	p->python = python || sim_chance(s, 500);
}

static void
procs_make(Sim *s)
{
	uint64_t executors = 1 + sim_below(s, 2), workers = 1 + sim_below(s, 3), sensors = 1 + sim_below(s, 2);

	if (s->weather.embedded) {
		worker_make(s, HAS_EXECUTOR | HAS_WORKER | HAS_SENSOR | HAS_API, true);
		return;
	}
	proc_new(s, HAS_API);
	for (uint64_t i = 0; i < executors; i++)
		proc_new(s, HAS_EXECUTOR);
	for (uint64_t i = 0; i < workers; i++)
		worker_make(s, HAS_WORKER, i == 0);
	for (uint64_t i = 0; i < sensors; i++)
		proc_new(s, HAS_SENSOR);
}

static void
sim_open(Sim *s, const SimOptions *options)
{
	StoreConfig config = { .url = str_of("sqlite::memory:"), .no_sync = true };
	Err err = { 0 };

	s->options = *options;
	s->rng = options->seed * 0x2545f4914f6cdd1du + 1;
	s->now = US_PER_S;
	s->wall_offset = 1700000000LL * US_PER_S;
	wraps_install(s);
	crash_hook(on_crash_point, s);
	weather_make(s);
	s->chaos_ends = s->now + sim_between(s, CHAOS_LEAST_US, CHAOS_MOST_US);
	s->chaos_at = s->now + sim_between(s, US_PER_S, 9 * US_PER_S);
	s->eye_arena = arena_open();
	s->broker = broker_open(s);
	sim_must(s, store_open(&config, &s->store, &err), &err, "open the store");
	sim_must(s, migrate(s->store, s->now + s->wall_offset, NULL, &err), &err, "migrate");
	sim_must(s, db_open(s->store, &s->eye, &err), &err, "open the database");
	client_define(s);
	procs_make(s);
}

static void
sim_close(Sim *s)
{
	for (size_t i = 0; i < s->procs_n; i++)
		proc_free(s->procs[i]);
	db_close(s->eye);
	store_close(s->store);
	broker_close(s->broker);
	arena_close(s->eye_arena);
	ledger_close(&s->ledger);
	crash_hook(NULL, NULL);
	wraps_install(NULL);
}

SimResult
sim_run(const SimOptions *options)
{
	Sim *s = calloc(1, sizeof(Sim));
	SimResult result;

	if (s == NULL)
		abort();
	sim_open(s, options);
	run(s);
	if (s->result.failed && options->sabotage == SABOTAGE_NONE)
		report(s);
	result = s->result;
	sim_close(s);
	free(s);
	return result;
}
