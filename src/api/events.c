#include "api/page.h"

#include "api/access.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/work.h"
#include "store/event_read.h"

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

typedef struct EventWork {
	Arena *a;
	EventIn in;
	EventOut out;
} EventWork;

static bool
create_work(App *app, void *self, Err *err)
{
	EventWork *w = self;

	return ingest(app->uow, &w->in, 1, &w->out, err);
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
event_read_body(App *app, Req *q, Json *body, EventWork *w, Err *err)
{
	if (!body_read(q, create_fields, countof(create_fields), body, err))
		return false;
	body_text(body, "trigger_type", &w->in.trigger_ref);
	body_text(body, "trigger_ref", &w->in.trigger_ref);
	if (str_none(w->in.trigger_ref))
		return err_set(err, ERR_VALIDATION, "Validation failed: trigger_ref: is missing");
	w->in.rule = rule_of_instance(json_get_text(body, "trigger_instance_id"));
	w->in.payload = given(body, "payload");
	w->in.config = given(body, "config");
	w->in.correlation = trace_parent(req_header(q, "traceparent"));
	return may_report(app, w->in.trigger_ref, err) && payload_fits(app, w->a, w->in.payload, err);
}

bool
event_create(App *app, Req *q, Res *s, Err *err)
{
	Json body, event;
	EventWork w = { .a = req_arena(q) };

	if (!event_read_body(app, q, &body, &w, err) || !app_work(app, &points_ingest, create_work, &w, err) ||
	    !event_show(app_db(app), w.a, w.out.id, &event, err))
		return false;
	return res_data(s, 201, event, NULL);
}
