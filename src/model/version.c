#include "model/version.h"

#include <ctype.h>

/* The lowest version that is allowed, and the lowest that is not any more. */
typedef struct Range {
	bool from_open, to_closed; /* the ends themselves: excluded below, included above */
	bool has_from, has_to;
	Version from, to;
} Range;

static bool
parse_parts(Str text, Version *v, int *ret_given)
{
	Str rest = text, part;
	int n = 0;

	while (str_cut(&rest, '.', &part)) {
		if (n == 3 || part.n == 0 || !isdigit((unsigned char)part.p[0]) || !str_to_int(part, &v->part[n]))
			return false;
		n++;
	}
	*ret_given = n;
	return n > 0;
}

static bool
pre_valid(Str pre)
{
	Str rest = pre, part;

	while (str_cut(&rest, '.', &part)) {
		if (part.n == 0)
			return false;
		for (size_t i = 0; i < part.n; i++)
			if (!isalnum((unsigned char)part.p[i]) && part.p[i] != '-')
				return false;
	}
	return true;
}

static bool
parse(Str text, Version *ret, int *ret_given)
{
	Str rest = str_trim(text), core, build, pre = { 0 };
	Version v = { 0 };
	size_t at;

	if (rest.n > 0 && (rest.p[0] == 'v' || rest.p[0] == 'V'))
		rest = str_sub(rest, 1, rest.n);
	if (str_find(rest, str_of("+"), &at)) {
		build = str_sub(rest, at + 1, rest.n);
		rest = str_sub(rest, 0, at);
		if (!pre_valid(build))
			return false;
	}
	core = rest;
	if (str_find(rest, str_of("-"), &at)) {
		core = str_sub(rest, 0, at);
		pre = str_sub(rest, at + 1, rest.n);
		if (!pre_valid(pre))
			return false;
	}
	if (core.n == 0 || !parse_parts(core, &v, ret_given))
		return false;
	v.pre = pre;
	*ret = v;
	return true;
}

bool
version_parse(Str text, Version *ret)
{
	int given;

	return parse(text, ret, &given);
}

static bool
leading_zero(Str part)
{
	return part.n > 1 && part.p[0] == '0';
}

bool
version_is_semver(Str text)
{
	Version v;
	int given;
	Str rest = text, part;

	if (text.n == 0 || !isdigit((unsigned char)text.p[0]) || !parse(text, &v, &given) || given != 3)
		return false;
	for (int i = 0; i < 2; i++)
		if (!str_cut(&rest, '.', &part) || leading_zero(part))
			return false;
	return !isspace((unsigned char)text.p[text.n - 1]) &&
	       !(rest.n > 1 && rest.p[0] == '0' && isdigit((unsigned char)rest.p[1]));
}

/* Semver's order of pre-releases: numbers by value and before words, fewer parts first. */
static int
pre_cmp(Str a, Str b)
{
	Str x, y;

	for (;;) {
		bool more_a = str_cut(&a, '.', &x), more_b = str_cut(&b, '.', &y);
		int64_t i, j;
		bool num_a, num_b;
		int c;

		if (!more_a || !more_b)
			return (int)more_a - (int)more_b;
		num_a = str_to_int(x, &i);
		num_b = str_to_int(y, &j);
		if (num_a != num_b)
			return num_a ? -1 : 1;
		c = num_a ? (i > j) - (i < j) : str_cmp(x, y);
		if (c != 0)
			return c;
	}
}

int
version_cmp(const Version *a, const Version *b)
{
	for (int i = 0; i < 3; i++)
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	if (str_none(a->pre) || str_none(b->pre))
		return (int)str_none(a->pre) - (int)str_none(b->pre);
	return pre_cmp(a->pre, b->pre);
}

/* The version behind v in the part at `at`: 1.2.3 at 1 is 1.3.0. */
static Version
bumped(const Version *v, int at)
{
	Version n = { 0 };

	for (int i = 0; i <= at; i++)
		n.part[i] = v->part[i];
	n.part[at]++;
	return n;
}

static Range
range_exact(const Version *v)
{
	return (Range){ .has_from = true, .has_to = true, .to_closed = true, .from = *v, .to = *v };
}

static Range
range_from(const Version *v)
{
	return (Range){ .has_from = true, .from = *v };
}

static Range
range_above(const Version *v)
{
	return (Range){ .has_from = true, .from_open = true, .from = *v };
}

static Range
range_to(const Version *v)
{
	return (Range){ .has_to = true, .to_closed = true, .to = *v };
}

static Range
range_below(const Version *v)
{
	return (Range){ .has_to = true, .to = *v };
}

static Range
range_minor(const Version *v)
{
	return (Range){ .has_from = true, .has_to = true, .from = *v, .to = bumped(v, 1) };
}

/* The first part that is not zero may not change. */
static Range
range_caret(const Version *v)
{
	int at = v->part[0] != 0 ? 0 : v->part[1] != 0 ? 1 : 2;

	return (Range){ .has_from = true, .has_to = true, .from = *v, .to = bumped(v, at) };
}

static const struct {
	const char *op;
	Range (*make)(const Version *v);
} operators[] = {
	{ ">=", range_from },
	{ "<=", range_to },
	{ "==", range_exact },
	{ "=", range_exact },
	{ ">", range_above },
	{ "<", range_below },
	{ "~", range_minor },
	{ "^", range_caret },
};

static bool
range_parse(Str term, VersionBare bare, Range *ret)
{
	Version v;

	if (str_is(term, "*")) {
		*ret = (Range){ 0 };
		return true;
	}
	for (size_t i = 0; i < countof(operators); i++) {
		Str op = str_of(operators[i].op);

		if (!str_starts(term, op))
			continue;
		if (!version_parse(str_sub(term, op.n, term.n), &v))
			return false;
		*ret = operators[i].make(&v);
		return true;
	}
	if (!version_parse(term, &v))
		return false;
	*ret = bare == BARE_EXACT ? range_exact(&v) : range_minor(&v);
	return true;
}

static bool
in_range(const Version *v, const Range *r)
{
	int from = r->has_from ? version_cmp(v, &r->from) : 1;
	int to = r->has_to ? version_cmp(v, &r->to) : -1;

	return (r->from_open ? from > 0 : from >= 0) && (r->to_closed ? to <= 0 : to < 0);
}

bool
version_meets(Str version, Str constraint, VersionBare bare)
{
	Str rest = str_trim(constraint), term;
	Version v;
	Range r;

	if (rest.n == 0 || str_is(rest, "*"))
		return true;
	if (!version_parse(version, &v))
		return false;
	while (str_cut(&rest, ',', &term))
		if (!range_parse(str_trim(term), bare, &r) || !in_range(&v, &r))
			return false;
	return true;
}

bool
version_constraint_check(Str constraint, Err *err)
{
	Str rest = str_trim(constraint), term;
	Range r;

	if (rest.n == 0)
		return true;
	while (str_cut(&rest, ',', &term))
		if (!range_parse(str_trim(term), BARE_SAME_MINOR, &r))
			return err_set(err, ERR_VALIDATION,
			    "'%.*s' is not a version constraint (like \">=3.11,<4\" or \"~1.2\")", STR_ARG(constraint));
	return true;
}
