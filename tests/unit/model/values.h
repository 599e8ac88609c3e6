/* Values for tests, written as JSON with ' for ". */
#pragma once

#include "base/json.h"

Json value_of(Arena *a, const char *text);
