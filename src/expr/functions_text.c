/*
 * Functions on strings. Positions and lengths count characters.
 */
#include "base/codec.h"
#include "expr/functions.h"

enum { GROUPS_MOST = 20, PATTERN_BYTES = 160 * 1024 };

/* Room for a text of so many bytes, paid for. */
static bool
text_room(Ev *ev, const Node *x, size_t bytes)
{
	return ev_room(ev, x->at, bytes + 1) && ev_spend(ev, x->at, bytes / 64);
}

static bool
changed(Ev *ev, const Node *x, const Json *args, Str (*how)(Arena *a, Str s), Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_STRING) || !text_room(ev, x, (size_t)args[0].n * 2))
		return false;
	*ret = json_str(how(ev->a, json_as_str(&args[0])));
	return true;
}

static bool
fn_lower(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	return changed(ev, x, args, letters_lower, ret);
}

static bool
fn_upper(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	return changed(ev, x, args, letters_upper, ret);
}

static bool
fn_trim(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_STRING))
		return false;
	*ret = json_str(str_trim(json_as_str(&args[0])));
	return true;
}

static size_t
count_text(Str s, Str part)
{
	size_t n = 0, at;

	if (part.n == 0)
		return utf8_length(s) + 1;
	for (; str_find(s, part, &at); n++)
		s = str_sub(s, at + part.n, s.n);
	return n;
}

/* An empty separator cuts between all characters. */
static bool
fn_split(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	Str s = json_as_str(&args[0]), sep = json_as_str(&args[1]);
	size_t n, at, skip;

	if (!fn_want(ev, x, args, 0, JSON_STRING) || !fn_want(ev, x, args, 1, JSON_STRING) || !text_room(ev, x, s.n))
		return false;
	n = sep.n == 0 ? utf8_length(s) : count_text(s, sep) + 1;
	if (!ev_array(ev, x->at, n, ret))
		return false;
	for (size_t i = 0; i < n; i++) {
		skip = i + 1 < n ? sep.n : 0;
		if (sep.n == 0)
			at = utf8_char(s);
		else if (!str_find(s, sep, &at))
			at = s.n;
		ret->items[i] = json_str(str_sub(s, 0, at));
		s = str_sub(s, at + skip, s.n);
	}
	return true;
}

static bool
fn_join(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	Buf b = buf_open(ev->a);
	Str text;

	if (!fn_want(ev, x, args, 0, JSON_ARRAY) || !fn_want(ev, x, args, 1, JSON_STRING) ||
	    !ev_spend(ev, x->at, args[0].n))
		return false;
	for (uint32_t i = 0; i < args[0].n; i++) {
		if (!fn_text(ev, x, &args[0].items[i], &text) || !text_room(ev, x, text.n + args[1].n))
			return false;
		if (i > 0)
			buf_add(&b, json_as_str(&args[1]));
		buf_add(&b, text);
	}
	*ret = json_str(buf_str(&b));
	return true;
}

/* Without an old text the new one goes before every character and behind the last. */
static bool
fn_replace(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	Str s = json_as_str(&args[0]), old = json_as_str(&args[1]), new = json_as_str(&args[2]);
	Buf b = buf_open(ev->a);
	size_t n, at;

	for (size_t i = 0; i < 3; i++)
		if (!fn_want(ev, x, args, i, JSON_STRING))
			return false;
	n = count_text(s, old);
	if (!text_room(ev, x, s.n + n * new.n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (old.n == 0)
			at = i == 0 ? 0 : utf8_char(s);
		else if (!str_find(s, old, &at))
			at = s.n;
		buf_add(&b, str_sub(s, 0, at));
		buf_add(&b, new);
		s = str_sub(s, at + old.n, s.n);
	}
	buf_add(&b, s);
	*ret = json_str(buf_str(&b));
	return true;
}

static bool
fn_starts_with(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_STRING) || !fn_want(ev, x, args, 1, JSON_STRING))
		return false;
	*ret = json_bool(str_starts(json_as_str(&args[0]), json_as_str(&args[1])));
	return true;
}

static bool
fn_ends_with(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	if (!fn_want(ev, x, args, 0, JSON_STRING) || !fn_want(ev, x, args, 1, JSON_STRING))
		return false;
	*ret = json_bool(str_ends(json_as_str(&args[0]), json_as_str(&args[1])));
	return true;
}

/* A repetition like a{60000} is written out when it is compiled. */
static size_t
pattern_room(Str pattern)
{
	return str_find(pattern, str_of("{"), NULL) ? PATTERN_BYTES : 4096 + pattern.n * 64;
}

