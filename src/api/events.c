#include "api/page.h"

#include "api/access.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/work.h"
#include "store/completion.h"
#include "store/event_read.h"
#include "store/sensor.h"
#include "store/sensor_process.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 100 };

bool
events_list(App *app, Req *q, Res *s, Err *err)
{
	EventFilter f = { .trigger_ref = req_query(q, "trigger_ref"), .rule_ref = req_query(q, "rule_ref") };
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Scope scope = app_scope(app, req_arena(q), "events:read");
	Slice slice;
	SliceOut out;

	f.scope = &scope;
	if (!query_id(q, "trigger", &f.trigger, err) || !query_id(q, "source", &f.source, err) ||
	    !page_slice(req_arena(q), &page, &slice, err) ||
	    !event_list(app_db(app), req_arena(q), &f, &slice, &out, err))
		return false;
	return answer_slice(q, s, &page, &out);
}

bool
event_get(App *app, Req *q, Res *s, Err *err)
{
	Json event;
	Target t;
	Id id;

	if (!req_id(q, "id", &id, err) || !event_show(app_db(app), req_arena(q), id, &event, err))
		return false;
	t = target_of_json(&event, "trigger_ref");
	if (!see(app, "events:read", &t, err))
		return false;
	return res_data(s, 200, event, NULL);
}

/* ---- reporting one ---- */

static const BodyField create_fields[] = {
	{ "trigger_ref", FIELD_TEXT, 255 },
	{ "trigger_type", FIELD_TEXT, 255 }, /* its older name */
	{ "trigger_instance_id", FIELD_TEXT, 0 },
	{ "payload", FIELD_ANY, 0 },
	{ "config", FIELD_ANY, 0 },
};

enum { EVENTS_MOST = 1000 };

/* One event, or several as one change. */
typedef struct EventWork {
	Arena *a;
	Req *q;
	bool many;
	const Json *bodies;
	EventIn *in;
	EventOut *out;
	size_t n;
} EventWork;

/* Which of several is wrong, where the sentence does not say so yet. */
static bool
refuse_one(EventWork *w, size_t i, Err *err)
{
	Str place = str_fmt(w->a, "[%zu]", i);

	if (!w->many)
		return false;
	req_fault(w->q, place.p, str_copy(w->a, str_of(err->text)));
	return err_wrap(err, "Event %s", place.p);
}

/* A process of ours that was replaced, because its machine fell silent for instance, reports nothing more. */
static bool
sensor_holds(App *app, const EventWork *w, Err *err)
{
	const Caller *c = app_caller(app);
	bool held = true;
	SensorDef d;

	if (c->kind != CALLER_SENSOR || c->instance == 0)
		return true;
	if (!sensor_get_ref(app_db(app), w->a, c->sensor_ref, &d, err) ||
	    !sensor_process_events(app_db(app), w->a, d.id, c->instance, (int64_t)w->n, 0, app->uow->now, &held, err))
		return false;
	for (size_t i = 0; i < w->n; i++) {
		w->in[i].source = d.id;
		w->in[i].source_ref = c->sensor_ref;
	}
	return held || err_set(err, ERR_FORBIDDEN, "Another process of sensor '%.*s' has taken over from this one",
			   STR_ARG(c->sensor_ref));
}

/* What a run reports is a reaction to the event that led to the run. */
static bool
depth_find(App *app, const EventWork *w, Err *err)
{
	const Caller *c = app_caller(app);
	int64_t depth;

	if (c->kind != CALLER_EXECUTION)
		return true;
	if (!execution_depth(app_db(app), w->a, c->execution, &depth, err))
		return false;
	for (size_t i = 0; i < w->n; i++)
		w->in[i].depth = depth + 1;
	return true;
}

static bool
create_work(App *app, void *self, Err *err)
{
	EventWork *w = self;

	if (!sensor_holds(app, w, err) || !depth_find(app, w, err))
		return false;
	if (ingest(app->uow, w->in, w->n, w->out, err))
		return true;
	for (size_t i = 0; i < w->n; i++)
		if (w->out[i].refused)
			return refuse_one(w, i, err);
	return false;
}

/* "rule_5" ties the event to that rule; anything else says nothing to us. */
static Id
rule_of_instance(Str instance)
{
	Id id = 0;

	if (!str_starts(instance, str_of("rule_")) || !str_to_int(str_sub(instance, 5, instance.n), &id) || id < 0)
		return 0;
	return id;
}

