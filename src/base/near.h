/* Which known word did somebody mean? */
#pragma once

#include "base/str.h"

/* Edits between two words; words of over 64 bytes are far from everything. */
size_t str_distance(Str a, Str b);

/* Offered one known word after the other, keeps the one that is nearest to what was written. */
typedef struct Near {
	Str wanted, best; /* best: none while nothing was near enough to be a slip of the keyboard */
	size_t far;
} Near;

Near near_open(Str wanted);
void near_offer(Near *n, Str known);
/* ". Did you mean 'x'?", or nothing. */
Str near_hint(Arena *a, const Near *n);
