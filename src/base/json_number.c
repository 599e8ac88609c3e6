#include "base/json_inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	INT_DIGITS = 18,         /* as many always fit an int64 */
	EXACT_POWER = 22,        /* 10^22 is the largest power of ten that is exact as a double */
	ALWAYS_EXACT = 17,       /* digits beyond these are kept only when the double has them */
	DOUBLE_DIGITS = 767,     /* no double has more in full */
	EXPONENT_MOST = 1 << 30, /* larger ones are cut to this, which is out of range just the same */
};

/* What the text of a number says. */
typedef struct Number {
	const char *text;
	const char *end;
	uint64_t mantissa; /* of all digits, exact while there are at most INT_DIGITS of them */
	int64_t digits;    /* all of them, leading zeros too */
	int64_t power;     /* of ten, that the mantissa is to be multiplied with */
	bool negative;
} Number;

static inline bool
is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

static inline const char *
scan_digits(const char *p, Number *n)
{
	uint64_t m = n->mantissa;
	const char *start = p;

	for (; is_digit(*p); p++)
		m = m * 10 + (uint64_t)(*p - '0');
	n->mantissa = m;
	n->digits += p - start;
	return p;
}

static const char *
scan_exponent(const char *p, Number *n)
{
	bool negative = p[1] == '-';
	int64_t e = 0;

	p += p[1] == '-' || p[1] == '+' ? 2 : 1;
	if (!is_digit(*p))
		return NULL;
	for (; is_digit(*p); p++)
		e = e >= EXPONENT_MOST ? EXPONENT_MOST : e * 10 + (*p - '0');
	n->power += negative ? -e : e;
	return p;
}

/* The significant digits, without zeros at both ends; a number of them, of which the first `most` are written. */
static size_t
significant(const Number *n, char *out, size_t most)
{
	size_t count = 0, last = 0;

	for (const char *p = n->text; p < n->end && *p != 'e' && *p != 'E'; p++) {
		if (!is_digit(*p) || (count == 0 && *p == '0'))
			continue;
		if (count < most)
			out[count] = *p;
		count++;
		if (*p != '0')
			last = count;
	}
	return last;
}

/* Whether the double says all that the text said: 17 digits are what a double can say, more only when it has them all. */
static bool
keeps_all(const Number *n, double d)
{
	char wanted[DOUBLE_DIGITS], shown[DOUBLE_DIGITS + 16];
	size_t count = significant(n, wanted, sizeof(wanted));

	if (isinf(d) || (d == 0 && count > 0))
		return false;
	if (count <= ALWAYS_EXACT)
		return true;
	if (count > sizeof(wanted))
		return false;
	snprintf(shown, sizeof(shown), "%.*e", (int)count - 1, fabs(d));
	return shown[0] == wanted[0] && memcmp(shown + 2, wanted + 1, count - 1) == 0;
}

static Json
kept_as_text(Arena *a, const Number *n)
{
	Str s = str_copy(a, (Str){ n->text, (size_t)(n->end - n->text) });

	return (Json){ .kind = JSON_BIG, .n = (uint32_t)s.n, .s = s.p };
}

static Json
integer_of(Arena *a, const Number *n)
{
	int64_t i;

	if (n->negative && n->mantissa == 0 && n->digits == 1)
		return json_real(-0.0);
	if (n->digits <= INT_DIGITS)
		return json_int(n->negative ? -(int64_t)n->mantissa : (int64_t)n->mantissa);
	if (str_to_int((Str){ n->text, (size_t)(n->end - n->text) }, &i))
		return json_int(i);
	return kept_as_text(a, n);
}

static Json
real_of(Arena *a, const Number *n)
{
	static const double powers[EXACT_POWER + 1] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	double d;

	/* Clinger: an exact integer and an exact power of ten give the nearest double in one rounding */
	if (n->digits <= INT_DIGITS && n->mantissa <= 1ull << 53 && n->power >= -EXACT_POWER &&
	    n->power <= EXACT_POWER) {
		d = (double)n->mantissa;
		d = n->power < 0 ? d / powers[-n->power] : d * powers[n->power];
		return json_real(n->negative ? -d : d);
	}
	d = strtod(n->text, NULL); /* the process keeps LC_NUMERIC at "C" */
	return keeps_all(n, d) ? json_real(d) : kept_as_text(a, n);
}

const char *
json_number(Arena *a, const char *text, Json *ret)
{
	Number n = { .text = text };
	const char *p = text, *fraction;

	n.negative = *p == '-';
	p += n.negative;
	if (*p == '0' && is_digit(p[1]))
		return NULL;
	p = scan_digits(p, &n);
	if (n.digits == 0)
		return NULL;
	if (*p != '.' && *p != 'e' && *p != 'E') {
		n.end = p;
		*ret = integer_of(a, &n);
		return p;
	}
	if (*p == '.') {
		fraction = ++p;
		p = scan_digits(p, &n);
		if (p == fraction)
			return NULL;
		n.power = fraction - p;
	}
	if ((*p == 'e' || *p == 'E') && (p = scan_exponent(p, &n)) == NULL)
		return NULL;
	n.end = p;
	*ret = real_of(a, &n);
	return p;
}
