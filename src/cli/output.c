#include "cli/output.h"

#include "base/yaml.h"

void
out_text(const Cli *c, Str text)
{
	if (text.n > 0)
		fwrite(text.p, 1, text.n, c->io->out);
}

void
out_line(const Cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(c->io->out, fmt, ap);
	va_end(ap);
	fputc('\n', c->io->out);
}

bool
out_raw(const Cli *c, const Json *v)
{
	Buf b = buf_open(c->a);

	if (c->format == FORMAT_TABLE)
		return false;
	if (c->format == FORMAT_JSON)
		json_print_pretty(&b, v);
	else
		yaml_print(&b, v);
	if (b.n == 0 || b.p[b.n - 1] != '\n')
		buf_char(&b, '\n');
	out_text(c, buf_str(&b));
	return true;
}

/* "2026-11-21T01:33:24.5Z" as "2026-11-21 01:33:24" */
static Str
time_short(Arena *a, Str text)
{
	TimeUs unused;

	if (text.n < 19 || !time_parse(text, &unused))
		return text;
	return str_fmt(a, "%.*s %.*s", 10, text.p, 8, text.p + 11);
}

static Str
age_text(Arena *a, Str text)
{
	TimeUs then;

	if (!time_parse(text, &then))
		return text;
	return duration_text(a, clock_wall(clock_real()) - then);
}

Str
cell_text(Arena *a, const Json *v, ColumnKind kind)
{
	if (json_is_null(v))
		return str_of("");
	if (kind == COLUMN_TIME)
		return time_short(a, json_as_str(v));
	if (kind == COLUMN_AGE)
		return age_text(a, json_as_str(v));
	if (kind == COLUMN_MICROS)
		return duration_text(a, json_as_int(v, 0));
	if (v->kind == JSON_STRING)
		return json_as_str(v);
	if (v->kind == JSON_BOOL)
		return str_of(v->b ? "yes" : "no");
	if (v->kind == JSON_ARRAY) {
		Buf b = buf_open(a);

		for (size_t i = 0; i < v->n; i++) {
			if (i > 0)
				buf_text(&b, ", ");
			buf_add(&b, cell_text(a, json_at(v, i), COLUMN_TEXT));
		}
		return buf_str(&b);
	}
	return json_text(a, v);
}

void
out_table(const Cli *c, const Column *columns, const Json *rows)
{
	const char *titles[TABLE_COLUMNS];
	Str cells[TABLE_COLUMNS];
	Buf b = buf_open(c->a);
	size_t n = 0;
	Table t;

	for (; n < TABLE_COLUMNS && columns[n].title != NULL; n++)
		titles[n] = columns[n].title;
	t = table_open(c->a, titles, n);
	for (size_t r = 0; json_at(rows, r) != NULL; r++) {
		for (size_t i = 0; i < n; i++)
			cells[i] =
			    cell_text(c->a, json_path(json_at(rows, r), str_of(columns[i].path)), columns[i].kind);
		table_add(&t, cells);
	}
	table_print(&t, c->io->width, &b);
	out_text(c, buf_str(&b));
}

void
out_fields(const Cli *c, const Json *object)
{
	static const char *const titles[] = { "FIELD", "VALUE" };
	Table t = table_open(c->a, titles, countof(titles));
	Buf b = buf_open(c->a);

	for (size_t i = 0; json_is(object, JSON_OBJECT) && i < object->n; i++) {
		const JsonMember *m = &object->members[i];
		Str cells[] = { m->key, cell_text(c->a, &m->value, COLUMN_TEXT) };

		table_add(&t, cells);
	}
	table_print(&t, c->io->width, &b);
	out_text(c, buf_str(&b));
}
