#include "runtime/output.h"

#include "base/names.h"
#include "base/yaml.h"

static bool
last_line(Str text, Str *ret)
{
	size_t at;

	text = str_trim(text);
	for (at = text.n; at > 0 && text.p[at - 1] != '\n'; at--)
		;
	*ret = str_trim(str_sub(text, at, text.n));
	return ret->n > 0;
}

static bool
read_json(Arena *a, Str text, Json *ret, bool *ret_whole)
{
	Str line;

	*ret_whole = json_parse(a, text, NULL, ret, NULL);
	return *ret_whole || (last_line(text, &line) && json_parse(a, line, NULL, ret, NULL));
}

static bool
read_jsonl(Arena *a, Str text, Json *ret, bool *ret_whole)
{
	Json list = json_array(), one;
	Str line;

	*ret_whole = true;
	while (str_cut(&text, '\n', &line)) {
		line = str_trim(line);
		if (line.n == 0)
			continue;
		if (json_parse(a, line, NULL, &one, NULL))
			json_push(a, &list, one);
		else
			*ret_whole = false;
	}
	*ret = list;
	return list.n > 0;
}

static bool
read_yaml(Arena *a, Str text, Json *ret, bool *ret_whole)
{
	*ret_whole = true;
	return yaml_parse(a, "output", text, NULL, ret, NULL);
}

static const char *const format_names[] = { "json", "jsonl", "yaml" };
static bool (*const formats[])(Arena *a, Str text, Json *ret, bool *ret_whole) = { read_json, read_jsonl, read_yaml };

bool
output_parse(Arena *a, Str format, Str text, Json *ret, bool *ret_whole)
{
	int which = name_index(format_names, countof(format_names), format);

	return which >= 0 && str_trim(text).n > 0 && formats[which](a, text, ret, ret_whole);
}
