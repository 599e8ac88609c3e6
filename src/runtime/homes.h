/*
 * The folder in which a worker makes the private folder of each run: in /tmp
 * when it is told no better one. What earlier workers of the same name left there is removed.
 */
#pragma once

#include "runtime/processes.h"

/* A worker's name as a file name: other bytes than letters, digits, '.', '_' and '-' become '_'. */
Str homes_file_name(Arena *a, Str worker_name);
MUST_CHECK bool homes_open(Arena *a, const ProcessesConfig *config, Str *ret, Err *err);
