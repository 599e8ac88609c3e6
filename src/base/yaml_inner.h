/*
 * What reading and printing YAML share; nobody else includes this.
 */
#pragma once

#include "base/json.h"

/*
 * The value of a scalar by its tag: "null", "bool", "int", "float", "str", or "?" for a plain one, whose kind its form says
 * (core schema of YAML 1.2). False with *ret_wrong when the text does not fit the tag. s must be NUL-terminated and last.
 */
bool yaml_scalar(Arena *a, Str tag, Str s, Json *ret, const char **ret_wrong);

/* Whether the plain text would be read as something other than a string. */
bool yaml_is_special(Str s);
