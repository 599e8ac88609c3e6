/*
 * One call of the tool, as from the command line, and what it said.
 */
#pragma once

#include "base/json.h"

typedef struct Said {
	int code;
	Str out, complaint;
} Said;

/* words ends with NULL and begins with the command. */
Said tool_says(Arena *a, const char *const *words);
#define SAYS(a, ...) tool_says((a), (const char *const[]){ __VA_ARGS__, NULL })
Json said_json(Arena *a, const Said *s);
bool said_has(Str text, const char *part);
/* A fresh folder that goes with the process's end of the test; free of what the environment names. */
Str rig_folder(Arena *a);
void rig_folder_done(Str *path);
