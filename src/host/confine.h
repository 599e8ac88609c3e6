/*
 * The settings that confine actions, read into the worker's; private to host.
 */
#pragma once

#include "host/inner.h"
#include "runtime/processes.h"

/* Also hides this process from its children. ERR_UNSUPPORTED: more is asked for than this machine gives. */
MUST_CHECK bool confine_settings(Host *h, ProcessesConfig *p, Err *err);
/* After processes_open: logs what this machine gives, and gives it for the worker's row. */
const Json *confine_say(Host *h);
