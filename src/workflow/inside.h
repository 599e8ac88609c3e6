/* Shared by the files that make a step; for nobody else. */
#pragma once

#include "workflow/advance.h"

void wf_note(Wf *w, int task, Str text);
WfTaskState *wf_state(Wf *w, int task); /* NULL: broken */

/* ---- scope.c: what expressions see ---- */

typedef struct WfScope {
	Wf *w;
	ExprVar vars[3];
	size_t vars_n;
	ExprRun run;
	bool ran; /* run is that of a task which has just ended */
} WfScope;

MUST_CHECK bool wf_render(WfScope *s, const Tmpl *t, Json *ret, Err *err);
/* No condition holds; an error is one of the condition. */
MUST_CHECK bool wf_holds(WfScope *s, const WfCond *c, bool *ret, Err *err);
void wf_publish(WfScope *s, Str name, Json value);

/* ---- advance.c ---- */

bool wf_settle(Wf *w); /* ends what ended by itself; false: broken */

/* ---- start.c: beginning tasks ---- */

void wf_start(Wf *w, int task, int from); /* from -1: nobody */
void wf_more_items(Wf *w, int task, WfTaskState *st);
void wf_quick(Wf *w, int task, WfOutcome how, bool skipped);
