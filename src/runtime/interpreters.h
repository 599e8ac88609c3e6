/*
 * Where programs are found that run what people write: the ones an operator named, else in a fixed search path. Never in the PATH that
 * the worker happened to be started with.
 */
#pragma once

#include "base/json.h"

#define RUN_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

typedef struct Interpreters {
	Str path;          /* also the PATH of actions; none: RUN_PATH */
	const Json *named; /* an object: name of a binary → its path; may be NULL */
} Interpreters;

Str interpreters_search_path(const Interpreters *in);
/* The path of a binary; none when it is nowhere. */
Str interpreter_find(Arena *a, const Interpreters *in, Str binary);
