/*
 * Histories as they were recorded: for each seed the workflow, its parameters and the order in which its runs end give the decisions that
 * stand in histories.txt. Who changes decisions on purpose writes them anew with HISTORIES=write, and reads what changed.
 */
#include "story.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>

enum { HISTORIES_N = 500, ENDS_MOST = 400, LINE_MOST = 1 << 16 };

/* FNV-1a of the whole state, which would be too much to keep. */
static void
state_say(Story *s)
{
	uint32_t h = 0x811c9dc5u;
	Str all;
	Buf b = buf_open(s->a);

	for (size_t i = 0; i < s->g->n; i++)
		story_state_put(s->a, &b, (int)i, &s->states[i]);
	buf_fmt(&b, "%.*s open %lld waiting %lld bad %lld", STR_ARG(json_text(s->a, &s->vars)), (long long)s->w.open,
	    (long long)s->w.waiting, (long long)s->w.bad);
	all = buf_str(&b);
	for (size_t i = 0; i < all.n; i++)
		h = (h ^ (uint8_t)all.p[i]) * 0x01000193u;
	buf_fmt(&s->says, " {%08x}", h);
}

/* One of those under way ends, one way or another; when none is, time goes on to the next that is due. */
static void
story_go(Story *s, Dice *d, TimeUs *now)
{
	static const WfOutcome ends[] = { WF_SUCCEEDED, WF_SUCCEEDED, WF_SUCCEEDED, WF_FAILED, WF_TIMED_OUT };
	int due = story_due(s);
	Json result = json_object(), data = json_object();
	WfOutcome how = ends[dice_below(d, countof(ends))];
	size_t run;

	CHECK(s->n > 0 || due >= 0);
	if (s->n == 0 || (due >= 0 && dice_below(d, 4) == 0)) {
		*now = s->states[due].due > *now ? s->states[due].due : *now;
		story_wake(s, due, *now);
		return;
	}
	*now += 1000;
	run = (size_t)dice_below(d, s->n);
	json_add(s->a, &data, "n", json_int((int64_t)dice_below(d, 8)));
	json_add(s->a, &result, "data", data);
	how = str_none(s->runs[run].error) ? how : WF_FAILED;
	if (!story_again(s, run, how, &result))
		story_end(s, run, 1, how, &result, *now);
}

static Str
history(Arena *a, uint64_t seed)
{
	Dice d = { seed * 1000003 };
	Json definition = story_definition(a, &d, true), params = story_params(a, &d);
	Story *s = story_open(a, &definition, &params);
	TimeUs now = 1700000000LL * US_PER_S;
	int steps = 0;
	WfEnd e;

	story_begin(s, now);
	for (e = wf_over(&s->w); !e.over && steps < ENDS_MOST; e = wf_over(&s->w), steps++) {
		state_say(s);
		story_go(s, &d, &now);
	}
	state_say(s);
	if (!e.over)
		test_fail(
		    __FILE__, __LINE__, "history %d does not end: %.*s", (int)seed, STR_ARG(json_text(a, &definition)));
	return str_fmt(
	    a, "%d %d %.*s = %.*s", (int)seed, steps, STR_ARG(buf_str(&s->says)), STR_ARG(json_text(a, &e.result)));
}

static void
differs(Arena *a, uint64_t seed, Str got, Str want)
{
	Dice d = { seed * 1000003 };
	Json definition = story_definition(a, &d, true);
	size_t at = 0, from;

	while (at < got.n && at < want.n && got.p[at] == want.p[at])
		at++;
	from = at > 60 ? at - 60 : 0;
	test_fail(__FILE__, __LINE__, "history %d goes otherwise:\n  now   ...%.*s\n  then  ...%.*s\n  of %.*s",
	    (int)seed, (int)(got.n - from > 200 ? 200 : got.n - from), got.p + from,
	    (int)(want.n - from > 200 ? 200 : want.n - from), want.p + from, STR_ARG(json_text(a, &definition)));
}

TEST(recorded_histories_of_workflows_replayed_give_the_same_decisions)
{
	const char *asked = getenv("HISTORIES");
	bool writes = asked != NULL && strcmp(asked, "write") == 0;
	FILE *f = fopen(HISTORIES_FILE, writes ? "w" : "r");
	static char line[LINE_MOST];

	CHECK(f != NULL);
	for (uint64_t seed = 1; seed <= HISTORIES_N; seed++) {
		CLEANUP(arena_done) Arena *a = arena_open();
		Str got = history(a, seed);

		CHECK(got.n + 2 < sizeof(line));
		if (writes) {
			fprintf(f, "%.*s\n", STR_ARG(got));
			continue;
		}
		CHECK(fgets(line, sizeof(line), f) != NULL);
		if (!str_eq(got, str_trim(str_of(line))))
			differs(a, seed, got, str_trim(str_of(line)));
	}
	CHECK(writes || fgets(line, sizeof(line), f) == NULL);
	CHECK_INT(fclose(f), 0);
}
