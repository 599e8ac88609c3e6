/*
 * One process of Attune: configuration, log, store, bus and engine opened in order, the roles it was asked for started on them, until
 * a signal; then all of it closed the other way round.
 */
#pragma once

#include "base/json.h"
#include "host/options.h"

/* Runs to the end of the process; the exit code. argv[0] is the name of the role ("up", "api", ...). */
int host_main(int argc, char **argv);
/* The tests of a pack's folder, run here as the server would; nothing of a server is needed. *ret is a PackTestResult. */
MUST_CHECK bool host_pack_test(Arena *a, const char *dir, Json *ret, Err *err);
/* `__sensor NAME`: a sensor that is part of this program. */
int host_sensor_main(int argc, char **argv);
