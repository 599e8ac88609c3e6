#include "admin/doctor.h"

#include "admin/commands.h"

static const char *const words[HEALTHS] = { [HEALTH_OK] = "ok", [HEALTH_WARN] = "warn", [HEALTH_BAD] = "bad" };

void
finds(Doctor *d, Health health, const char *what, const char *cure, const char *fmt, ...)
{
	Finding *f = &d->findings[d->n];
	va_list ap;

	if (d->n == FINDINGS_MAX)
		return;
	va_start(ap, fmt);
	*f = (Finding){ health, str_copy(d->t->arena, str_of(what)), str_vfmt(d->t->arena, fmt, ap), { 0 } };
	va_end(ap);
	if (cure != NULL && health != HEALTH_OK)
		f->cure = str_copy(d->t->arena, str_of(cure));
	d->n++;
}

static void
print(const Doctor *d, Buf *b)
{
	for (size_t i = 0; i < d->n; i++) {
		const Finding *f = &d->findings[i];

		buf_fmt(b, "%-5s %.*s: %.*s\n", words[f->health], STR_ARG(f->what), STR_ARG(f->says));
		if (f->cure.n > 0)
			buf_fmt(b, "      %.*s\n", STR_ARG(f->cure));
	}
}

static Json
findings_json(const Doctor *d)
{
	Arena *a = d->t->arena;
	Json all = json_array();

	for (size_t i = 0; i < d->n; i++) {
		const Finding *f = &d->findings[i];
		Json one = json_object();

		json_add(a, &one, "state", json_cstr(words[f->health]));
		json_add(a, &one, "what", json_str(f->what));
		json_add(a, &one, "says", json_str(f->says));
		json_add(a, &one, "cure", json_str(f->cure));
		json_push(a, &all, one);
	}
	return all;
}

static void
configuration(Doctor *d)
{
	const char *const *warnings;
	size_t n = config_warnings(d->t->config, &warnings);

	finds(d, HEALTH_OK, "program", NULL, "attune " ATTUNE_VERSION);
	for (size_t i = 0; i < n; i++)
		finds(d, HEALTH_WARN, "configuration", "See docs/configuration.md.", "%s", warnings[i]);
	if (n == 0)
		finds(d, HEALTH_OK, "configuration", NULL, "%s",
		    d->t->config_file != NULL ? d->t->config_file : "defaults, environment and data directory");
}

bool
doctor_run(Tool *t, Err *err)
{
	Doctor *d = arena_new(t->arena, Doctor);
	size_t counts[HEALTHS] = { 0 };
	Err why = { 0 };
	Json all;

	d->t = t;
	if (tool_config(t, NEEDS_NOTHING, &why)) {
		configuration(d);
		doctor_data(d);
		doctor_files(d);
		doctor_libraries(d);
		doctor_machine(d);
		doctor_services(d);
	} else {
		finds(d, HEALTH_BAD, "configuration", "Correct it: docs/configuration.md has every setting.", "%s",
		    why.text);
		doctor_data(d);
	}
	doctor_server(d);
	for (size_t i = 0; i < d->n; i++)
		counts[d->findings[i].health]++;
	all = findings_json(d);
	if (!tool_raw(t, &all))
		print(d, &t->out);
	if (counts[HEALTH_BAD] == 0)
		return true;
	return err_set(err, ERR_INVALID, "%zu of %zu checks are bad, %zu are warnings", counts[HEALTH_BAD], d->n,
	    counts[HEALTH_WARN]);
}
