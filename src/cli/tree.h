/*
 * A workflow's run as a tree: a row for each task, under it its items that are under way or went wrong, and the tasks of workflows
 * that it runs. Made from what the API tells of the run (GET /executions/ID/workflow), where a run that is a workflow itself may hold
 * the same in `inside`. Pure; rows lie in the arena.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"

typedef struct TreeRow {
	Str path;   /* "restock/[3]/count": the same task in the same place */
	Str branch; /* the lines that lead to it */
	Str name, status;
	Str at;   /* when it became what it is; none: it is not known */
	Str took; /* until it ended, or now */
	Str more;
	int64_t round;
	bool is_item;
} TreeRow;

typedef struct Tree {
	Arena *a;
	TimeUs now; /* by the wall clock */
	TreeRow *rows;
	size_t n, cap;
} Tree;

Tree tree_of(Arena *a, const Json *run, TimeUs now);
/* No wider than `width` (0: as wide as it is); most rows, of which those in the middle that have ended are left out first. */
void tree_print(const Tree *t, Buf *b, unsigned width, size_t most, bool colour);
