/*
 * Walking over the timelines of executions, newest first: what the history and the audit of executions have in common. Private to these.
 */
#pragma once

#include "store/history.h"

/*
 * A record's id is its execution's id and its place in the timeline, so that a page can go on after it. As an audit event it lies
 * above all ids of the table, and below what a double holds exactly.
 */
#define PLACES ((Id)1024)

/* A move, or what was noted beside the timeline. */
typedef struct Step {
	Move m;
	bool noted;
	Json fields, values; /* of a note */
} Step;

/* An execution with its steps, oldest first. */
typedef struct Run {
	Id id, executor;
	Str action_ref, correlation;
	bool timed_out, has_result;
	Step *steps;
	size_t n;
} Run;

typedef struct Walk Walk;

/* The record of one step; null when it is not wanted. */
typedef Json Maker(Walk *w, const Run *r, size_t place);

struct Walk {
	Db *db;
	Arena *a;
	const HistoryFilter *filter;
	const Slice *slice;
	Maker *make;
	bool with_notes;
	Str event_type;
	SliceOut *out;
	int64_t seen;  /* records wanted so far */
	Id before_run; /* only executions older than this one; 0: any */
	bool enough;
};

/* Fills w->out with the page that is wanted. */
MUST_CHECK bool history_walk(Walk *w, Err *err);
