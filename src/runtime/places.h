/*
 * The placeholders of a runtime's description ({pack_dir}, {env_dir}, {interpreter}, {manifest_path}, {action_file}) and what
 * they stand for in one run. Pure.
 */
#pragma once

#include "base/str.h"

typedef struct Places {
	Str pack_dir;
	Str env_dir;
	Str interpreter;
	Str manifest_path;
	Str action_file;
} Places;

/* Unknown names in braces stay as they are: scripts are full of braces. The answer ends with a NUL. */
Str places_fill(Arena *a, const Places *p, Str text);
