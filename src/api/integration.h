/*
 * The secrets of integration tokens: only their hash is kept.
 */
#pragma once

#include "base/str.h"

Str integration_token_hash(Arena *a, Str secret);
