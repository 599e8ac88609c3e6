/* What the tests of expressions share. */
#pragma once

#include "expr/tmpl.h"

Json rig_value(Arena *a, const char *text); /* JSON with ' for " */
/* self is an object of variables. */
ExprLookup rig_lookup, rig_lookup_two;
Str rig_answer(Arena *a, Str text, const ExprEnv *env); /* compact JSON, or "! " and the error */
