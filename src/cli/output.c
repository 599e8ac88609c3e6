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

void
out_clean(const Cli *c, const char *fmt, ...)
{
	va_list ap;
	Str line;

	va_start(ap, fmt);
	line = str_vfmt(c->a, fmt, ap);
	va_end(ap);
	line = text_clean(c->a, line);
	out_line(c, "%.*s", STR_ARG(line));
}

void
out_note(const Cli *c, const char *fmt, ...)
{
	va_list ap;

	if (c->quiet)
		return;
	fflush(c->io->out);
	va_start(ap, fmt);
	vfprintf(c->io->err, fmt, ap);
	va_end(ap);
	fputc('\n', c->io->err);
}

void
out_warnings(const Cli *c, const Json *answer)
{
	const Json *list = json_get(answer, "warnings");

	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++)
		out_note(c, "Warning: %.*s", STR_ARG(text_clean(c->a, json_as_str(&list->items[i]))));
}

static void
print_value(const Cli *c, const Json *v)
{
	Buf b = buf_open(c->a);

	if (c->format == FORMAT_YAML)
		yaml_print(&b, v);
	else if (c->format == FORMAT_JSON)
		json_print_pretty(&b, v);
	else if (json_is(v, JSON_STRING))
		buf_add(&b, json_as_str(v));
	else if (json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT))
		json_print_pretty(&b, v);
	else
		json_print(&b, v);
	if (b.n == 0 || b.p[b.n - 1] != '\n')
		buf_char(&b, '\n');
	out_text(c, buf_str(&b));
}

static Str
keys_of(Arena *a, const Json *v)
{
	Buf b = buf_open(a);

	for (size_t i = 0; json_is(v, JSON_OBJECT) && i < v->n; i++)
		buf_fmt(&b, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(v->members[i].key));
	return buf_str(&b);
}

/* Of a list, the field of each row; a row without it is an empty line. */
static void
print_field(Cli *c, const Json *v)
{
	const Json *one = json_path(v, c->field), none = { 0 };

	if (one != NULL) {
		print_value(c, one);
	} else if (json_is(v, JSON_ARRAY)) {
		for (size_t i = 0; i < v->n; i++) {
			one = json_path(json_at(v, i), c->field);
			if (one == NULL && c->format == FORMAT_TABLE)
				fputc('\n', c->io->out);
			else
				print_value(c, one == NULL ? &none : one);
		}
	} else {
		fprintf(c->io->err, "Error: there is no field '%.*s'; there are: %.*s\n", STR_ARG(c->field),
		    STR_ARG(keys_of(c->a, v)));
		c->missing = true;
	}
}

Str
row_name(Arena *a, const Thing *thing, const Json *row)
{
	static const char *const keys[] = { "ref", "login", "id", "name" };

	if (thing != NULL && thing->name != NULL)
		return cell_text(a, json_get(row, thing->name), COLUMN_TEXT);
	for (size_t i = 0; i < countof(keys); i++)
		if (!json_is_null(json_get(row, keys[i])))
			return cell_text(a, json_get(row, keys[i]), COLUMN_TEXT);
	return (Str){ 0 };
}

static void
print_names(const Cli *c, const Json *v)
{
	if (!json_is(v, JSON_ARRAY)) {
		Str name = row_name(c->a, c->command->thing, v);

		if (name.n > 0)
			out_line(c, "%.*s", STR_ARG(name));
		return;
	}
	for (size_t i = 0; i < v->n; i++)
		print_names(c, json_at(v, i));
}

bool
out_raw(Cli *c, const Json *v)
{
	if (c->field.n > 0)
		print_field(c, v);
	else if (c->format == FORMAT_NAME || (c->quiet && c->format == FORMAT_TABLE))
		print_names(c, v);
	else if (c->format == FORMAT_JSON || c->format == FORMAT_YAML)
		print_value(c, v);
	else
		return false;
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

static Str
bytes_text(Arena *a, int64_t n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double size = (double)n;
	size_t unit = 0;

	for (; size >= 1024 && unit + 1 < countof(units); unit++)
		size /= 1024;
	return str_fmt(a, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
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
	if (kind == COLUMN_BYTES && json_is(v, JSON_INT))
		return bytes_text(a, json_as_int(v, 0));
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

static Table
table_for(const Cli *c, const Column *columns, const Column **shown)
{
	const char *titles[TABLE_COLUMNS] = { 0 };
	size_t n = 0;
	Table t;

	for (size_t i = 0; i < TABLE_COLUMNS && columns[i].title != NULL; i++)
		if (!columns[i].wide || c->format == FORMAT_WIDE)
			shown[n++] = &columns[i];
	for (size_t i = 0; i < n; i++)
		titles[i] = shown[i]->title;
	t = table_open(c->a, titles, n);
	t.colour = c->io->colour;
	for (size_t i = 0; i < n; i++) {
		t.whole[i] = shown[i]->kind != COLUMN_TEXT;
		t.status[i] = shown[i]->kind == COLUMN_STATUS;
	}
	return t;
}

static void
print_table(const Cli *c, const Table *t)
{
	Buf b = buf_open(c->a);

	table_print(t, c->format == FORMAT_WIDE && c->io->width > 0 ? TABLE_WIDEST : c->io->width, &b);
	out_text(c, buf_str(&b));
}

void
out_table(const Cli *c, const Column *columns, const Json *rows)
{
	const Column *shown[TABLE_COLUMNS];
	Str cells[TABLE_COLUMNS];
	Table t = table_for(c, columns, shown);

	for (size_t r = 0; json_at(rows, r) != NULL; r++) {
		for (size_t i = 0; i < t.columns; i++)
			cells[i] = cell_text(c->a, json_path(json_at(rows, r), str_of(shown[i]->path)), shown[i]->kind);
		table_add(&t, cells);
	}
	print_table(c, &t);
}

void
out_list(const Cli *c, const Thing *thing, const Json *rows)
{
	if (!json_is(rows, JSON_ARRAY) || rows->n == 0)
		out_line(c, "Nothing found.");
	else if (thing != NULL)
		out_table(c, thing->columns, rows);
	else
		print_value(c, rows);
}

void
out_fields(const Cli *c, const Json *object)
{
	static const Column columns[] = { { "FIELD", "", COLUMN_FIXED }, { "VALUE", "", COLUMN_TEXT }, { 0 } };
	const Column *shown[TABLE_COLUMNS];
	Table t = table_for(c, columns, shown);

	for (size_t i = 0; json_is(object, JSON_OBJECT) && i < object->n; i++) {
		const JsonMember *m = &object->members[i];
		Str cells[] = { m->key, cell_text(c->a, &m->value, COLUMN_TEXT) };

		table_add(&t, cells);
	}
	print_table(c, &t);
}
