/* What a sensor of the line protocol has printed becomes events: all of what is at hand in one transaction. */
#include "sensor/inner.h"

#include "base/log.h"
#include "engine/moves.h"

enum {
	BATCH = 1000,
	SAY_EVERY = 60 * US_PER_S,
};

typedef struct Batch {
	EventIn *in;
	EventOut *out;
	size_t n;
	int64_t bad;
	size_t upto; /* bytes of lines that it holds */
	bool signs;  /* of life */
	Str first_bad;
	Str garbage; /* a line that was none, for the log of the sensor */
} Batch;

static bool
feeds(const Want *w, Str trigger)
{
	for (uint32_t i = 0; i < w->triggers.n; i++)
		if (str_eq(json_as_str(&w->triggers.items[i]), trigger))
			return true;
	return false;
}

static const Json *
rule_find(const Want *w, const SensorLine *l)
{
	for (uint32_t i = 0; i < w->rules.n; i++) {
		const Json *r = &w->rules.items[i];

		if ((l->rule != 0 && json_as_int(json_get(r, "id"), 0) == l->rule) ||
		    (l->rule_ref.n > 0 && str_eq(json_get_text(r, "ref"), l->rule_ref)))
			return r;
	}
	return NULL;
}

/* Which trigger it is of, and for which rule. What is said for a rule that is gone meanwhile is nobody's. */
static bool
line_place(Arena *a, const Want *w, SensorLine *l)
{
	const Json *rule = rule_find(w, l);
	bool bound = l->rule != 0 || l->rule_ref.n > 0;

	if (rule != NULL) {
		l->rule = json_as_int(json_get(rule, "id"), 0);
		if (str_none(l->trigger_ref))
			l->trigger_ref = json_get_text(rule, "trigger_ref");
	}
	if (str_none(l->trigger_ref) && w->triggers.n == 1)
		l->trigger_ref = json_as_str(&w->triggers.items[0]);
	if (str_none(l->trigger_ref))
		l->why = str_of("'trigger' is missing, and the sensor has several");
	else if (!feeds(w, l->trigger_ref))
		l->why =
		    str_fmt(a, "the sensor does not feed trigger '%.*s'", STR_ARG(str_sub(l->trigger_ref, 0, 200)));
	else if (bound && rule == NULL && l->rule == 0)
		l->rule = -1; /* no rule of that name: it meets none */
	return str_none(l->why);
}

static void
event_add(Arena *a, const Ward *w, const SensorLine *l, Batch *b)
{
	Json *payload = arena_new(a, Json);

	*payload = l->payload;
	b->in[b->n++] = (EventIn){
		.trigger_ref = l->trigger_ref,
		.rule = l->rule,
		.source = w->want.sensor,
		.source_ref = w->want.ref,
		.payload = payload,
		.tick_key = str_none(l->key)
				? (Str){ 0 }
				: str_fmt(a, "sensor:%lld:%.*s", (long long)w->want.sensor, STR_ARG(l->key)),
	};
}

static void
batch_bad(Batch *b, Str line, Str why)
{
	if (b->bad++ == 0) {
		b->first_bad = why;
		b->garbage = line;
	}
}

static void
batch_read(Arena *a, const Ward *w, Batch *b)
{
	Str line;

	while (b->n < BATCH && b->bad < BATCH && lines_next(&w->lines, &b->upto, &line)) {
		SensorLine l;

		line_read(a, line, &l);
		if (l.kind == LINE_EVENT && !line_place(a, &w->want, &l))
			l.kind = LINE_BAD;
		if (l.kind == LINE_EVENT)
			event_add(a, w, &l, b);
		else if (l.kind == LINE_BAD)
			batch_bad(b, line, l.why);
		b->signs |= l.kind == LINE_EVENT || l.kind == LINE_READY;
	}
}

/* One line for the first, and then a count now and again: a sensor that prints nothing else must not fill the log. */
static void
bad_say(Keeper *k, Ward *w, const Batch *b)
{
	TimeUs now = keeper_mono(k);

	if (b->bad == 0)
		return;
	rotated_write(&w->out_log, str_sub(b->garbage, 0, 1024));
	rotated_write(&w->out_log, str_of("\n"));
	w->bad_since += b->bad;
	if (w->said_bad != 0 && now - w->said_bad < SAY_EVERY)
		return;
	log_warn("sensor '%.*s' printed %lld lines that are no events and are passed over; one of them: %.*s",
	    STR_ARG(w->want.ref), (long long)w->bad_since, STR_ARG(str_sub(b->first_bad, 0, 300)));
	w->said_bad = now;
	w->bad_since = 0;
}

/* The one event that cannot be stored is a bad line; the others are tried again. */
static bool
batch_without_refused(Batch *b, const Err *why, Arena *a)
{
	for (size_t i = 0; i < b->n; i++) {
		if (!b->out[i].refused)
			continue;
		batch_bad(b, str_of("(an event that cannot be stored)"), str_copy(a, str_of(why->text)));
		memmove(b->in + i, b->in + i + 1, (b->n - i - 1) * sizeof(*b->in));
		b->n--;
		return true;
	}
	return false;
}

static bool
batch_store(Keeper *k, Ward *w, Batch *b, Err *err)
{
	Uow *u = k->u;
	bool held;

	for (;;) {
		if (!uow_begin_keep(u, err) || !sensor_process_events(u->db, u->arena, w->want.sensor, w->row.instance,
						   (int64_t)b->n, b->bad + w->refused, u->now, &held, err))
			return false;
		if (!held) {
			uow_abort(u);
			w->lost = true;
			return true;
		}
		memset(b->out, 0, (b->n + 1) * sizeof(*b->out));
		if (ingest(u, b->in, b->n, b->out, err))
			return uow_commit(u, &points_ingest, err);
		uow_abort(u);
		if (!batch_without_refused(b, err, u->arena))
			return false;
		err_clear(err);
	}
}

bool
ward_feed(Keeper *k, Ward *w, bool *ret_more, Err *err)
{
	Arena *a = k->u->arena;
	Batch b = { 0 };

	*ret_more = false;
	if (w->lost)
		lines_take(&w->lines, w->lines.whole);
	if (w->lines.whole == 0)
		return true;
	arena_reset(a);
	b.in = arena_array(a, EventIn, BATCH);
	b.out = arena_array(a, EventOut, BATCH + 1);
	batch_read(a, w, &b);
	if ((b.n > 0 || b.bad > 0) && !batch_store(k, w, &b, err))
		return false;
	if (w->lost) {
		log_warn("sensor '%.*s' runs under another sensor worker now; what it still says here is dropped",
		    STR_ARG(w->want.ref));
		ward_kill(k, w);
		return true;
	}
	w->refused = 0;
	bad_say(k, w, &b);
	lines_take(&w->lines, b.upto);
	if (b.signs)
		ward_running(w);
	*ret_more = w->lines.whole > 0;
	return true;
}
