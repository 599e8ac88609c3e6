#include "base/config.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/names.h"
#include "base/yaml.h"

#include <math.h>

/* What a setting wants, for people: "a whole number from 1 to 65535". */
static Str
wanted(Arena *a, const Setting *s)
{
	static const char *const words[SETTING_KINDS] = {
		[SETTING_STRING] = "text (in quotes if it looks like a number)",
		[SETTING_INT] = "a whole number",
		[SETTING_BOOL] = "true or false",
		[SETTING_SECONDS] = "a number of seconds, or a duration like 5s, 10m, 1h",
		[SETTING_LIST] = "a list of texts",
		[SETTING_MAP] = "a mapping of names to texts",
		[SETTING_ENUM] = "one of",
		[SETTING_OBJECT] = "a mapping",
		[SETTING_ARRAY] = "a list of mappings",
	};
	Buf b = buf_open(a);

	if (s->wants != NULL)
		buf_text(&b, s->wants);
	else
		buf_text(&b, words[s->kind]);
	for (const char *const *name = s->names; name != NULL && *name != NULL; name++)
		buf_fmt(&b, "%s %s", name == s->names ? "" : ",", *name);
	if (s->kind == SETTING_STRING && (s->min != 0 || s->max != 0) && s->max == 0)
		buf_fmt(&b, " of %lld characters or more", (long long)s->min);
	else if (s->kind == SETTING_STRING && s->max != 0)
		buf_fmt(&b, " of %lld to %lld characters", (long long)s->min, (long long)s->max);
	else if (s->min != 0 || s->max != 0)
		buf_fmt(&b, ", from %lld to %lld", (long long)s->min, (long long)s->max);
	return buf_str(&b);
}

static bool
in_bounds(const Setting *s, double v)
{
	return (s->min == 0 && s->max == 0) || (v >= (double)s->min && v <= (double)s->max);
}

static bool
string_value(Arena *a, const Setting *s, const Json *v, Json *ret)
{
	(void)a;
	if (v->kind != JSON_STRING || memchr(v->s, '\0', v->n) != NULL)
		return false;
	if (s->check != NULL && !s->check(json_as_str(v)))
		return false;
	*ret = *v;
	return in_bounds(s, v->n);
}

static bool
int_value(Arena *a, const Setting *s, const Json *v, Json *ret)
{
	int64_t i;

	(void)a;
	if (v->kind == JSON_STRING) {
		if (!str_to_int(str_trim(json_as_str(v)), &i))
			return false;
	} else if (v->kind == JSON_INT) {
		i = v->i;
	} else {
		return false;
	}
	*ret = json_int(i);
	return (s->min == 0 && s->max == 0) || (i >= s->min && i <= s->max);
}

static bool
bool_value(Arena *a, const Setting *s, const Json *v, Json *ret)
{
	static const char *const words[] = { "false", "true", "0", "1", "no", "yes", "off", "on" };
	int at;

	(void)s;
	if (v->kind == JSON_BOOL) {
		*ret = *v;
		return true;
	}
	if (v->kind != JSON_STRING)
		return false;
	at = name_index(words, countof(words), str_lower(a, str_trim(json_as_str(v))));
	*ret = json_bool(at >= 0 && at % 2 == 1);
	return at >= 0;
}

static bool
seconds_value(Arena *a, const Setting *s, const Json *v, Json *ret)
{
	TimeUs us;
	double d;

	(void)a;
	if (json_is_number(v) && v->kind != JSON_BIG)
		d = json_as_real(v, -1);
	else if (v->kind == JSON_STRING && duration_parse(str_trim(json_as_str(v)), &us))
		d = (double)us / US_PER_S;
	else
		return false;
	/* in_bounds alone would pass NaN and what does not fit into microseconds */
	if (!(d >= 0 && d <= 1e12) || !in_bounds(s, d))
		return false;
	*ret = d == floor(d) ? json_int((int64_t)d) : json_real(d);
	return true;
}

