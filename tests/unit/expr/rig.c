#include "rig.h"

#include "test.h"

Json
rig_value(Arena *a, const char *text)
{
	Str s = str_copy(a, str_of(text));
	char *p = (char *)s.p;
	Json v;
	Err err = { 0 };

	for (size_t i = 0; i < s.n; i++)
		p[i] = p[i] == '\'' ? '"' : p[i];
	CHECK_OK(json_parse(a, s, NULL, &v, &err), err);
	return v;
}

size_t
rig_lookup(const void *self, Arena *a, const Str *parts, size_t n, Json *ret)
{
	const Json *found = json_get_str(self, parts[0]);

	(void)a;
	(void)n;
	if (found == NULL)
		return 0;
	*ret = *found;
	return 1;
}

/* Answers for the second part as well when it is "parts". */
size_t
rig_lookup_two(const void *self, Arena *a, const Str *parts, size_t n, Json *ret)
{
	if (rig_lookup(self, a, parts, n, ret) == 0)
		return 0;
	if (n < 2 || !str_is(parts[1], "parts"))
		return 1;
	*ret = *json_get_str(ret, parts[1]);
	return 2;
}

Str
rig_answer(Arena *a, Str text, const ExprEnv *env)
{
	const Expr *x;
	Json v;
	Err err = { 0 };

	if (!expr_compile(a, text, &x, &err) || !expr_eval(x, env, a, &v, &err))
		return str_fmt(a, "! %s", err.text);
	return json_text(a, &v);
}
