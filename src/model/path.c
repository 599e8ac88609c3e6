#include "model/path.h"

Path
path_parse(Arena *a, Str text)
{
	Str rest = text, part;
	Path p = { 0 };
	size_t most = 1;

	for (size_t i = 0; i < text.n; i++)
		most += text.p[i] == '.';
	p.parts = arena_array(a, Str, most);
	while (str_cut(&rest, '.', &part))
		p.parts[p.n++] = part;
	return p;
}

const Json *
path_get(const Path *p, size_t from, const Json *v)
{
	int64_t index;

	for (size_t i = from; i < p->n && v != NULL; i++) {
		if (v->kind == JSON_ARRAY)
			v = str_to_int(p->parts[i], &index) && index >= 0 ? json_at(v, (size_t)index) : NULL;
		else
			v = json_get_str(v, p->parts[i]);
	}
	return v;
}
