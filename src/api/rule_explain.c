/* Why did this event start that rule, or not? And what would a rule do that is not there yet? Nothing here acts. */
#include "api/resource.h"

#include "api/access.h"
#include "api/body.h"
#include "api/handlers.h"
#include "model/duration.h"
#include "model/extras.h"
#include "store/rule.h"
#include "store/rule_window.h"

enum { EVENTS_DEFAULT = 10, EVENTS_MOST = 100, WHAT_IF_MOST = 1000 };

static EventView
view_of(const EventKept *e)
{
	return (EventView){ .id = e->id,
		.trigger = e->trigger,
		.trigger_ref = e->trigger_ref,
		.payload = &e->payload,
		.created = e->created };
}

/* What a payload shows is for those who may read the events of that trigger. */
static bool
may_look(App *app, Str trigger_ref, Err *err)
{
	Target t = { .ref = trigger_ref, .pack_ref = ref_pack(trigger_ref) };

	return need(app, "events:read", &t, err);
}

/* ---- the conditions, compiled for the question ---- */

typedef struct Question {
	Arena *a;
	const RuleDef *rule;
	const Condition *condition; /* NULL: cannot be read */
	RuleExtras extras;
	Str problem;
} Question;

static void
question_open(Question *x)
{
	bool config = false;
	Err err = { 0 };

	if (!condition_compile(x->a, &x->rule->conditions, &x->condition, &x->problem))
		x->condition = NULL;
	if (extras_compile(x->a, x->rule, &x->extras, &config, &err))
		return;
	x->condition = NULL;
	x->problem = str_copy(x->a, str_of(err.text));
}

/* Conditions with what they saw; *ret_met: the event meets the rule and, of several triggers, one of its parts. */
static Json
question_ask(const Question *x, const EventView *e, bool *ret_met)
{
	bool of_part = x->extras.parts_n == 0 && str_eq(e->trigger_ref, x->rule->trigger_ref);
	Json all = json_object(), parts = json_object();

	*ret_met = false;
	if (x->condition == NULL) {
		json_add(x->a, &all, "problem", json_str(x->problem));
		return all;
	}
	all = condition_explain(x->a, x->condition, e);
	for (size_t i = 0; i < x->extras.parts_n; i++) {
		const RulePart *p = &x->extras.parts[i];

		if (!str_eq(p->trigger_ref, e->trigger_ref))
			continue;
		json_set_str(x->a, &parts, p->as, condition_explain(x->a, p->condition, e));
		of_part |= condition_met(x->a, p->condition, e);
	}
	if (parts.n > 0)
		json_add(x->a, &all, "triggers", parts);
	*ret_met = of_part && condition_met(x->a, x->condition, e);
	return all;
}

/* ---- explain ---- */

static Str
why_not(Arena *a, const RuleDef *d, const EventKept *e, bool met, Str held)
{
	if (!str_none(held))
		return held;
	if (!str_none(e->rule_ref) && !str_eq(e->rule_ref, d->ref))
		return str_fmt(a, "the event is for rule '%.*s' alone", STR_ARG(e->rule_ref));
	if (!met)
		return str_of("its conditions were not met");
	if (!d->enabled)
		return str_of("the rule is switched off");
	if (e->created < d->updated)
		return str_of("the rule was made, changed or switched on after the event");
	return str_of("the rule or its trigger was switched off then, or the enforcement has been removed since");
}

static bool
explain_one(App *app, const Question *x, const EventKept *e, Json *rows, Err *err)
{
	Arena *a = x->a;
	EventView view = view_of(e);
	Json o = json_object(), conditions;
	Id enforcement;
	Str held;
	bool met;

	if (!enforcement_of(app_db(app), a, e->id, x->rule->id, &enforcement, err) ||
	    !rule_held_get(app_db(app), a, e->id, x->rule->id, &held, err))
		return false;
	conditions = question_ask(x, &view, &met);
	json_add(a, &o, "event", json_int(e->id));
	json_add(a, &o, "trigger_ref", json_str(e->trigger_ref));
	json_add(a, &o, "created", json_str(time_text(a, e->created)));
	json_add(a, &o, "met", json_bool(met));
	json_add(a, &o, "outcome",
	    json_cstr(enforcement != 0  ? "enforced"
		      : !str_none(held) ? "held"
		      : met             ? "none"
					: "not_met"));
	json_add(a, &o, "reason",
	    json_str(enforcement != 0 ? str_fmt(a, "it made enforcement %lld", (long long)enforcement)
				      : why_not(a, x->rule, e, met, held)));
	json_add(a, &o, "enforcement", enforcement == 0 ? json_null() : json_int(enforcement));
	json_add(a, &o, "conditions", conditions);
	json_push(a, rows, o);
	return true;
}

/* The newest events of all of the rule's triggers. */
static bool
events_of(App *app, const Question *x, TimeUs since, size_t most, EventKept **ret, size_t *ret_n, Err *err)
{
	size_t of = x->extras.parts_n == 0 ? 1 : x->extras.parts_n;
	EventKept *all = arena_array(x->a, EventKept, most * of + 1), *some;
	size_t n = 0, more;

	for (size_t i = 0; i < of; i++) {
		Str ref = x->extras.parts_n == 0 ? x->rule->trigger_ref : x->extras.parts[i].trigger_ref;
		bool again = false;

		if (str_none(ref))
			return err_set(err, ERR_VALIDATION, "trigger_ref is missing: say which trigger the rule is on");
		for (size_t k = 0; k < i && x->extras.parts_n > 0; k++)
			again |= str_eq(x->extras.parts[k].trigger_ref, ref);
		if (again)
			continue;
		if (!may_look(app, ref, err) ||
		    !events_recent(app_db(app), x->a, ref, x->rule->ref, since, most, &some, &more, err))
			return false;
		for (size_t k = 0; k < more; k++)
			all[n++] = some[k];
	}
	*ret = all;
	*ret_n = n;
	return true;
}

