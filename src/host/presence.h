/*
 * The rows that say which role processes there are: written at the start, renewed while other processes may look, removed at the end.
 */
#pragma once

#include "engine/engine.h"

typedef struct Presence Presence;

/* roles: bits of Role. Embedded, whatever rows there are belong to processes that are gone. */
MUST_CHECK bool presence_start(Engine *e, unsigned roles, Str host, Presence **ret, Err *err);
void presence_stop(Presence *p);
