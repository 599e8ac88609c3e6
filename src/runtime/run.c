/* Runs as things: lists of them, and their being used again. */
#include "runtime/run.h"

#include <stdlib.h>

enum { SPARE_MOST = 256 };

void
runs_push(RunList *list, Run *run)
{
	run->next = NULL;
	run->before = list->last;
	if (list->last == NULL)
		list->first = run;
	else
		list->last->next = run;
	list->last = run;
	list->n++;
}

void
runs_remove(RunList *list, Run *run)
{
	if (run->before == NULL)
		list->first = run->next;
	else
		run->before->next = run->next;
	if (run->next == NULL)
		list->last = run->before;
	else
		run->next->before = run->before;
	list->n--;
}

Run *
run_take(Processes *p)
{
	Run *run = p->spare.last;
	Arena *a;

	if (run != NULL) {
		runs_remove(&p->spare, run);
		a = run->a;
	} else {
		run = malloc(sizeof(*run));
		if (run == NULL)
			abort();
		a = arena_open();
	}
	*run = (Run){ .a = a, .env.lease = -1, .gate = -1 };
	run->timer.owner = run;
	return run;
}

static void
run_free(Run *run)
{
	arena_close(run->a);
	free(run);
}

void
run_recycle(Processes *p, Run *run)
{
	stream_close(&run->out);
	stream_close(&run->err);
	if (p->spare.n >= SPARE_MOST) {
		run_free(run);
		return;
	}
	arena_reset(run->a);
	runs_push(&p->spare, run);
}

void
runs_free(RunList *list)
{
	Run *next;

	for (Run *run = list->first; run != NULL; run = next) {
		next = run->next;
		stream_close(&run->out);
		stream_close(&run->err);
		run_free(run);
	}
}