bool
rule_explain(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, EVENTS_DEFAULT, EVENTS_MOST);
	RuleDef d;
	Question x = { .a = req_arena(q), .rule = &d };
	EventKept *events = arena_new(x.a, EventKept);
	Json rows = json_array();
	size_t n = 1;
	Id id;

	if (!query_id(q, "event", &id, err) || !resource_of_path(app, q, &rules, "ref", &d, err))
		return false;
	question_open(&x);
	if (id != 0 ? !event_kept(app_db(app), x.a, id, events, err)
		    : !events_of(app, &x, 1, (size_t)page.size, &events, &n, err))
		return false;
	if (id != 0 && events->id == 0)
		return err_set(err, ERR_NOT_FOUND, "Event with ID %lld not found", (long long)id);
	if (id != 0 && !may_look(app, events->trigger_ref, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!explain_one(app, &x, &events[i], &rows, err))
			return false;
	return answer_list(q, s, &page, rows, &(ListEnd){ .total = rows.n });
}

/* ---- what if ---- */

static const BodyField test_fields[] = {
	{ "rule", FIELD_MAP | FIELD_NEEDED, 0 },
	{ "event", FIELD_NUMBER, 0 },
	{ "payload", FIELD_ANY, 0 },
	{ "since", FIELD_ANY, 0 },
};

static void
test_rule(const Json *rule, RuleDef *d)
{
	*d = (RuleDef){ .id = 1,
		.enabled = true,
		.ref = json_get_text(rule, "ref"),
		.trigger_ref = json_get_text(rule, "trigger_ref"),
		.conditions = json_array(),
		.action_params = json_object(),
		.trigger_params = json_object(),
		.extras = *rule };
	if (str_none(d->ref))
		d->ref = str_of("what.if");
	if (str_none(d->trigger_ref))
		d->trigger_ref = json_get_text(json_at(json_get(rule, "triggers"), 0), "trigger_ref");
	if (json_get(rule, "conditions") != NULL)
		d->conditions = *json_get(rule, "conditions");
	if (json_is(json_get(rule, "action_params"), JSON_OBJECT))
		d->action_params = *json_get(rule, "action_params");
}

static bool
test_events(App *app, const Json *body, const Question *x, EventKept **ret, size_t *ret_n, Err *err)
{
	const Json *payload = json_get(body, "payload"), *since = json_get(body, "since");
	Id id = json_as_int(json_get(body, "event"), 0);
	EventKept *one = arena_new(x->a, EventKept);
	TimeUs length;

	*ret = one;
	*ret_n = 1;
	if (payload != NULL) {
		*one = (EventKept){ .trigger_ref = x->rule->trigger_ref, .payload = *payload, .created = app_now(app) };
		return true;
	}
	if (id != 0) {
		if (!event_kept(app_db(app), x->a, id, one, err))
			return false;
		return one->id == 0 ? err_set(err, ERR_NOT_FOUND, "Event with ID %lld not found", (long long)id)
				    : may_look(app, one->trigger_ref, err);
	}
	if (since == NULL || !duration_of(since, &length))
		return err_set(err, ERR_VALIDATION,
		    "give what to try the rule on: event, payload, or since (a duration, like 24h)");
	return events_of(app, x, app_now(app) - length, WHAT_IF_MOST, ret, ret_n, err);
}

bool
rule_test(App *app, Req *q, Res *s, Err *err)
{
	Page page = { .page = 1, .size = WHAT_IF_MOST };
	RuleIndex *index;
	RuleDef d;
	Question x = { .a = req_arena(q), .rule = &d };
	Json body, rows = json_array();
	EventKept *events;
	size_t n;

	if (!body_read(q, test_fields, countof(test_fields), &body, err))
		return false;
	test_rule(json_get(&body, "rule"), &d);
	question_open(&x);
	if (!str_none(x.problem))
		return err_set(err, ERR_VALIDATION, "Invalid rule: %.*s", STR_ARG(x.problem));
	if (!test_events(app, &body, &x, &events, &n, err))
		return false;
	index = rule_index_open();
	rule_index_put(index, &d, NULL, NULL);
	for (size_t i = 0; i < n; i++) {
		EventView view = view_of(&events[i]);
		Json o = json_object();
		bool met;
		Json conditions = question_ask(&x, &view, &met);

		json_add(x.a, &o, "event", events[i].id == 0 ? json_null() : json_int(events[i].id));
		json_add(x.a, &o, "met", json_bool(met));
		json_add(x.a, &o, "conditions", conditions);
		json_add(x.a, &o, "action_params",
		    met ? rule_render(index, x.a, &d, &view, &(RuleGiven){ 0 }, app_now(app)) : json_null());
		json_push(x.a, &rows, o);
	}
	rule_index_close(index);
	return answer_list(q, s, &page, rows, &(ListEnd){ .total = rows.n });
}
