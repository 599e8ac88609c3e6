/*
 * One step of a workflow: what state it was in and what has happened become the state it is in now and the runs that are to be
 * started. Pure: no clock, no I/O of its own. Only those tasks are looked at that a happening concerns; the state of a task, its result
 * and what names stand for are asked of a WfPort, which reads them where they are kept.
 *
 *     Wf w = wf_open(...);
 *     wf_begin(&w), or wf_child_ended(&w, ...) for each run that has ended, or wf_task_due(&w, ...);
 *     then start w.children, keep what has changed, and ask wf_over.
 */
#pragma once

#include "workflow/graph.h"

typedef enum WfStatus {
	WF_IDLE,    /* not begun, or its join is not met */
	WF_DELAYED, /* begins when it is due */
	WF_RUNNING,
	WF_DONE,
	WF_SKIPPED,
	WF_BAD,  /* failed */
	WF_LATE, /* failed because its time was over */
	WF_STATUSES
} WfStatus;

const char *wf_status_name(WfStatus s);
WfStatus wf_status_of(Str name);

/* How a run, or a task, has ended. */
typedef enum WfOutcome { WF_SUCCEEDED, WF_FAILED, WF_TIMED_OUT } WfOutcome;

typedef struct WfTaskState {
	WfStatus status;
	int64_t iteration; /* how often it has begun */
	int64_t backlog;   /* rounds that were asked for while it was running */
	bool begun;        /* in this round: who arrives now changes nothing */
	Json arrived;      /* numbers of the tasks from which it was reached in this round, an array */
	int triggered_by;  /* -1: none */
	TimeUs due;        /* WF_DELAYED */
	int64_t execution; /* its run, when it is a single one */
	bool items;        /* it runs once for each item */
	int64_t items_n, items_next, items_live, items_bad, items_late;
	int64_t open, waiting,
	    bad; /* of a parallel task: of its tasks those under way, joins not met, failures nobody handled */
	TimeUs started, finished; /* of the round that began last */
	Json published;           /* by its ends in this step; null: it did not end in it */
	Str published_before;     /* in earlier steps, as JSON: the caller's */
	TimeUs published_at;      /* when it last published something */
	bool changed;             /* in this step */
} WfTaskState;

/* A run that is to be started. */
typedef struct WfChild {
	int task, triggered_by;
	int64_t index, batch; /* -1: none */
	int64_t iteration;
	bool own_input; /* else it gets the parameters of the workflow */
	Json input, permission_set_refs, selector, tolerations, affinity; /* null: the action's */
	Str error; /* it cannot start, because of this; none: it can */
} WfChild;

typedef struct WfPort {
	void *self;
	/* Of a task; NULL when it cannot be read: then everything fails. */
	WfTaskState *(*task)(void *self, int task);
	/* What a task has given, as expressions see it; false: it has not ended yet, or cannot be read. */
	bool (*result)(void *self, int task, Json *ret);
	/* parameters, variables, config, keystore, system; false: there is no such thing. */
	bool (*root)(void *self, Str name, Json *ret);
	bool (*items_put)(void *self, int task, const Json *items);
	bool (*item)(void *self, int task, int64_t index, Json *ret);
} WfPort;

typedef struct WfNote {
	int task; /* -1: of the whole */
	Str text;
} WfNote;

/* A task that ended without a run of its own: skipped, without items, a parallel one. */
typedef struct WfQuick {
	int task;
	WfOutcome outcome;
	bool skipped;
} WfQuick;

typedef struct Wf {
	Arena *a;
	const WfGraph *g;
	WfPort port;
	TimeUs now;
	bool halted; /* it is being cancelled: nothing more starts */
	/* kept by the caller between steps */
	int64_t open, waiting, bad;
	Json failed; /* names of tasks whose failure nobody handled, an array */
	/* of this step */
	bool vars_known, vars_changed;
	Json vars;
	WfChild *children;
	size_t n, cap;
	WfNote *notes; /* what went wrong on the way, for people */
	size_t notes_n;
	Str fatal; /* the workflow fails with this; none: it does not */
	WfQuick *quick;
	size_t quick_n, quick_cap;
	bool broken; /* the port could not read: undo everything */
} Wf;

Wf wf_open(Arena *a, const WfGraph *g, const WfPort *port, TimeUs now);

/* All of them false when the port failed: nothing of the step may be kept. */
MUST_CHECK bool wf_begin(Wf *w);
MUST_CHECK bool wf_child_ended(Wf *w, int task, int64_t iteration, int64_t index, int64_t execution, WfOutcome how);
MUST_CHECK bool wf_task_due(Wf *w, int task);
/* Is a run of the task that went wrong to be tried again, so far as its round and its on_error say? Asked before wf_child_ended, which is
 * not called for what is tried again. Whether it has been tried often enough is the caller's matter. */
bool wf_again(Wf *w, int task, int64_t iteration, WfOutcome how, const Json *result);

typedef struct WfEnd {
	bool over, succeeded;
	Json result;
} WfEnd;

/* Has it ended, and with what? */
WfEnd wf_over(Wf *w);

/* The result of a run as expressions see it: what lies in `data`, or in an object on standard output, lies beside it too. */
Json wf_view(Arena *a, const Json *result);
