/*
 * Whatever the parameters of a timer are: reading them ends, and what can be read ticks ever later, with numbers that rise, and the
 * same tick is found from wherever it is looked for. The first byte says which timer.
 */
#include "model/schedule.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const triggers[] = { "core.crontimer", "core.rruletimer", "core.datetimetimer",
		"core.intervaltimer" };
	CLEANUP(arena_done) Arena *a = arena_open();
	Zones zones = zones_open(a);
	Json params = json_object();
	Schedule s;
	Err err = { 0 };
	Due d, again;
	Str text;

	if (size < 2)
		return 0;
	text = (Str){ (const char *)data + 1, size - 1 };
	if ((data[0] & 7) == 4) { /* text alone, so that the parsers of expressions see every byte */
		json_add(a, &params, "expression", json_str(text));
		json_add(a, &params, "timezone", json_cstr("Europe/Berlin"));
	} else if ((data[0] & 7) == 5) {
		json_add(a, &params, "rule", json_str(text));
		json_add(a, &params, "dtstart", json_cstr("2026-03-29T02:30:00"));
		json_add(a, &params, "timezone", json_cstr("America/New_York"));
	} else if (!json_parse(a, text, NULL, &params, NULL) || params.kind != JSON_OBJECT) {
		return 0;
	}
	if (!schedule_compile(a, &zones, str_of(triggers[data[0] & 3]), &params, 1700000000000000, &s, &err)) {
		must(err.text[0] != '\0');
		return 0;
	}
	if (!schedule_next(&s, s.anchor, &d))
		return 0;
	for (int i = 0; i < 20; i++) {
		Due next = d;

		must(d.at > s.anchor && d.n >= 1);
		must(schedule_next(&s, d.at - 1, &again) && again.at == d.at && again.n == d.n);
		if (!schedule_on(&s, &next))
			break;
		must(next.at > d.at && next.n == d.n + 1);
		d = next;
	}
	return 0;
}