static bool
list_value(Arena *a, const Setting *s, const Json *v, Json *ret)
{
	Json list = json_array();
	Str rest, item;

	(void)s;
	if (v->kind == JSON_STRING) {
		rest = json_as_str(v);
		while (str_cut(&rest, ',', &item))
			if (str_trim(item).n > 0)
				json_push(a, &list, json_str(str_trim(item)));
		*ret = list;
		return true;
	}
	if (v->kind != JSON_ARRAY)
		return false;
	for (uint32_t i = 0; i < v->n; i++)
		if (v->items[i].kind != JSON_STRING)
			return false;
	*ret = *v;
	return true;
}

/* Labels are texts on both sides: 8 and true become "8" and "true". */
static bool
map_of_object(Arena *a, const Json *v, Json *ret)
{
	Json map = json_object();

	for (uint32_t i = 0; i < v->n; i++) {
		const Json *m = &v->members[i].value;

		if (m->kind == JSON_ARRAY || m->kind == JSON_OBJECT || m->kind == JSON_NULL)
			return false;
		json_set_str(a, &map, v->members[i].key, m->kind == JSON_STRING ? *m : json_str(json_text(a, m)));
	}
	*ret = map;
	return true;
}

static bool
map_value(Arena *a, const Setting *s, const Json *v, Json *ret)
{
	Json map = json_object();
	Str rest, item, key;

	(void)s;
	if (v->kind == JSON_OBJECT)
		return map_of_object(a, v, ret);
	if (v->kind != JSON_STRING)
		return false;
	if (str_starts(str_trim(json_as_str(v)), str_of("{"))) {
		Json parsed;

		return yaml_parse(a, "value", json_as_str(v), NULL, &parsed, NULL) && parsed.kind == JSON_OBJECT &&
		       map_of_object(a, &parsed, ret);
	}
	rest = json_as_str(v);
	while (str_cut(&rest, ',', &item)) {
		size_t at;

		if (str_trim(item).n == 0)
			continue;
		if (!str_find(item, str_of("="), &at))
			return false;
		key = str_trim(str_sub(item, 0, at));
		json_set_str(a, &map, key, json_str(str_trim(str_sub(item, at + 1, item.n))));
	}
	*ret = map;
	return true;
}

static bool
enum_value(Arena *a, const Setting *s, const Json *v, Json *ret)
{
	Str text = str_lower(a, str_trim(json_as_str(v)));

	for (const char *const *name = s->names; *name != NULL; name++) {
		if (str_is(text, *name)) {
			*ret = json_cstr(*name);
			return true;
		}
	}
	return false;
}

/* Mappings and lists of anything: as they are, or written as YAML or JSON in one text. */
static bool
nested_value(Arena *a, const Setting *s, const Json *v, Json *ret)
{
	JsonKind want = s->kind == SETTING_OBJECT ? JSON_OBJECT : JSON_ARRAY;
	Json parsed = *v;

	if (v->kind == JSON_STRING && !yaml_parse(a, "value", json_as_str(v), NULL, &parsed, NULL))
		return false;
	if (parsed.kind != want)
		return false;
	for (uint32_t i = 0; want == JSON_ARRAY && i < parsed.n; i++)
		if (parsed.items[i].kind != JSON_OBJECT)
			return false;
	*ret = parsed;
	return true;
}

static bool (*const readers[SETTING_KINDS])(Arena *a, const Setting *s, const Json *v, Json *ret) = {
	[SETTING_STRING] = string_value,
	[SETTING_INT] = int_value,
	[SETTING_BOOL] = bool_value,
	[SETTING_SECONDS] = seconds_value,
	[SETTING_LIST] = list_value,
	[SETTING_MAP] = map_value,
	[SETTING_ENUM] = enum_value,
	[SETTING_OBJECT] = nested_value,
	[SETTING_ARRAY] = nested_value,
};

/* What was given, as far as a message may repeat it. */
static Str
refused_text(Arena *a, const Setting *s, const Json *given)
{
	bool nested = s->kind == SETTING_MAP || s->kind == SETTING_OBJECT || s->kind == SETTING_ARRAY;
	Json shown = *given;

	if (s->flags & SETTING_SECRET)
		return str_of("what was given");
	if (nested || given->kind == JSON_ARRAY || given->kind == JSON_OBJECT)
		return str_fmt(a, "this %s", json_kind_name(given->kind)); /* there may be secrets in it */
	if (s->flags & SETTING_URL && given->kind == JSON_STRING)
		shown = json_str(url_starred(a, json_as_str(given)));
	return utf8_clip(json_text(a, &shown), 120);
}

