/*
 * Actions whose entry point is code, not a file. Pure: says which files to write and what to run.
 */
#pragma once

#include "runtime/plan.h"

/* How a runtime takes inline code; NULL when it cannot. */
typedef struct InlineKind InlineKind;
const InlineKind *inline_kind(Str runtime);
/* Whether text is plainly meant as a file's name ("deploy.py"), so that a missing file is reported as such. */
bool inline_looks_like_file(const InlineKind *kind, Str text);
/* Adds the files to plan and the arguments after the interpreter's own to argv, from *argc on. */
void inline_plan(
    Arena *a, const InlineKind *kind, const RunSpec *spec, Str run_dir, Plan *plan, const char **argv, size_t *argc);

enum { INLINE_ARGS = 4 };
