#include "api/work.h"

#include "api/access.h"
#include "api/handlers.h"
#include "api/rule_secrets.h"
#include "api/view.h"
#include "store/event_read.h"
#include "store/execution_read.h"
#include "store/rule.h"
#include "store/worker.h"

/* The chain that led to one execution, each link null where there is none any more, or never was. */
typedef struct Chain {
	Arena *a;
	Json event, rule, enforcement, execution, worker;
	Json hops;
	TimeUs last; /* of the hop before */
} Chain;

/* What is gone by now is a missing link, not an error. */
static bool
link_read(bool ok, Json *link, Err *err)
{
	if (ok)
		return true;
	*link = json_null();
	if (err->code != ERR_NOT_FOUND)
		return false;
	err_clear(err);
	return true;
}

/* A link that the caller may not see is missing too. */
static void
link_hide(App *app, Json *link, const char *right, const char *ref_key)
{
	Target t = target_of_json(link, ref_key);

	if (link->kind != JSON_NULL && !may(app, right, &t))
		*link = json_null();
}

static bool
chain_rule(App *app, Chain *c, Err *err)
{
	Id id = json_as_int(json_get(&c->enforcement, "rule"), 0);
	RuleDef d;

	if (id == 0)
		return true;
	if (rule_get(app_db(app), c->a, id, &d, err) && rule_secrets_hide(app, c->a, &d, 1, err))
		c->rule = rule_whole(c->a, &d);
	return link_read(c->rule.kind != JSON_NULL, &c->rule, err);
}

static bool
chain_worker(App *app, Chain *c, Err *err)
{
	Id id = json_as_int(json_get(&c->execution, "worker"), 0);
	WorkerDef w;

	if (id == 0)
		return true;
	if (!worker_get(app_db(app), c->a, id, &w, err))
		return link_read(false, &c->worker, err);
	c->worker = json_object();
	json_add(c->a, &c->worker, "id", json_int(w.id));
	json_add(c->a, &c->worker, "name", json_str(w.name));
	json_add(c->a, &c->worker, "host", json_str(w.host));
	return true;
}

static bool
chain_read(App *app, Chain *c, Id id, Err *err)
{
	Id enforcement, event;

	Target t;

	if (!execution_show(app_db(app), c->a, id, &c->execution, err))
		return false;
	t = target_of_json(&c->execution, "action_ref");
	if (!see(app, "executions:read", &t, err))
		return false;
	enforcement = json_as_int(json_get(&c->execution, "enforcement"), 0);
	if (enforcement != 0 &&
	    !link_read(enforcement_show(app_db(app), c->a, enforcement, &c->enforcement, err), &c->enforcement, err))
		return false;
	event = json_as_int(json_get(&c->enforcement, "event"), 0);
	if (event != 0 && !link_read(event_show(app_db(app), c->a, event, &c->event, err), &c->event, err))
		return false;
	if (!chain_rule(app, c, err) || !chain_worker(app, c, err))
		return false;
	link_hide(app, &c->event, "events:read", "trigger_ref");
	link_hide(app, &c->enforcement, "enforcements:read", "rule_ref");
	link_hide(app, &c->rule, "rules:read", "ref");
	return true;
}

/* ---- hops ---- */

static void
hop(Chain *c, const char *what, Str at, Str by)
{
	Json h = json_object();
	TimeUs t = 0;

	if (str_none(at) || !time_parse(at, &t))
		return;
	json_add(c->a, &h, "what", json_cstr(what));
	json_add(c->a, &h, "at", json_str(at));
	json_add(c->a, &h, "took_us", json_int(c->last == 0 || t < c->last ? 0 : t - c->last));
	json_add(c->a, &h, "by", json_str(by));
	json_push(c->a, &c->hops, h);
	c->last = t;
}

static const char *
move_name(Arena *a, Str status)
{
	ExecState state = exec_state_of(status);

	if (state == EXEC_REQUESTED)
		return "execution requested";
	if (state == EXEC_RUNNING)
		return "started";
	if (exec_terminal(state))
		return str_fmt(a, "ended: %.*s", STR_ARG(status)).p;
	return str_cstr(a, status);
}

static void
chain_hops(Chain *c)
{
	const Json *moves = json_get(&c->execution, "timeline");
	Str source = json_get_text(&c->event, "source_ref");

	if (c->event.kind != JSON_NULL)
		hop(c, "event stored", json_get_text(&c->event, "created"), source);
	if (c->enforcement.kind != JSON_NULL)
		hop(c, "enforcement made", json_get_text(&c->enforcement, "created"),
		    json_get_text(&c->enforcement, "rule_ref"));
	for (size_t i = 0; moves != NULL && i < moves->n; i++) {
		const Json *m = &moves->items[i];

		hop(c, move_name(c->a, json_get_text(m, "status")), json_get_text(m, "at"), json_get_text(m, "by"));
	}
}

bool
trace_show(App *app, Req *q, Res *s, Err *err)
{
	Chain c = { .a = req_arena(q), .hops = json_array() };
	Json o = json_object();
	Id id;

	if (!req_id(q, "id", &id, err) || !chain_read(app, &c, id, err))
		return false;
	chain_hops(&c);
	json_add(c.a, &o, "correlation_id", *json_get(&c.execution, "correlation_id"));
	json_add(c.a, &o, "event", c.event);
	json_add(c.a, &o, "rule", c.rule);
	json_add(c.a, &o, "enforcement", c.enforcement);
	json_add(c.a, &o, "execution", c.execution);
	json_add(c.a, &o, "worker", c.worker);
	json_add(c.a, &o, "hops", c.hops);
	return res_data(s, 200, o, NULL);
}
