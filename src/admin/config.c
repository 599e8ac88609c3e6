#include "admin/config.h"

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
	buf_fmt(b, "%-*.*s  %-*.*s  %.*s\n", key_width, STR_ARG(key), value_width, STR_ARG(value),
	    STR_ARG(origin));
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

static void
print_json(Arena *a, Buf *b, const Config *c)
{
	Json list = json_array();

	for (size_t i = 0; i < setting_count; i++) {
		Json row = json_object();

		json_add(a, &row, "key", json_cstr(settings[i].key));
		json_add(a, &row, "value", config_public(a, c, &settings[i]));
		json_add(a, &row, "origin", json_cstr(config_origin(c, settings[i].key)));
		json_push(a, &list, row);
	}
	json_print_pretty(b, &list);
	buf_char(b, '\n');
}

static int
write_out(FILE *out, Str text)
{
	return fwrite(text.p, 1, text.n, out) == text.n && fflush(out) == 0 ? 0 : 1;
}

int
config_show(const Config *c, bool as_json, FILE *out)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf b = buf_open(a);

	if (as_json)
		print_json(a, &b, c);
	else
		print_table(a, &b, c);
	return write_out(out, buf_str(&b));
}

int
config_docs(FILE *out)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	return write_out(out, settings_markdown(a));
}
