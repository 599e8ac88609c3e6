/*
 * What is to be executed for a run: the command, from the runtime's description and the action's entry point, or from the
 * entry point's text when that is the code itself. Looks at the pack's folder, changes nothing.
 */
#pragma once

#include "runtime/places.h"
#include "runtime/processes.h"

/* A file the command needs in the run's directory. */
typedef struct PlanFile {
	const char *path;
	Str bytes;
} PlanFile;

enum { PLAN_FILES = 3 };

typedef struct Plan {
	const char *program;
	const char *const *argv;
	const char *cwd;
	Places places;
	PlanFile files[PLAN_FILES]; /* to be written before the start, mode 0400 */
	size_t file_count;
	struct {
		const char *engine, *name; /* NULL: no container */
		Str image;
	} container;
	bool shell_variables; /* the parameters are variables of the inline code */
	bool stdin_empty;     /* inline shell code gets its parameters as variables instead */
} Plan;

/* ERR_NOT_FOUND: no such entry point; ERR_FORBIDDEN: it leads out of its pack; ERR_INVALID. */
MUST_CHECK bool plan_make(
    Arena *a, const ProcessesConfig *config, const RunSpec *spec, Str run_dir, Plan *ret, Err *err);
