#include "base/near.h"

enum { WORD_MOST = 64, PART = 3 /* a third of a word may be wrong */ };

size_t
str_distance(Str a, Str b)
{
	size_t row[WORD_MOST + 1];

	if (a.n > WORD_MOST || b.n > WORD_MOST)
		return WORD_MOST;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t before = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t best = before + (a.p[i - 1] != b.p[j - 1]);

			before = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.n];
}

Near
near_open(Str wanted)
{
	return (Near){ .wanted = wanted, .far = wanted.n / PART + 1 };
}

void
near_offer(Near *n, Str known)
{
	size_t far = str_distance(n->wanted, known);

	if (far > n->far || (far == n->far && !str_none(n->best)))
		return;
	n->far = far;
	n->best = known;
}

Str
near_hint(Arena *a, const Near *n)
{
	return str_none(n->best) ? str_of("") : str_fmt(a, ". Did you mean '%.*s'?", STR_ARG(n->best));
}