static bool
payload_fits(App *app, Arena *a, const Json *payload, Err *err)
{
	int64_t most = config_int(app->config, "events.max_payload_kb");
	size_t n = payload == NULL ? 0 : json_text(a, payload).n;

	if (n <= (size_t)most * 1024)
		return true;
	return err_set(err, ERR_TOO_LARGE,
	    "The payload has %zu bytes: at most %lld KiB (events.max_payload_kb) are taken", n, (long long)most);
}

static const Json *
given(const Json *body, const char *key)
{
	const Json *v = json_get(body, key);

	return json_is_null(v) ? NULL : v;
}

/* A sensor reports the triggers that its token names. */
static bool
may_report(App *app, Str trigger_ref, Err *err)
{
	const Caller *c = app_caller(app);
	Target t = { .ref = trigger_ref, .pack_ref = ref_pack(trigger_ref) };
	bool named = c->kind != CALLER_SENSOR;

	for (size_t i = 0; !named && i < c->trigger_types.n; i++)
		named = str_eq(json_as_str(&c->trigger_types.items[i]), trigger_ref);
	if (!named)
		return err_set(err, ERR_FORBIDDEN, "The token of sensor '%.*s' does not name trigger '%.*s'",
		    STR_ARG(c->sensor_ref), STR_ARG(trigger_ref));
	return need(app, "events:create", &t, err);
}

static bool
event_check(EventWork *w, size_t i, Err *err)
{
	const Json *body = &w->bodies[i];
	Str at = w->many ? str_fmt(w->a, "[%zu].", i) : str_of(""), trigger_ref = { 0 };

	if (!json_is(body, JSON_OBJECT))
		return err_set(err, ERR_VALIDATION, "Validation failed: [%zu]: must be an object, not %s", i,
		    json_kind_name(body->kind));
	if (!body_check(w->q, create_fields, countof(create_fields), at, body, err))
		return false;
	body_text(body, "trigger_type", &trigger_ref);
	body_text(body, "trigger_ref", &trigger_ref);
	if (str_none(trigger_ref))
		return err_set(err, ERR_VALIDATION, "Validation failed: %.*strigger_ref: is missing", STR_ARG(at));
	w->in[i] = (EventIn){
		.trigger_ref = trigger_ref,
		.rule = rule_of_instance(json_get_text(body, "trigger_instance_id")),
		.payload = given(body, "payload"),
		.config = given(body, "config"),
		.correlation = trace_parent(req_header(w->q, "traceparent")),
	};
	return true;
}

static bool
events_check(App *app, EventWork *w, Err *err)
{
	w->in = arena_array(w->a, EventIn, w->n);
	w->out = arena_array(w->a, EventOut, w->n);
	for (size_t i = 0; i < w->n; i++)
		if (!event_check(w, i, err))
			return false;
	for (size_t i = 0; i < w->n; i++)
		if (!may_report(app, w->in[i].trigger_ref, err) || !payload_fits(app, w->a, w->in[i].payload, err))
			return refuse_one(w, i, err);
	return true;
}

static bool
events_count(const EventWork *w, Err *err)
{
	if (w->n > EVENTS_MOST)
		return err_set(
		    err, ERR_TOO_LARGE, "At most %d events are taken at once: these are %zu", EVENTS_MOST, w->n);
	return w->n > 0 || err_set(err, ERR_VALIDATION, "Validation failed: events: the array holds none");
}

bool
event_create(App *app, Req *q, Res *s, Err *err)
{
	EventWork w = { .a = req_arena(q), .q = q };
	Json body, events;
	Id *ids;

	if (!req_json_many(q, &body, err))
		return false;
	w.many = json_is(&body, JSON_ARRAY);
	w.bodies = w.many ? body.items : &body;
	w.n = w.many ? body.n : 1;
	if (!events_count(&w, err) || !events_check(app, &w, err) ||
	    !app_work(app, &points_ingest, create_work, &w, err))
		return false;
	ids = arena_array(w.a, Id, w.n);
	for (size_t i = 0; i < w.n; i++)
		ids[i] = w.out[i].id;
	if (!events_show(app_db(app), w.a, ids, w.n, &events, err))
		return false;
	if (events.n < w.n)
		return err_set(err, ERR_NOT_FOUND, "Events were stored, and have been removed since");
	return res_data(s, 201, w.many ? events : events.items[0], NULL);
}
