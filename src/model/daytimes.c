#include "model/daytimes.h"

/* The first bit at or behind `from`; -1: none. */
static int
bit_from(uint64_t bits, int from)
{
	bits = from > 63 ? 0 : bits >> from << from;
	return bits == 0 ? -1 : __builtin_ctzll(bits);
}

static int
bits_below(uint64_t bits, int below)
{
	return __builtin_popcountll(below > 63 ? bits : bits & ((1ULL << below) - 1));
}

static int
bit_at(uint64_t bits, int64_t k)
{
	while (k-- > 0)
		bits &= bits - 1;
	return __builtin_ctzll(bits);
}

int
daytimes_from(const DayTimes *t, int second)
{
	int h0 = second / 3600, m0 = second / 60 % 60, s0 = second % 60;
	int h, m, s;

	if (t->hours >> h0 & 1 && t->minutes >> m0 & 1 && (s = bit_from(t->seconds, s0)) >= 0)
		return h0 * 3600 + m0 * 60 + s;
	s = bit_from(t->seconds, 0);
	if (t->hours >> h0 & 1 && (m = bit_from(t->minutes, m0 + 1)) >= 0)
		return h0 * 3600 + m * 60 + s;
	h = bit_from(t->hours, h0 + 1);
	return h < 0 ? -1 : h * 3600 + bit_from(t->minutes, 0) * 60 + s;
}

int64_t
daytimes_before(const DayTimes *t, int second)
{
	int h = second / 3600, m = second / 60 % 60;
	int64_t per_minute = bits_below(t->seconds, 64), per_hour = bits_below(t->minutes, 64) * per_minute;
	int64_t n = bits_below(t->hours, h) * per_hour;

	if (h > 23 || !(t->hours >> h & 1))
		return n;
	n += bits_below(t->minutes, m) * per_minute;
	return t->minutes >> m & 1 ? n + bits_below(t->seconds, second % 60) : n;
}

int
daytimes_at(const DayTimes *t, int64_t k)
{
	int64_t per_minute = bits_below(t->seconds, 64), per_hour = bits_below(t->minutes, 64) * per_minute;

	return bit_at(t->hours, k / per_hour) * 3600 + bit_at(t->minutes, k % per_hour / per_minute) * 60 +
	       bit_at(t->seconds, k % per_minute);
}
