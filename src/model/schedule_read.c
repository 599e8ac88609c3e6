/*
 * From the parameters of a timer to its schedule.
 */
#include "base/civil.h"
#include "base/names.h"
#include "model/duration.h"
#include "model/schedule.h"

enum { PER_S = 1000000 };

static const char *const kinds[] = {
	[SCHEDULE_INTERVAL] = "core.intervaltimer",
	[SCHEDULE_CRON] = "core.crontimer",
	[SCHEDULE_ONCE] = "core.datetimetimer",
	[SCHEDULE_RRULE] = "core.rruletimer",
};
static const char *const missed_words[] = { "skip", "one", "all" };
static const char *const overlap_words[] = { "allow", "skip", "cancel" };

bool
schedule_for(Str trigger_ref)
{
	return str_starts(trigger_ref, str_of("core.")) && name_index(kinds, countof(kinds), trigger_ref) >= 0;
}

bool
overlap_of(const Json *params, Overlap *ret)
{
	const Json *v = json_get(params, "overlap");
	int i = json_is_null(v) ? 0 : name_index(overlap_words, countof(overlap_words), json_as_str(v));

	*ret = i < 0 ? OVERLAP_ALLOW : (Overlap)i;
	return i >= 0;
}

/* ---- moments ---- */

/* 20261231T235959Z and 20261231 become what time_parse reads. */
static Str
spread(Arena *a, Str s)
{
	size_t digits = 0;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (digits == 8)
		s = str_fmt(a, "%.4s-%.2s-%.2s%.*s", s.p, s.p + 4, s.p + 6, (int)(s.n - 8), s.p + 8);
	if (s.n >= 17 && s.p[10] == 'T' && s.p[13] >= '0' && s.p[13] <= '9')
		s = str_fmt(a, "%.13s:%.2s:%.*s", s.p, s.p + 13, (int)(s.n - 15), s.p + 15);
	return s;
}

/* Without an offset it is wall time of the zone. A day alone is its first second, or with `whole_day` its last. */
static bool
moment_of(Arena *a, const Zone *z, Str text, bool whole_day, TimeUs *ret)
{
	Str s = spread(a, str_trim(text));
	bool local;
	TimeUs t;

	if (s.n == 10)
		s = str_fmt(a, "%.*s%s", STR_ARG(s), whole_day ? "T23:59:59" : "T00:00:00");
	if (s.n < 19 || s.n > 64 || !time_parse(s, &t))
		return false;
	local = (s.p[s.n - 1] | 32) != 'z' && !str_find(str_sub(s, 19, s.n), str_of("+"), NULL) &&
		!str_find(str_sub(s, 19, s.n), str_of("-"), NULL);
	if (local)
		t = zone_instant(z, floor_div(t, PER_S)) * PER_S + (t - floor_div(t, PER_S) * PER_S);
	*ret = t;
	return t > 0 && t / PER_S < 7258118400;
}

static bool
moment_field(Arena *a, const Zone *z, const Json *params, const char *field, bool whole_day, TimeUs *ret, Err *err)
{
	const Json *v = json_get(params, field);

	if (json_is_null(v))
		return true;
	if (moment_of(a, z, json_as_str(v), whole_day, ret))
		return true;
	return err_set(err, ERR_VALIDATION,
	    "%s cannot be '%.*s': give a time between 1970 and 2200 like 2026-12-31T18:00:00 (in the timer's time "
	    "zone) or "
	    "2026-12-31T18:00:00Z",
	    field, STR_ARG(json_as_str(v)));
}

/* ---- what all timers take ---- */

static bool
read_common(Arena *a, Zones *zones, const Json *params, Schedule *s, Err *err)
{
	const Json *zone = json_get(params, "timezone"), *jitter = json_get(params, "jitter");
	const Json *missed = json_get(params, "missed");
	const Json *count = json_get(params, "count");
	int word =
	    json_is_null(missed) ? MISSED_SKIP : name_index(missed_words, countof(missed_words), json_as_str(missed));
	Overlap overlap;

	if (!json_is_null(zone) && zone->kind != JSON_STRING)
		return err_set(err, ERR_VALIDATION, "timezone must be a name like 'Europe/Berlin'");
	if (!zone_get(zones, json_as_str(zone), &s->zone, err))
		return err_wrap(err, "timezone");
	if (!json_is_null(jitter) && (!duration_of(jitter, &s->jitter) || s->jitter > 86400LL * PER_S))
		return err_set(err, ERR_VALIDATION, "jitter must be a duration up to a day, like 5s or 2m");
	if (word < 0)
		return err_set(err, ERR_VALIDATION, "missed must be skip, one or all");
	if (!overlap_of(params, &overlap))
		return err_set(err, ERR_VALIDATION, "overlap must be allow, skip or cancel");
	s->missed = (Missed)word;
	if (!moment_field(a, s->zone, params, "start_at", false, &s->start, err) ||
	    !moment_field(a, s->zone, params, "end_at", true, &s->end, err))
		return false;
	if (s->start != 0 && s->end != 0 && s->end < s->start)
		return err_set(err, ERR_VALIDATION, "end_at lies before start_at: no tick would be left");
	if (s->kind == SCHEDULE_RRULE)
		return true; /* its count is a part of the recurrence */
	s->count = json_as_int(count, json_is_null(count) ? 0 : -1);
	return (json_is_null(count) || s->count > 0) ||
	       err_set(err, ERR_VALIDATION, "count must be a whole number above 0");
}

