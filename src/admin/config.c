/* What is in force and where each value came from, and the table of all settings. Secrets and passwords are stars in both. */
#include "admin/commands.h"

enum { VALUE_WIDTH_MAX = 60 };

static Str
value_text(Arena *a, const Config *c, const Setting *s)
{
	Json v = config_public(a, c, s);

	if (v.kind == JSON_NULL)
		return str_of("-");
	return v.kind == JSON_STRING ? json_as_str(&v) : json_text(a, &v);
}

static int
width_of(Str s, int so_far)
{
	int n = s.n > VALUE_WIDTH_MAX ? VALUE_WIDTH_MAX : (int)s.n;

	return n > so_far ? n : so_far;
}

static void
print_row(Buf *b, int key_width, int value_width, Str key, Str value, Str origin)
{
	buf_fmt(b, "%-*.*s  %-*.*s  %.*s\n", key_width, STR_ARG(key), value_width, STR_ARG(value), STR_ARG(origin));
}

static void
print_table(Arena *a, Buf *b, const Config *c)
{
	int key_width = 0, value_width = 0;

	for (size_t i = 0; i < setting_count; i++) {
		key_width = width_of(str_of(settings[i].key), key_width);
		value_width = width_of(value_text(a, c, &settings[i]), value_width);
	}
	print_row(b, key_width, value_width, str_of("KEY"), str_of("VALUE"), str_of("ORIGIN"));
	for (size_t i = 0; i < setting_count; i++)
		print_row(b, key_width, value_width, str_of(settings[i].key), value_text(a, c, &settings[i]),
		    str_of(config_origin(c, settings[i].key)));
}

static Json
settings_json(Arena *a, const Config *c)
{
	Json list = json_array();

	for (size_t i = 0; i < setting_count; i++) {
		Json row = json_object();

		json_add(a, &row, "key", json_cstr(settings[i].key));
		json_add(a, &row, "value", config_public(a, c, &settings[i]));
		json_add(a, &row, "origin", json_cstr(config_origin(c, settings[i].key)));
		json_push(a, &list, row);
	}
	return list;
}

static void
print_warnings(Buf *b, const Config *c)
{
	const char *const *warnings;
	size_t n = config_warnings(c, &warnings);

	for (size_t i = 0; i < n; i++)
		buf_fmt(b, "%snote: %s\n", i == 0 ? "\n" : "", warnings[i]);
}

bool
config_show_run(Tool *t, Err *err)
{
	Json all;

	if (!tool_config(t, NEEDS_NOTHING, err))
		return false;
	all = settings_json(t->arena, t->config);
	if (tool_raw(t, &all))
		return true;
	print_table(t->arena, &t->out, t->config);
	print_warnings(&t->out, t->config);
	return true;
}

bool
config_docs_run(Tool *t, Err *err)
{
	(void)err;
	buf_add(&t->out, settings_markdown(t->arena));
	return true;
}
