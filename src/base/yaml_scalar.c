#include "base/yaml_inner.h"

#include "base/json_inner.h"

typedef enum Form { FORM_STR, FORM_NULL, FORM_BOOL, FORM_INT, FORM_OCTAL, FORM_HEX, FORM_FLOAT, FORM_NOT_FINITE } Form;

/* Every text with a meaning of its own, but for numbers. */
typedef struct Word {
	const char *text;
	Form form;
	bool value;
} Word;

static const Word words[] = {
	{ "", FORM_NULL, false },
	{ "~", FORM_NULL, false },
	{ "null", FORM_NULL, false },
	{ "true", FORM_BOOL, true },
	{ "false", FORM_BOOL, false },
	{ ".inf", FORM_NOT_FINITE, false },
	{ ".Inf", FORM_NOT_FINITE, false },
	{ ".INF", FORM_NOT_FINITE, false },
	{ "+.inf", FORM_NOT_FINITE, false },
	{ "+.Inf", FORM_NOT_FINITE, false },
	{ "+.INF", FORM_NOT_FINITE, false },
	{ "-.inf", FORM_NOT_FINITE, false },
	{ "-.Inf", FORM_NOT_FINITE, false },
	{ "-.INF", FORM_NOT_FINITE, false },
	{ ".nan", FORM_NOT_FINITE, false },
	{ ".NaN", FORM_NOT_FINITE, false },
	{ ".NAN", FORM_NOT_FINITE, false },
};

static size_t
digits_at(Str s, size_t at, const char *allowed)
{
	size_t i = at;

	while (i < s.n && s.p[i] != '\0' && strchr(allowed, s.p[i]) != NULL)
		i++;
	return i - at;
}

static bool
is_prefixed(Str s, const char *prefix, const char *allowed)
{
	return s.n > 2 && str_starts(s, str_of(prefix)) && digits_at(s, 2, allowed) == s.n - 2;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static Form
number_form(Str s)
{
	static const char decimal[] = "0123456789";
	size_t at = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0;
	size_t whole = digits_at(s, at, decimal), fraction = 0, exponent;

	at += whole;
	if (whole > 0 && at == s.n)
		return FORM_INT;
	if (at < s.n && s.p[at] == '.') {
		fraction = digits_at(s, at + 1, decimal);
		at += 1 + fraction;
	}
	if (whole + fraction == 0)
		return FORM_STR;
	if (at == s.n)
		return FORM_FLOAT;
	if (s.p[at] != 'e' && s.p[at] != 'E')
		return FORM_STR;
	at++;
	if (at < s.n && (s.p[at] == '-' || s.p[at] == '+'))
		at++;
	exponent = digits_at(s, at, decimal);
	return exponent > 0 && at + exponent == s.n ? FORM_FLOAT : FORM_STR;
}

static Form
form_of(Str s, bool *ret_value)
{
	for (size_t i = 0; i < countof(words); i++) {
		if (!str_is(s, words[i].text))
			continue;
		*ret_value = words[i].value;
		return words[i].form;
	}
	if (is_prefixed(s, "0o", "01234567"))
		return FORM_OCTAL;
	if (is_prefixed(s, "0x", "0123456789abcdefABCDEF"))
		return FORM_HEX;
	return number_form(s);
}

/* The number as JSON writes it: no plus, no leading zeros, a digit on both sides of the point. */
static Str
as_json_number(Arena *a, Str s)
{
	Buf b = buf_open(a);
	size_t i = 0;

	if (s.p[0] == '-')
		buf_char(&b, '-');
	i += s.p[0] == '-' || s.p[0] == '+';
	while (i + 1 < s.n && s.p[i] == '0' && s.p[i + 1] >= '0' && s.p[i + 1] <= '9')
		i++;
	if (s.p[i] == '.')
		buf_char(&b, '0');
	for (; i < s.n; i++) {
		buf_char(&b, s.p[i]);
		if (s.p[i] == '.' && (i + 1 == s.n || s.p[i + 1] == 'e' || s.p[i + 1] == 'E'))
			buf_char(&b, '0');
	}
	return buf_str(&b);
}

static bool
decimal_value(Arena *a, Str s, bool integer, Json *ret)
{
	json_number(a, as_json_number(a, s).p, ret);
	if (integer && ret->kind == JSON_REAL) /* -0, which JSON takes for a real */
		*ret = json_int(0);
	return true;
}

static bool
prefixed_value(Str s, int64_t base, Json *ret, const char **ret_wrong)
{
	int64_t v = 0;

	for (size_t i = 2; i < s.n; i++) {
		int digit = s.p[i] <= '9' ? s.p[i] - '0' : (s.p[i] | 32) - 'a' + 10;

		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, (int64_t)digit, &v)) {
			*ret_wrong = "integer too large:";
			return false;
		}
	}
	*ret = json_int(v);
	return true;
}

static bool
value_of(Arena *a, Form form, Str s, bool value, Json *ret, const char **ret_wrong)
{
	switch (form) {
	case FORM_NULL: *ret = json_null(); return true;
	case FORM_BOOL: *ret = json_bool(value); return true;
	case FORM_INT: return decimal_value(a, s, true, ret);
	case FORM_FLOAT: return decimal_value(a, s, false, ret);
	case FORM_OCTAL: return prefixed_value(s, 8, ret, ret_wrong);
	case FORM_HEX: return prefixed_value(s, 16, ret, ret_wrong);
	case FORM_NOT_FINITE: *ret_wrong = "a number must be finite, not"; return false;
	default: *ret = json_str(s); return true;
	}
}

/* Which forms each tag takes. */
typedef struct TagRow {
	const char *tag;
	Form forms[5];
	size_t count;
} TagRow;

static const TagRow tags[] = {
	{ "null", { FORM_NULL }, 1 },
	{ "bool", { FORM_BOOL }, 1 },
	{ "int", { FORM_INT, FORM_OCTAL, FORM_HEX }, 3 },
	{ "float", { FORM_INT, FORM_FLOAT, FORM_NOT_FINITE }, 3 },
};

static bool
tag_takes(const TagRow *row, Form form)
{
	for (size_t i = 0; i < row->count; i++)
		if (row->forms[i] == form)
			return true;
	return false;
}

static bool
tagged_value(Arena *a, Str tag, Form form, Str s, bool value, Json *ret, const char **ret_wrong)
{
	for (size_t i = 0; i < countof(tags); i++) {
		if (!str_is(tag, tags[i].tag))
			continue;
		*ret_wrong = "the value does not fit its tag:";
		if (!tag_takes(&tags[i], form) || !value_of(a, form, s, value, ret, ret_wrong))
			return false;
		if (str_is(tag, "float") && ret->kind == JSON_INT)
			*ret = json_real((double)ret->i);
		return true;
	}
	*ret_wrong = "unknown tag of";
	return false;
}

bool
yaml_scalar(Arena *a, Str tag, Str s, Json *ret, const char **ret_wrong)
{
	bool value = false;
	Form form;

	if (str_is(tag, "str") || str_is(tag, "!")) {
		*ret = json_str(s);
		return true;
	}
	form = form_of(s, &value);
	if (str_is(tag, "?"))
		return value_of(a, form, s, value, ret, ret_wrong);
	return tagged_value(a, tag, form, s, value, ret, ret_wrong);
}

bool
yaml_is_special(Str s)
{
	bool value;

	return form_of(s, &value) != FORM_STR;
}
