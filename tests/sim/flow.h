/*
 * Random workflows for a seed, and a plain model of what their runs must have come to. Their graphs branch, join, loop so many times, run
 * over items and side by side, nest, wait, have time limits, try again, and handle failures or do not; none depends on the order in which
 * its runs happen to end.
 */
#pragma once

#include "base/json.h"

enum { FLOWS = 4, FLOW_TASKS = 10, FLOW_ROUNDS = 4, FLOW_TOP = -1 };

typedef enum FlowWhen { FLOW_ALWAYS, FLOW_WELL, FLOW_BADLY, FLOW_FAILED, FLOW_LATE, FLOW_WHENS } FlowWhen;
typedef enum FlowEnd { ENDED_WELL, ENDED_FAILED, ENDED_LATE } FlowEnd;

typedef struct FlowTask {
	const char *action;        /* NULL: it is a parallel one */
	int group;                 /* the parallel task that it is in, or FLOW_TOP */
	int rounds, items;         /* 1 or more rounds; items 0: a single run */
	int retries, retry_delay;  /* seconds */
	int delay, timeout;        /* milliseconds and seconds; 0: none */
	int preds;                 /* tasks that lead to it; with several it waits for all of them */
	int to[FLOW_TASKS];        /* later tasks of its group, by number */
	FlowWhen when[FLOW_TASKS]; /* of rounds > 1: always */
	int to_n;
} FlowTask;

typedef struct Flow {
	char ref[32];
	FlowTask tasks[FLOW_TASKS];
	int n;
	int timeout; /* seconds; 0: none */
} Flow;

/* Its definition, as a file would have it. */
Json flow_definition(Arena *a, const Flow *f);

/* What comes of a task that is begun anew: itself, and whatever its ways lead to. */
void flow_again(const Flow *f, int from, bool again[FLOW_TASKS]);

/* What happened to one round of one task. */
typedef struct FlowRound {
	int runs;    /* items, or one; a run that was tried again counts once */
	FlowEnd end; /* of all of them together */
} FlowRound;

/* What the rounds of each task should have been, and how the whole ended; false, with the reason: they were not. Rounds are counted from 1. */
bool flow_agrees(const Flow *f, FlowRound rounds[FLOW_TASKS][FLOW_ROUNDS + 1], bool completed, char *why, size_t why_n);
