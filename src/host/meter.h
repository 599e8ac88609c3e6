/*
 * Where Prometheus looks at a role that has no port of its own: /metrics and /health on `metrics.host` and `metrics.port`. Off at
 * first. It asks for no token, and tells figures of the process only.
 */
#pragma once

#include "base/config.h"
#include "engine/engine.h"
#include "http/http.h"

typedef struct Meter Meter;

/* roles: bits of Role. *ret is NULL where no port is set. */
MUST_CHECK bool meter_start(Engine *e, const Config *c, unsigned roles, Meter **ret, Err *err);
void meter_stop(Meter *m);