bool
setting_value(Arena *a, const Setting *s, const Json *given, Json *ret, Err *err)
{
	bool may_be_null = s->def == NULL || (s->flags & SETTING_NULL);
	bool nested =
	    s->kind == SETTING_LIST || s->kind == SETTING_MAP || s->kind == SETTING_OBJECT || s->kind == SETTING_ARRAY;
	Str word = str_trim(json_as_str(given));
	bool none = given->kind == JSON_NULL || (given->kind == JSON_STRING && (word.n == 0 || str_is(word, "null")));
	Json value, empty;

	/* `key:` and an empty variable mean "none" */
	if (may_be_null && none) {
		*ret = json_null();
		return true;
	}
	/* `labels:` whose entries are all commented out */
	if (nested && none) {
		empty = json_cstr(s->def);
		given = &empty;
	}
	if (!readers[s->kind](a, s, given, &value))
		return err_set(err, ERR_INVALID, "'%s' must be %.*s, not %.*s", s->key, STR_ARG(wanted(a, s)),
		    STR_ARG(refused_text(a, s, given)));
	*ret = value;
	return true;
}

/* "password=..." of libpq's other form and of query strings. */
static Str
password_word_starred(Arena *a, Str text)
{
	static const char word[] = "password=";
	size_t at, end;
	Buf b = buf_open(a);

	while (str_find(text, str_of(word), &at)) {
		at += strlen(word);
		buf_add(&b, str_sub(text, 0, at));
		buf_text(&b, "***");
		end = at;
		if (end < text.n && text.p[end] == '\'') {
			for (end++; end < text.n && text.p[end] != '\''; end++)
				if (text.p[end] == '\\')
					end++;
			end++;
		} else {
			while (end < text.n && strchr("& \t\n", text.p[end]) == NULL)
				end++;
		}
		text = str_sub(text, end, text.n);
	}
	buf_add(&b, text);
	return buf_str(&b);
}

Str
url_starred(Arena *a, Str url)
{
	size_t scheme, colon, at = url.n;
	Str rest;

	url = password_word_starred(a, url);
	if (!str_find(url, str_of("://"), &scheme))
		return url;
	rest = str_sub(url, scheme + 3, url.n);
	/* the last '@', so that a password with a raw '@' or '/' in it is covered whole */
	for (at = rest.n; at > 0 && rest.p[at - 1] != '@'; at--)
		;
	if (at == 0 || !str_find(rest, str_of(":"), &colon) || colon >= at)
		return url;
	return str_fmt(a, "%.*s%.*s:***@%.*s", STR_ARG(str_sub(url, 0, scheme + 3)), STR_ARG(str_sub(rest, 0, colon)),
	    STR_ARG(str_sub(rest, at, rest.n)));
}

static bool
names_a_secret(Arena *a, Str key)
{
	static const char *const words[] = { "secret", "password", "token", "headers", "api_key", "credential" };
	size_t at;

	for (size_t i = 0; i < countof(words); i++)
		if (str_find(str_lower(a, key), str_of(words[i]), &at))
			return true;
	return false;
}

static Json
starred(Arena *a, const Json *v)
{
	Json copy = json_clone(a, v);

	for (uint32_t i = 0; copy.kind == JSON_OBJECT && i < copy.n; i++) {
		bool secret = names_a_secret(a, copy.members[i].key) && copy.members[i].value.kind != JSON_NULL;

		copy.members[i].value = secret ? json_cstr("***") : starred(a, &copy.members[i].value);
	}
	for (uint32_t i = 0; copy.kind == JSON_ARRAY && i < copy.n; i++)
		copy.items[i] = starred(a, &copy.items[i]);
	if (copy.kind == JSON_STRING)
		return json_str(url_starred(a, json_as_str(&copy)));
	return copy;
}

Json
config_public(Arena *a, const Config *c, const Setting *s)
{
	const Json *v = config_json(c, s->key);

	if (s->flags & SETTING_SECRET && !json_is_null(v))
		return json_cstr("***");
	if (s->flags & SETTING_URL || s->kind == SETTING_OBJECT || s->kind == SETTING_ARRAY)
		return starred(a, v);
	return *v;
}
