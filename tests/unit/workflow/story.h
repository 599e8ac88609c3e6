/*
 * Random workflows for a seed, and their states kept in memory. Unlike those of the simulation, which must come to the same in whatever
 * order their runs end, these use all that a definition may say: variables, results, conditions on values, decisions, errors in them.
 */
#pragma once

#include "workflow/advance.h"

/* The same numbers for a seed everywhere and for ever. */
typedef struct Dice {
	uint64_t state;
} Dice;

uint64_t dice_below(Dice *d, uint64_t n);

Json story_definition(Arena *a, Dice *d, bool retries);
Json story_params(Arena *a, Dice *d);

typedef struct Story {
	Arena *a;
	WfGraph *g;
	WfTaskState *states;
	Json *lists, *results; /* by task */
	Json vars, params;
	WfChild *runs; /* under way */
	size_t n, cap;
	Wf w;
	Buf says; /* what was decided, for people */
} Story;

/* The definition passes the check, or the test fails. */
Story *story_open(Arena *a, const Json *definition, const Json *params);
void story_begin(Story *s, TimeUs now);
/* Of a run that goes wrong: it is tried again, and goes on. */
bool story_again(Story *s, size_t run, WfOutcome how, const Json *result);
/* A run of those under way ends. */
void story_end(Story *s, size_t run, Id execution, WfOutcome how, const Json *result, TimeUs now);
/* The delayed task that is due first; -1: none is. */
int story_due(const Story *s);
void story_wake(Story *s, int task, TimeUs now);
/* How a task stands, in a line. */
void story_state_put(Arena *a, Buf *b, int task, const WfTaskState *st);
