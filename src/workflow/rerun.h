/*
 * A run that has ended, begun anew from some of its tasks: what comes of them is forgotten, everything else stands as it ended. Pure.
 */
#pragma once

#include "workflow/advance.h"

typedef struct WfStart {
	int task, from; /* from -1: nobody */
} WfStart;

typedef struct WfRerun {
	bool *again; /* by task: it is forgotten */
	WfStart *starts;
	size_t starts_n;
	int64_t waiting; /* joins that have only part of what they need */
} WfRerun;

/*
 * states, of all tasks, are those of the end, and become those of the new beginning. What was cut off in the middle begins anew too.
 * failed, bad: failures that nobody handled, as the run kept them. ERR_CONFLICT says which task cannot be begun from, and the cure.
 */
MUST_CHECK bool wf_rerun(Arena *a, const WfGraph *g, WfTaskState *states, const Json *failed, int64_t bad,
    const int *from, size_t from_n, WfRerun *ret, Err *err);

/* The first step of such a run, in place of wf_begin. */
MUST_CHECK bool wf_resume(Wf *w, const WfStart *starts, size_t n);
