/*
 * A child's environment, made from nothing: only what stands here, never a variable of the worker's own.
 */
#pragma once

#include "runtime/places.h"
#include "runtime/processes.h"

typedef struct EnvironFacts {
	const ProcessesConfig *config;
	const RunSpec *spec;
	const Places *places;
	Str worker_marker;  /* "ATTUNE_WORKER=...", of every child of this worker */
	Str run_marker;     /* "ATTUNE_RUN=...", of this run alone */
	Str home;           /* private to the run; also its TMPDIR */
	Str files;          /* where it may leave files; none: nowhere */
	Str parameter_file; /* none: they come by stdin */
} EnvironFacts;

/* ERR_INVALID when a name is none or a value holds a NUL. */
MUST_CHECK bool environ_make(Arena *a, const EnvironFacts *facts, const char *const **ret, Err *err);
