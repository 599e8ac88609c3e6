#include "values.h"

#include "test.h"

Json
value_of(Arena *a, const char *text)
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
