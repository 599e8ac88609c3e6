/*
 * A text in the editor of a person, which takes over our terminal until it ends: same session, same streams, same environment.
 * Only for commands that a person runs; what runs on somebody's behalf is started by spawn.h. Meanwhile what is typed to interrupt is
 * the editor's alone, and what would end us waits: the file, which others may not read, is there no longer than the editor is.
 */
#pragma once

#include "base/err.h"

typedef struct Edit {
	const char *editor; /* a command line of a shell, which gets the file as one more word */
	const char *name;   /* of the file: editors go by its end */
	size_t most;        /* bytes that are taken back */
} Edit;

/* *text becomes what they made of it. ERR_SYS: the editor cannot be started, was ended, or says that it failed. */
MUST_CHECK bool foreground_edit(Arena *a, const Edit *e, Str *text, Err *err);
