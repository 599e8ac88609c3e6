/*
 * Says when timers tick, for an oracle: each line of stdin is {"trigger": ref, "params": {...}, "anchor": seconds, "most": n}; each line of
 * stdout {"at": [seconds, ...], "n": number of the last one} or {"error": text}.
 */
#include "model/schedule.h"

#include <stdio.h>
#include <stdlib.h>

enum { PER_S = 1000000 };

static bool
answer(Arena *a, Zones *zones, Str line, Json *out, Err *err)
{
	Json ask, at = json_array();
	TimeUs anchor;
	Schedule s;
	Due d = { 0 }, again;
	int64_t most;
	bool more;

	if (!json_parse(a, line, NULL, &ask, err))
		return false;
	anchor = json_as_int(json_get(&ask, "anchor"), 0) * PER_S;
	most = json_as_int(json_get(&ask, "most"), 10);
	if (!schedule_compile(a, zones, json_get_text(&ask, "trigger"), json_get(&ask, "params"), anchor, &s, err))
		return false;
	more = schedule_next(&s, anchor, &d);
	for (int64_t i = 0; more && i < most; i++) {
		/* asked for from anywhere, a tick is the same */
		if (!schedule_next(&s, d.at - 1, &again) || again.at != d.at || again.n != d.n)
			return err_set(err, ERR_INTERNAL, "tick %lld is number %lld when it is asked for alone",
			    (long long)d.n, (long long)again.n);
		if (!schedule_last(&s, anchor, d.at, &again) || again.at != d.at || again.n != d.n)
			return err_set(
			    err, ERR_INTERNAL, "tick %lld is not the last one until its time", (long long)d.n);
		json_push(a, &at, json_int(d.at / PER_S));
		more = schedule_on(&s, &d);
	}
	json_add(a, out, "at", at);
	return true;
}

int
main(void)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(arena_done) Arena *kept = arena_open();
	Zones zones = zones_open(kept);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		Json out = json_object();
		Err err = { 0 };

		if (!answer(a, &zones, (Str){ line, (size_t)n }, &out, &err))
			json_add(a, &out, "error", json_cstr(err.text));
		puts(json_text(a, &out).p);
		fflush(stdout);
		arena_reset(a);
	}
	free(line);
	return 0;
}
