#include "flow.h"

#include <stdio.h>

/* ---- as a definition ---- */

static void
transition(Buf *b, bool *any, const char *when, int to)
{
	buf_fmt(b, "%s{", *any ? ", " : "");
	if (when != NULL)
		buf_fmt(b, "\"when\": \"{{ %s }}\", ", when);
	buf_fmt(b, "\"do\": [\"t%d\"]}", to);
	*any = true;
}

/* A loop counts its rounds in a variable, and goes on only after the last. */
static void
nexts(Buf *b, const FlowTask *t, int no)
{
	static const char *const words[] = { NULL, "succeeded()", "not succeeded()" };
	char more[40], over[40];
	bool any = false;

	snprintf(more, sizeof(more), "r%d < %d", no, t->rounds);
	snprintf(over, sizeof(over), "r%d >= %d", no, t->rounds);
	buf_text(b, ", \"next\": [");
	if (t->rounds > 1) {
		buf_fmt(b, "{\"publish\": {\"r%d\": \"{{ r%d + 1 }}\"}}", no, no);
		any = true;
		transition(b, &any, more, no);
	}
	for (int i = 0; i < t->to_n; i++)
		transition(b, &any, t->rounds > 1 ? over : words[t->when[i]], t->to[i]);
	buf_text(b, "]");
}

Json
flow_definition(Arena *a, const Flow *f)
{
	Buf b = buf_open(a);
	Json d = json_null();

	buf_text(&b, "{\"vars\": {\"none\": 0");
	for (int i = 0; i < f->n; i++)
		buf_fmt(&b, ", \"r%d\": 0", i);
	buf_text(&b, "}, \"tasks\": [");
	for (int i = 0; i < f->n; i++) {
		const FlowTask *t = &f->tasks[i];

		buf_fmt(&b, "%s{\"name\": \"t%d\", \"action\": \"%s\", \"input\": {\"n\": 1}", i > 0 ? ", " : "", i,
		    t->action);
		if (t->preds > 1)
			buf_fmt(&b, ", \"join\": %d", t->preds);
		if (t->items > 0)
			buf_fmt(&b, ", \"with_items\": \"{{ range(%d) }}\", \"concurrency\": 2", t->items);
		nexts(&b, t, i);
		buf_text(&b, "}");
	}
	buf_text(&b, "]}");
	if (!json_parse(a, buf_str(&b), NULL, &d, NULL))
		return json_null();
	return d;
}

/* ---- as it must have gone ---- */

static bool
fires(const FlowTask *t, int i, bool well)
{
	return t->rounds > 1 || t->when[i] == FLOW_ALWAYS || (t->when[i] == FLOW_WELL) == well;
}

/* One run a round, or one for each item; no round beyond those that the task has. */
static bool
rounds_agree(const FlowTask *t, int no, bool started, const FlowRound *rounds, char *why, size_t why_n)
{
	for (int k = 1; k <= FLOW_ROUNDS; k++) {
		int want = !started || k > t->rounds ? 0 : t->items > 0 ? t->items : 1;

		if (rounds[k].runs == want)
			continue;
		snprintf(why, why_n, "task t%d ran %d times in round %d, not %d times", no, rounds[k].runs, k, want);
		return false;
	}
	return true;
}

bool
flow_agrees(const Flow *f, FlowRound rounds[FLOW_TASKS][FLOW_ROUNDS + 1], bool completed, char *why, size_t why_n)
{
	int arrived[FLOW_TASKS] = { 0 };
	bool bad = false;

	for (int i = 0; i < f->n; i++) { /* every way leads to a later task */
		const FlowTask *t = &f->tasks[i];
		bool started = arrived[i] == t->preds, led = false, well = rounds[i][t->rounds].well;

		if (!rounds_agree(t, i, started, rounds[i], why, why_n))
			return false;
		if (!started) {
			bad = bad || arrived[i] > 0; /* its join can no longer be met */
			continue;
		}
		for (int k = 0; k < t->to_n; k++)
			if (fires(t, k, well)) {
				arrived[t->to[k]]++;
				led = true;
			}
		bad = bad || (!well && !led);
	}
	if (completed != bad)
		return true;
	snprintf(why, why_n, "it is %s, though %s", completed ? "completed" : "failed",
	    bad ? "a failure was not handled or a join not met" : "everything went well or was handled");
	return false;
}
