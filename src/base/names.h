/*
 * Enum and names in one array, both ways: there is no third spelling.
 */
#pragma once

#include "base/str.h"

/* Index of text in names[0..count), or -1. NULL entries are skipped. */
static inline int
name_index(const char *const *names, size_t count, Str text)
{
	for (size_t i = 0; i < count; i++)
		if (names[i] != NULL && str_is(text, names[i]))
			return (int)i;
	return -1;
}
