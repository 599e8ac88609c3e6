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
	static const char *const words[FLOW_WHENS] = { NULL, "succeeded()", "not succeeded()", "failed()",
		"timed_out()" };
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

static void tasks_of(Buf *b, const Flow *f, int group);

static void
task_of(Buf *b, const Flow *f, int no)
{
	const FlowTask *t = &f->tasks[no];

	if (t->action == NULL)
		tasks_of(b, f, no);
	else
		buf_fmt(b, ", \"action\": \"%s\", \"input\": {\"n\": 1}", t->action);
	if (t->preds > 1)
		buf_fmt(b, ", \"join\": %d", t->preds);
	if (t->items > 0)
		buf_fmt(b, ", \"with_items\": \"{{ range(%d) }}\", \"concurrency\": 2", t->items);
	if (t->retries > 0)
		buf_fmt(b, ", \"retry\": {\"count\": %d, \"delay\": %d}", t->retries, t->retry_delay);
	if (t->delay > 0)
		buf_fmt(b, ", \"delay\": \"%dms\"", t->delay);
	if (t->timeout > 0)
		buf_fmt(b, ", \"timeout\": %d", t->timeout);
	nexts(b, t, no);
}

static void
tasks_of(Buf *b, const Flow *f, int group)
{
	bool any = false;

	buf_fmt(b, "%s\"tasks\": [", group == FLOW_TOP ? "" : ", \"type\": \"parallel\", ");
	for (int i = 0; i < f->n; i++) {
		if (f->tasks[i].group != group)
			continue;
		buf_fmt(b, "%s{\"name\": \"t%d\"", any ? ", " : "", i);
		task_of(b, f, i);
		buf_text(b, "}");
		any = true;
	}
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
	buf_text(&b, "}, ");
	if (f->timeout > 0)
		buf_fmt(&b, "\"timeout\": %d, ", f->timeout);
	tasks_of(&b, f, FLOW_TOP);
	buf_text(&b, "}");
	if (!json_parse(a, buf_str(&b), NULL, &d, NULL))
		return json_null();
	return d;
}

void
flow_again(const Flow *f, int from, bool again[FLOW_TASKS])
{
	again[from] = true;
	for (int i = from; i < f->n; i++) { /* every way leads to a later task */
		const FlowTask *t = &f->tasks[i];

		again[i] = again[i] || (t->group != FLOW_TOP && again[t->group]);
		for (int k = 0; again[i] && k < t->to_n; k++)
			again[t->to[k]] = true;
	}
}

/* ---- as it must have gone ---- */

static bool
fires(const FlowTask *t, int i, FlowEnd end)
{
	switch (t->rounds > 1 ? FLOW_ALWAYS : t->when[i]) {
	case FLOW_WELL: return end == ENDED_WELL;
	case FLOW_BADLY: return end != ENDED_WELL;
	case FLOW_FAILED: return end == ENDED_FAILED;
	case FLOW_LATE: return end == ENDED_LATE;
	default: return true;
	}
}

typedef struct Model {
	const Flow *f;
	FlowRound (*rounds)[FLOW_ROUNDS + 1];
	int arrived[FLOW_TASKS];
	char *why;
	size_t why_n;
} Model;

/* One run a round, or one for each item; no round beyond those that the task has. */
static bool
rounds_agree(Model *m, int no, bool started)
{
	const FlowTask *t = &m->f->tasks[no];

	for (int k = 1; k <= FLOW_ROUNDS; k++) {
		int want = !started || k > t->rounds ? 0 : t->items > 0 ? t->items : 1;

		if (m->rounds[no][k].runs == want)
			continue;
		snprintf(m->why, m->why_n, "task t%d ran %d times in round %d, not %d times", no, m->rounds[no][k].runs,
		    k, want);
		return false;
	}
	return true;
}

/* How the tasks of a group end together, when it is started. */
static bool
group_agrees(Model *m, int group, bool started, FlowEnd *ret)
{
	*ret = ENDED_WELL;
	for (int i = 0; i < m->f->n; i++) { /* every way leads to a later task */
		const FlowTask *t = &m->f->tasks[i];
		bool begun = started && m->arrived[i] == t->preds, led = false;
		FlowEnd end = m->rounds[i][t->rounds].end;

		if (t->group != group)
			continue;
		if (t->action == NULL ? !group_agrees(m, i, begun, &end) : !rounds_agree(m, i, begun))
			return false;
		if (!begun) {
			if (m->arrived[i] > 0)
				*ret = ENDED_FAILED; /* its join can no longer be met */
			continue;
		}
		for (int k = 0; k < t->to_n; k++)
			if (fires(t, k, end)) {
				m->arrived[t->to[k]]++;
				led = true;
			}
		if (end != ENDED_WELL && !led)
			*ret = ENDED_FAILED;
	}
	return true;
}

bool
flow_agrees(const Flow *f, FlowRound rounds[FLOW_TASKS][FLOW_ROUNDS + 1], bool completed, char *why, size_t why_n)
{
	Model m = { .f = f, .rounds = rounds, .why = why, .why_n = why_n };
	FlowEnd end;

	if (!group_agrees(&m, FLOW_TOP, true, &end))
		return false;
	if (completed == (end == ENDED_WELL))
		return true;
	snprintf(why, why_n, "it is %s, though %s", completed ? "completed" : "failed",
	    end != ENDED_WELL ? "a failure was not handled or a join not met" : "everything went well or was handled");
	return false;
}
