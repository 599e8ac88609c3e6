#include "engine/alerts.h"

#include "engine/moves.h"

static Json
alert_payload(Uow *u, const Alert *x)
{
	Arena *a = u->arena;
	Json p = json_object();

	json_add(a, &p, "severity", json_cstr(x->severity));
	json_add(a, &p, "category", json_cstr(x->category));
	json_add(a, &p, "failure_type", json_cstr(x->failure_type));
	json_add(a, &p, "component_type", json_cstr(x->component_type));
	if (x->component != 0)
		json_add(a, &p, "component_id", json_int(x->component));
	if (!str_none(x->component_ref))
		json_add(a, &p, "component_ref", json_str(x->component_ref));
	if (x->worker_role != NULL)
		json_add(a, &p, "worker_role", json_cstr(x->worker_role));
	json_add(a, &p, "observed_at", json_str(time_text(a, u->now)));
	json_add(a, &p, "summary", json_str(x->summary));
	if (x->details != NULL)
		json_add(a, &p, "details", *x->details);
	return p;
}

bool
alert_raise(Uow *u, const Alert *x, Err *err)
{
	Json *payload = arena_new(u->arena, Json);
	EventIn in = { .trigger_ref = str_of("core.alert"), .source_ref = str_of("system"), .payload = payload };
	EventOut out;
	bool there;

	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	there = defs_trigger_ref(u->e->defs, in.trigger_ref) != NULL;
	defs_leave(u->e->defs);
	*payload = alert_payload(u, x);
	in.tick_key = x->key;
	return !there || ingest(u, &in, 1, &out, err);
}
