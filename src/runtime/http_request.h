/* core.http_request: parameters into a call, its answer into the output and the exit code of a run. */
#pragma once

#include "runtime/internal.h"

void http_request_run(Internal *i);                        /* leaves the call in i->call, or has failed */
void http_request_answered(Internal *i, const Call *call); /* prints one JSON object */
