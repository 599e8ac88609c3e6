/*
 * Random workflows for a seed, and a plain model of what their runs must have come to. Their graphs branch, join, loop so many times, run
 * over items, nest and handle failures or do not; none depends on the order in which its runs happen to end.
 */
#pragma once

#include "base/json.h"

enum { FLOWS = 4, FLOW_TASKS = 7 };

typedef enum FlowWhen { FLOW_ALWAYS, FLOW_WELL, FLOW_BADLY } FlowWhen;

typedef struct FlowTask {
	const char *action;
	int rounds, items;         /* 1 or more rounds; items 0: a single run */
	int preds;                 /* tasks that lead to it; with several it waits for all of them */
	int to[FLOW_TASKS];        /* later tasks, by number */
	FlowWhen when[FLOW_TASKS]; /* of rounds > 1: always */
	int to_n;
} FlowTask;

typedef struct Flow {
	char ref[32];
	FlowTask tasks[FLOW_TASKS];
	int n;
} Flow;

/* Its definition, as a file would have it. */
Json flow_definition(Arena *a, const Flow *f);

/* What happened to one round of one task. */
typedef struct FlowRound {
	int runs;
	bool well; /* all of them completed */
} FlowRound;

enum { FLOW_ROUNDS = 4 };

/* What the rounds of each task should have been, and how the whole ended; false, with the reason: they were not. Rounds are counted from 1. */
bool flow_agrees(const Flow *f, FlowRound rounds[FLOW_TASKS][FLOW_ROUNDS + 1], bool completed, char *why, size_t why_n);
