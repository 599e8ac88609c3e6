#include "http/range.h"

static bool
number(Str s, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 18)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	*ret = v;
	return true;
}

RangeKind
range_parse(Str header, uint64_t size, Range *ret)
{
	Str rest = str_trim(header), first, last;
	uint64_t from = 0, to = 0;

	if (!str_starts(rest, str_of("bytes=")))
		return RANGE_WHOLE;
	rest = str_trim(str_sub(rest, 6, rest.n));
	last = rest;
	if (!str_cut(&last, '-', &first) || first.n == rest.n)
		return RANGE_WHOLE;
	if (first.n == 0) {
		if (!number(last, &to))
			return RANGE_WHOLE;
		if (to == 0 || size == 0)
			return RANGE_BAD;
		*ret = (Range){ size - (to < size ? to : size), to < size ? to : size };
		return RANGE_PART;
	}
	if (!number(first, &from) || (last.n > 0 && (!number(last, &to) || to < from)))
		return RANGE_WHOLE;
	if (from >= size)
		return RANGE_BAD;
	if (last.n == 0 || to >= size)
		to = size - 1;
	*ret = (Range){ from, to - from + 1 };
	return RANGE_PART;
}
