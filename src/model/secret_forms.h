/*
 * The forms in which programs print a text: as it is, base64 of both alphabets, percent-encoded, escaped in JSON. Whoever looks for a
 * secret where it must not stand looks for all of them. Pure.
 */
#pragma once

#include "base/str.h"

enum { SECRET_FORMS = 5 };

/* How many; some may be the same. */
size_t secret_forms(Arena *a, Str text, Str ret[SECRET_FORMS]);
