/*
 * A workflow stepped through without starting anything: each run that it would start ends as it was told, or is assumed to succeed
 * with an empty result. The steps are those of advance.h. Pure.
 */
#pragma once

#include "workflow/advance.h"

enum { WF_DRY_STEPS_MOST = 2000 };

typedef struct WfDry {
	Json parameters, config;
	Json results; /* object, by task: what its runs give; a list is one for each item */
	Json failed;  /* names of tasks whose runs fail */
	/* Why a task's run could not even be started; none: it could. May be NULL. */
	Str (*problem)(void *self, const WfTask *t);
	void *self;
} WfDry;

/* {status, result, variables, steps: [{event, task, ...}]}. ERR_VALIDATION: a result or failure is of no task there. */
MUST_CHECK bool wf_dry(Arena *a, const WfGraph *g, const WfDry *in, TimeUs now, Json *ret, Err *err);
