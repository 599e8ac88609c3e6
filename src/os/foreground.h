/*
 * A program that takes over our terminal until it ends, such as the editor of a person: same session, same streams, same environment.
 * Only for commands that a person runs; what runs on somebody's behalf is started by spawn.h.
 */
#pragma once

#include "base/err.h"

/* A command line of a shell, with one more word behind it. ERR_SYS: it cannot be started, was ended, or says that it failed. */
MUST_CHECK bool foreground_run(Arena *a, const char *command, const char *word, Err *err);
