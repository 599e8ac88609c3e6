#include "model/schedule.h"

#include "base/civil.h"

enum { PER_S = 1000000 };
static const int64_t horizon = 7258118400; /* the year 2200: nothing is looked for behind it */
static const int64_t never = INT64_MAX;

/* ---- sets of wall time, laid on the stretches of a zone ---- */

static int64_t
set_next(const Schedule *s, int32_t offset, int64_t after, int64_t limit)
{
	if (s->kind == SCHEDULE_CRON)
		return cron_next(s->cron, after, limit);
	return rrule_next(s->rrule, offset, after, limit);
}

static bool
by_elapsed(const Schedule *s)
{
	return s->kind == SCHEDULE_CRON ? s->cron->every_hour : rrule_elapsed(s->rrule);
}

/* One stretch of one offset, as far as it is asked about, and what the change before it did. */
typedef struct Stretch {
	int64_t after, end; /* instants behind `after`, before `end` */
	int32_t offset;
	int32_t jumped;     /* the offset of what the clock jumped over */
	int64_t jump_end;   /* instants until then come from there too; 0: none */
	int64_t jump_after; /* and behind this */
} Stretch;

static Stretch
stretch_at(const Schedule *s, size_t i, int64_t after)
{
	const Zone *z = s->zone;
	int64_t from = z->from[i];
	Stretch x = { .after = from <= after ? after : from - 1,
		.end = i + 1 < z->n && z->from[i + 1] < horizon ? z->from[i + 1] : horizon,
		.offset = z->offset[i] };
	int32_t shift;

	if (i == 0 || by_elapsed(s))
		return x;
	shift = x.offset - z->offset[i - 1];
	if (shift < 0 && x.after < from - shift - 1) {
		x.after = from - shift - 1; /* the hour that comes twice */
	} else if (shift > 0) {
		x.jumped = z->offset[i - 1];
		x.jump_after = x.after;
		x.jump_end = from + shift < x.end ? from + shift : x.end;
	}
	return x;
}

static int64_t
stretch_next(const Schedule *s, const Stretch *x)
{
	int64_t w = set_next(s, x->offset, x->after + x->offset, x->end + x->offset);
	int64_t best = w == never ? never : w - x->offset;

	if (x->jump_end <= x->jump_after + 1 || x->jump_end == 0)
		return best;
	w = set_next(s, x->jumped, x->jump_after + x->jumped, x->jump_end + x->jumped);
	return w != never && w - x->jumped < best ? w - x->jumped : best;
}

/* The first second behind `after`. */
static int64_t
zoned_next(const Schedule *s, int64_t after)
{
	for (size_t i = zone_stretch(s->zone, after); i < s->zone->n; i++) {
		Stretch x = stretch_at(s, i, after);
		int64_t t;

		if (x.after >= horizon)
			break;
		t = stretch_next(s, &x);
		if (t != never)
			return t;
	}
	return never;
}

/* ---- how many ---- */

/* One by one, behind `after` and not behind `until`. */
static int64_t
count_walk(const Schedule *s, int64_t after, int64_t until)
{
	int64_t n = 0;

	while ((after = zoned_next(s, after)) <= until)
		n++;
	return n;
}

static int64_t
set_count(const Schedule *s, int32_t offset, int64_t from, int64_t to)
{
	if (s->kind == SCHEDULE_CRON)
		return cron_count(s->cron, from, to);
	return rrule_count(s->rrule, offset, from, to);
}

/* Ticks behind `after` and not behind `until`, in seconds. */
static int64_t
zoned_count(const Schedule *s, int64_t after, int64_t until)
{
	int64_t n = 0;

	for (size_t i = zone_stretch(s->zone, after); i < s->zone->n; i++) {
		Stretch x = stretch_at(s, i, after);
		int64_t end = until + 1 < x.end ? until + 1 : x.end;
		int64_t from = x.after;

		if ((s->zone->from[i] > until && i > 0) || x.after >= horizon)
			break;
		if (x.jump_end != 0) { /* where two times fall on one, walking counts it once */
			int64_t jump = x.jump_end - 1 < end - 1 ? x.jump_end - 1 : end - 1;

			n += jump > from ? count_walk(s, from, jump) : 0;
			from = jump > from ? jump : from;
		}
		n += set_count(s, x.offset, from + 1 + x.offset, end + x.offset);
	}
	return n;
}

/* ---- all kinds ---- */