/* ---- each kind ---- */

static bool
read_interval(const Json *params, Schedule *s, Err *err)
{
	static const char *const units[] = { "seconds", "minutes", "hours", "days" };
	static const int64_t seconds[] = { 1, 60, 3600, 86400 };
	enum { MOST = 100 * 366 }; /* days */
	const Json *unit = json_get(params, "unit");
	const Json *interval = json_get(params, "interval");
	int which = json_is_null(unit) ? 0 : name_index(units, countof(units), json_as_str(unit));
	int64_t n = json_is_null(interval) ? 60 : json_as_int(interval, 0);

	if (which < 0)
		return err_set(err, ERR_VALIDATION, "unit must be seconds, minutes, hours or days");
	if (n <= 0 || n > (int64_t)MOST * 86400 / seconds[which])
		return err_set(
		    err, ERR_VALIDATION, "interval must be a whole number above 0 (and less than a hundred years)");
	s->every = n * seconds[which] * PER_S;
	s->base = s->start != 0 ? s->start : s->anchor + s->every;
	return true;
}

static bool
read_cron(Arena *a, const Json *params, Schedule *s, Err *err)
{
	Cron *c = arena_new(a, Cron);

	s->cron = c;
	s->text = json_get_text(params, "expression");
	return cron_parse(s->text, c, err);
}

static bool
read_once(Arena *a, const Json *params, Schedule *s, Err *err)
{
	s->text = json_get_text(params, "fire_at");
	if (s->text.n == 0)
		return err_set(err, ERR_VALIDATION, "fire_at is missing: give a time like 2026-12-31T18:00:00Z");
	return moment_field(a, s->zone, params, "fire_at", false, &s->base, err);
}

/* COUNT and UNTIL become the end: the last moment that counts. */
static bool
rrule_end(Arena *a, Schedule *s, Err *err)
{
	const Rrule *r = s->rrule;
	TimeUs until = 0;
	Schedule whole = *s;
	TimeUs last;

	if (!str_none(r->until)) {
		if (!moment_of(a, s->zone, r->until, true, &until))
			return err_set(err, ERR_VALIDATION, "until cannot be '%.*s': give a time like 20261231T235959Z",
			    STR_ARG(r->until));
		s->end = s->end == 0 || until < s->end ? until : s->end;
	}
	whole.anchor = (r->start - r->offset) * PER_S - 1;
	whole.start = whole.end = 0;
	if (!schedule_nth(&whole, 1, &last))
		return err_set(
		    err, ERR_VALIDATION, "no date meets all parts of the recurrence: change one of the by_… parts");
	if (r->count > 0 && schedule_nth(&whole, r->count, &last) && (s->end == 0 || last < s->end))
		s->end = last;
	return true;
}

static bool
read_rrule(Arena *a, const Json *params, Schedule *s, Err *err)
{
	Rrule *r = arena_new(a, Rrule);
	TimeUs start = 0;

	s->text = json_get_text(params, "dtstart");
	if (s->text.n == 0)
		return err_set(
		    err, ERR_VALIDATION, "dtstart is missing: give the first time, like 2026-12-31T18:00:00");
	if (!moment_field(a, s->zone, params, "dtstart", false, &start, err) || !rrule_parse(a, params, r, err))
		return false;
	start = floor_div(start, PER_S);
	s->rrule = r;
	rrule_start(r, zone_wall(s->zone, start), (int32_t)(zone_wall(s->zone, start) - start));
	return rrule_end(a, s, err);
}

bool
schedule_compile(Arena *a, Zones *zones, Str trigger_ref, const Json *params, TimeUs anchor, Schedule *ret, Err *err)
{
	Schedule s = { .kind = (ScheduleKind)name_index(kinds, countof(kinds), trigger_ref), .anchor = anchor };
	bool ok = false;

	if (!read_common(a, zones, params, &s, err))
		return false;
	switch (s.kind) {
	case SCHEDULE_INTERVAL: ok = read_interval(params, &s, err); break;
	case SCHEDULE_CRON: ok = read_cron(a, params, &s, err); break;
	case SCHEDULE_ONCE: ok = read_once(a, params, &s, err); break;
	case SCHEDULE_RRULE: ok = read_rrule(a, params, &s, err); break;
	}
	if (ok)
		*ret = s;
	return ok;
}

bool
schedule_check(Str trigger_ref, const Json *params, TimeUs now, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Zones zones = zones_open(a);
	Schedule s;
	Due d;

	if (!schedule_for(trigger_ref))
		return true;
	if (!schedule_compile(a, &zones, trigger_ref, params, now, &s, err))
		return false;
	return schedule_next(&s, now, &d) || err_set(err, ERR_VALIDATION, "%s lies in the past: no tick would come",
						 s.kind == SCHEDULE_ONCE ? "fire_at" : "the end");
}
