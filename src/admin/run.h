/*
 * admin_main with its two ways out given: for the tests.
 */
#pragma once

#include <stdio.h>

enum { ADMIN_DONE = 0, ADMIN_FAILED = 1, ADMIN_USAGE = 2, ADMIN_AWAY = 3 };

/* Of every command but api-spec, which the API brings along. */
int admin_run(int argc, char **argv, FILE *out, FILE *complaints);
