/*
 * The words that a path in a workflow's expressions may begin with: the same for what gives them their values (scope.c) and for what
 * checks them before (names.c).
 */
#pragma once

#include "base/str.h"

typedef enum WfRoot {
	WF_ROOT_NONE,  /* the bare name of a variable, or of what an item sees */
	WF_ROOT_TASKS, /* results of tasks, by name */
	WF_ROOT_VARS,  /* variables, by name */
	WF_ROOT_GIVEN, /* what the run was given */
} WfRoot;

bool wf_word_of(Str s, const char *const *words, size_t n);
WfRoot wf_root(Str name);
