/* The model of storm_test.c: what limits promise, said as plainly as possible, for a few runs in memory. */
#include "storm.h"

#include "test.h"

bool
run_under_way(const Run *run)
{
	return run->state == EXEC_SCHEDULED || run->state == EXEC_RUNNING || run->state == EXEC_CANCELING;
}

bool
run_has_begun(const Run *run)
{
	return run->state == EXEC_RUNNING || run->state == EXEC_CANCELING;
}

static Run *
first_in_line(Storm *s, int64_t key)
{
	Run *first = NULL;

	for (size_t i = 0; i < s->n; i++) { /* in the order of their ids */
		Run *run = &s->live[i];

		if (run->key == key && run->state == EXEC_REQUESTED && !run->paused &&
		    (first == NULL || run->priority > first->priority))
			first = run;
	}
	return first;
}

void
model_add(Storm *s, const Run *like, Id id, int64_t tries)
{
	Run run = *like;

	run.id = id;
	run.state = EXEC_REQUESTED;
	run.paused = false;
	run.tries = tries;
	run.under = s->policies;
	s->live[s->n++] = run;
}

/* ---- breakers ---- */

static void
failure_note(StormKey *k, TimeUs at)
{
	if (k->failures_n == FAILURES_KEPT)
		memmove(k->failures, k->failures + 1, --k->failures_n * sizeof(*k->failures));
	k->failures[k->failures_n++] = at;
}

/* Of one that had begun. */
static void
breaker_hears(Storm *s, const Run *run, ExecState state, TimeUs at)
{
	StormKey *k = &s->keys[run->key];
	bool failed = state == EXEC_FAILED;

	if (k->probe == run->id && (failed || state == EXEC_COMPLETED)) {
		k->failures_n = 0;
		k->probe_failed = failed ? at : 0;
	} else if (failed) {
		failure_note(k, at);
	}
}

static TimeUs
breaker_open_since(const Storm *s, const StormKey *k)
{
	size_t need = (size_t)s->limit;

	if (k->probe_failed != 0)
		return k->probe_failed;
	for (size_t last = k->failures_n; last >= need && last > 0; last--)
		if (k->failures[last - 1] - k->failures[last - need] <= s->within)
			return k->failures[last - 1];
	return 0;
}

/* ---- what happens to runs ---- */

void
model_end(Storm *s, Run *run, ExecState state, TimeUs at)
{
	Run gone = *run;
	StormKey *k = &s->keys[gone.key];
	size_t place = (size_t)(run - s->live);

	if (run_has_begun(&gone) && s->limit != 0 && gone.under == s->policies)
		breaker_hears(s, &gone, state, at);
	if (k->probe == gone.id)
		k->probe = 0;
	gone.state = state;
	s->ended[s->ended_n++ % ENDED_KEPT] = gone;
	memmove(run, run + 1, (--s->n - place) * sizeof(*run));
}

void
model_give_back(Storm *s, Run *run)
{
	StormKey *k = &s->keys[run->key];

	run->state = EXEC_REQUESTED;
	if (k->probe == run->id)
		k->probe = 0;
}

void
model_forget(Storm *s)
{
	memset(s->keys, 0, sizeof(s->keys));
}

/* ---- who goes ---- */

static bool
slot_free(const Storm *s, int64_t key)
{
	int64_t used = 0;

	for (size_t i = 0; i < s->n; i++)
		used += s->live[i].key == key && run_under_way(&s->live[i]);
	return used < s->limit;
}

static TimeUs
token_time(const Storm *s)
{
	return US_PER_S / s->limit;
}

/* When it was used up so far that only now another token is there. */
static TimeUs
token_at(const Storm *s, const StormKey *k)
{
	return k->full - (s->burst - 1) * token_time(s);
}

static bool
may_go(const Storm *s, int64_t key)
{
	const StormKey *k = &s->keys[key];
	TimeUs open;

	if (s->limit == 0)
		return true;
	if (s->kind == STORM_SLOTS)
		return slot_free(s, key);
	if (s->kind == STORM_RATE)
		return token_at(s, k) <= s->r->now;
	open = breaker_open_since(s, k);
	return open == 0 || (open + s->open_for <= s->r->now && k->probe == 0);
}

static void
goes(Storm *s, Run *run)
{
	StormKey *k = &s->keys[run->key];

	run->state = EXEC_SCHEDULED;
	if (s->limit != 0 && s->kind == STORM_RATE)
		k->full = (k->full > s->r->now ? k->full : s->r->now) + token_time(s);
	if (s->limit != 0 && s->kind == STORM_BREAKER && breaker_open_since(s, k) != 0)
		k->probe = run->id;
}

/* The newest win: as soon as one waits, the oldest beyond the limit go, whether they wait or run. */
static void
cancel_oldest(Storm *s, int64_t key)
{
	size_t all = 0;

	if (s->limit == 0 || first_in_line(s, key) == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		all += s->live[i].key == key && !s->live[i].paused && s->live[i].state != EXEC_CANCELING;
	for (size_t i = 0; i < s->n && all > (size_t)s->limit;) {
		Run *run = &s->live[i];

		if (run->key != key || run->paused || run->state == EXEC_CANCELING) {
			i++;
			continue;
		}
		all--;
		if (run->state == EXEC_RUNNING)
			run->state = EXEC_CANCELING;
		else
			model_end(s, run, EXEC_CANCELLED, 0);
	}
}

/* Those who are not to wait. */
static void
line_end(Storm *s, int64_t key)
{
	Run *run;

	if (strcmp(s->method, "cancel") != 0 && strcmp(s->method, "fail") != 0)
		return;
	while ((run = first_in_line(s, key)) != NULL)
		model_end(s, run, strcmp(s->method, "fail") == 0 ? EXEC_FAILED : EXEC_CANCELLED, 0);
}

/* A policy that is new is heard of when there is somebody whom it may hold: how runs have ended until then says nothing to it. */
static void
policy_follow(Storm *s)
{
	bool any = false;

	for (size_t i = 0; i < s->n; i++)
		any = any || (s->live[i].state == EXEC_REQUESTED && !s->live[i].paused);
	for (size_t i = 0; any && i < s->n; i++)
		if (!s->live[i].paused)
			s->live[i].under = s->policies;
}

void
model_schedule(Storm *s)
{
	policy_follow(s);
	for (int64_t key = 0; key < KEYS; key++) {
		Run *run;

		if (strcmp(s->method, "cancel_oldest") == 0)
			cancel_oldest(s, key);
		while (may_go(s, key) && (run = first_in_line(s, key)) != NULL)
			goes(s, run);
		line_end(s, key);
	}
}

TimeUs
model_due(Storm *s)
{
	TimeUs due = 0;

	for (int64_t key = 0; key < KEYS && s->limit != 0 && s->kind != STORM_SLOTS; key++) {
		const StormKey *k = &s->keys[key];
		TimeUs at = s->kind == STORM_RATE ? token_at(s, k) : breaker_open_since(s, k) + s->open_for;

		/* how the one ends that was let through is told by itself */
		if (first_in_line(s, key) != NULL && k->probe == 0 && (due == 0 || at < due))
			due = at;
	}
	return due;
}