/* The pattern of the call, compiled long ago when it is a constant. */
static bool
pattern_of(Ev *ev, const Node *x, const Json *args, const Regex **ret)
{
	Regex *regex;
	Err why = { 0 };

	if (!fn_want(ev, x, args, 0, JSON_STRING) || !fn_want(ev, x, args, 1, JSON_STRING))
		return false;
	*ret = x->call.regex;
	if (*ret != NULL)
		return true;
	if (!ev_spend(ev, x->at, 2000 + args[0].n) || !ev_room(ev, x->at, pattern_room(json_as_str(&args[0]))))
		return false;
	if (!regex_compile_metered(ev->a, json_as_str(&args[0]), &regex, &why))
		return ev_fail(ev, x->kids[0]->at, "%s", why.text);
	*ret = regex;
	return true;
}

/* The arena is used for the search and given back. */
static bool
search(Ev *ev, const Node *x, const Regex *regex, Str s, size_t from, RegexSpan *spans, size_t *ret_n)
{
	ArenaMark mark = arena_mark(ev->a);
	bool ok = ev_spend(ev, x->at, 50 + (s.n - from) / 1024) &&
		  regex_search(ev->a, regex, s, from, &ev->steps, spans, GROUPS_MOST, ret_n);

	arena_rewind(ev->a, mark);
	return ok || fn_fail(ev, x, "the search takes too many steps");
}

static bool
fn_match(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	RegexSpan spans[GROUPS_MOST];
	const Regex *regex;
	size_t n;

	if (!pattern_of(ev, x, args, &regex) || !search(ev, x, regex, json_as_str(&args[1]), 0, spans, &n))
		return false;
	*ret = json_bool(n > 0);
	return true;
}

static Json
span_value(Str s, const RegexSpan *spans, size_t n, int64_t group)
{
	if (group < 0 || (uint64_t)group >= n || spans[group].from > spans[group].to || spans[group].to > s.n)
		return json_null();
	return json_str(str_sub(s, spans[group].from, spans[group].to));
}

/* The text that matched, or a group of it; null when nothing does. */
static bool
fn_regex_find(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	RegexSpan spans[GROUPS_MOST];
	const Regex *regex;
	size_t n;

	if (x->n > 2 && !fn_want(ev, x, args, 2, JSON_INT))
		return false;
	if (!pattern_of(ev, x, args, &regex) || !search(ev, x, regex, json_as_str(&args[1]), 0, spans, &n))
		return false;
	*ret = span_value(json_as_str(&args[1]), spans, n, x->n > 2 ? args[2].i : 0);
	return true;
}

/* "$1" is a group, "$0" the whole match, "$$" a dollar. */
static bool
add_replacement(Ev *ev, const Node *x, Buf *b, Str with, Str s, const RegexSpan *spans, size_t n)
{
	for (size_t i = 0; i < with.n; i++) {
		char next = i + 1 < with.n ? with.p[i + 1] : '\0';
		Str part = str_sub(with, i, i + 1);

		if (with.p[i] == '$' && next >= '0' && next <= '9') {
			Json group = span_value(s, spans, n, next - '0');

			part = json_as_str(&group);
			i++;
		} else if (with.p[i] == '$' && next == '$') {
			i++;
		}
		if (!ev_room(ev, x->at, part.n))
			return false;
		buf_add(b, part);
	}
	return ev_spend(ev, x->at, with.n);
}

static bool
fn_regex_replace(Ev *ev, const Node *x, const Json *args, Json *ret)
{
	Str s = json_as_str(&args[1]), with = json_as_str(&args[2]);
	RegexSpan spans[GROUPS_MOST];
	size_t n = 1, from = 0, copied = 0;
	const Regex *regex;
	Buf b;

	if (!pattern_of(ev, x, args, &regex) || !fn_want(ev, x, args, 2, JSON_STRING) || !text_room(ev, x, s.n))
		return false;
	for (b = buf_open(ev->a); from <= s.n;) {
		if (!search(ev, x, regex, s, from, spans, &n))
			return false;
		if (n == 0)
			break;
		buf_add(&b, str_sub(s, copied, spans[0].from));
		if (!add_replacement(ev, x, &b, with, s, spans, n))
			return false;
		copied = spans[0].to > copied ? spans[0].to : copied;
		from = spans[0].to > spans[0].from ? spans[0].to : spans[0].to + 1;
		while (from < s.n && ((unsigned char)s.p[from] & 0xc0) == 0x80)
			from++;
	}
	buf_add(&b, str_sub(s, copied, s.n));
	*ret = json_str(buf_str(&b));
	return true;
}

const Function expr_functions_text[] = {
	{ "lower", 1, 1, fn_lower },
	{ "upper", 1, 1, fn_upper },
	{ "trim", 1, 1, fn_trim },
	{ "split", 2, 2, fn_split },
	{ "join", 2, 2, fn_join },
	{ "replace", 3, 3, fn_replace },
	{ "starts_with", 2, 2, fn_starts_with },
	{ "ends_with", 2, 2, fn_ends_with },
	{ "match", 2, 2, fn_match, .pattern = true },
	{ "regex_find", 2, 3, fn_regex_find, .pattern = true },
	{ "regex_replace", 3, 3, fn_regex_replace, .pattern = true },
	{ 0 },
};