static TimeUs
seconds_next(const Schedule *s, TimeUs after)
{
	int64_t t = zoned_next(s, floor_div(after, PER_S));

	return t == never ? never : t * PER_S;
}

static TimeUs
raw_next(const Schedule *s, TimeUs after)
{
	int64_t n;

	switch (s->kind) {
	case SCHEDULE_ONCE: return s->base > after ? s->base : never;
	case SCHEDULE_INTERVAL:
		n = floor_div(after - s->base, s->every) + 1;
		n = n < 0 ? 0 : n;
		return s->base + n * s->every;
	default: return seconds_next(s, after);
	}
}

/* Where ticks begin: behind this. */
static TimeUs
floor_of(const Schedule *s)
{
	return s->start != 0 && s->start - 1 > s->anchor ? s->start - 1 : s->anchor;
}

static int64_t
number_of(const Schedule *s, TimeUs due)
{
	TimeUs from = floor_of(s);

	switch (s->kind) {
	case SCHEDULE_ONCE: return 1;
	case SCHEDULE_INTERVAL: return (due - raw_next(s, from)) / s->every + 1;
	default: return zoned_count(s, floor_div(from, PER_S), floor_div(due, PER_S));
	}
}

static bool
within(const Schedule *s, const Due *d)
{
	return d->at != never && d->at / PER_S < horizon && (s->end == 0 || d->at <= s->end) &&
	       (s->count == 0 || d->n <= s->count);
}

bool
schedule_next(const Schedule *s, TimeUs after, Due *ret)
{
	TimeUs from = floor_of(s);
	Due d = { .at = raw_next(s, after > from ? after : from) };

	if (!within(s, &d))
		return false;
	d.n = number_of(s, d.at);
	*ret = d;
	return within(s, &d);
}

bool
schedule_on(const Schedule *s, Due *d)
{
	Due next = { raw_next(s, d->at), d->n + 1 };

	if (!within(s, &next))
		return false;
	*d = next;
	return true;
}

bool
schedule_nth(const Schedule *s, int64_t n, TimeUs *ret)
{
	enum { FEW = 200 };
	int64_t from = floor_div(floor_of(s), PER_S), low = from, high = from, have = 0;
	Due d = { .at = floor_of(s) };

	if (n <= FEW || s->kind == SCHEDULE_ONCE || s->kind == SCHEDULE_INTERVAL) {
		while (d.n < n && schedule_on(s, &d))
			continue;
		*ret = d.at;
		return d.n == n;
	}
	for (int64_t some = 0; have + some < n; some = zoned_count(s, low, high)) {
		have += some;
		low = high;
		high += high == from ? 86400 : high - from;
		high = high < horizon ? high : horizon - 1;
		if (low >= high)
			return false;
	}
	while (high - low > 1) { /* `have` until `low`, fewer than n; and n until `high` */
		int64_t middle = low + (high - low) / 2, some = zoned_count(s, low, middle);

		if (have + some < n)
			have += some, low = middle;
		else
			high = middle;
	}
	*ret = high * PER_S;
	return true;
}

bool
schedule_last(const Schedule *s, TimeUs after, TimeUs until, Due *ret)
{
	static const TimeUs back[] = { 1, 60, 3600, 86400, 8 * 86400, 63 * 86400, 400 * 86400 };
	TimeUs from = after;
	bool found = false;
	Due d;

	if (s->end != 0 && until > s->end)
		until = s->end;
	for (size_t i = 0; i < countof(back); i++) {
		TimeUs early = until - back[i] * PER_S;

		if (early > after && raw_next(s, early) <= until) {
			from = early;
			break;
		}
	}
	if (raw_next(s, from > floor_of(s) ? from : floor_of(s)) > until)
		return false; /* nothing to be numbered */
	for (bool more = schedule_next(s, from, &d); more && d.at <= until; more = schedule_on(s, &d)) {
		*ret = d;
		found = true;
	}
	return found;
}

TimeUs
schedule_jitter(const Schedule *s, int64_t rule, TimeUs due)
{
	uint64_t x = (uint64_t)rule * 0x9E3779B97F4A7C15ULL ^ (uint64_t)due;

	if (s->jitter <= 0)
		return 0;
	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ULL;
	x = (x ^ x >> 27) * 0x94D049BB133111EBULL;
	x ^= x >> 31;
	return (TimeUs)(x % (uint64_t)(s->jitter + 1));
}
