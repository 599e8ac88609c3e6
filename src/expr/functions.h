/*
 * What the functions of the language share; nobody else includes this.
 */
#pragma once

#include "expr/inner.h"

/* Is that argument of the kind? JSON_REAL: any number. */
MUST_CHECK bool fn_want(Ev *ev, const Node *x, const Json *args, size_t i, JsonKind kind);
bool fn_fail(Ev *ev, const Node *x, const char *why); /* false, always */
/* As string() makes it. */
MUST_CHECK bool fn_text(Ev *ev, const Node *x, const Json *v, Str *ret);
