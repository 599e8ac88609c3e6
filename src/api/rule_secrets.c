#include "api/rule_secrets.h"

#include "api/access.h"
#include "api/audit.h"
#include "api/work.h"
#include "model/secrets.h"
#include "store/action.h"
#include "store/trigger.h"

/* One of the two objects of a rule that have parameters, and the schema that says which of them are secret. */
typedef struct Params {
	const char *member, *kind;
	size_t ref_at, values_at; /* in RuleDef */
	bool (*schema)(App *app, Arena *a, Str ref, Json *ret, Err *err);
} Params;

static bool
action_schema(App *app, Arena *a, Str ref, Json *ret, Err *err)
{
	ActionDef d;

	if (!action_get_ref(app_db(app), a, ref, &d, err))
		return false;
	*ret = d.param_schema;
	return true;
}

static bool
trigger_schema(App *app, Arena *a, Str ref, Json *ret, Err *err)
{
	TriggerDef d;

	if (!trigger_get_ref(app_db(app), a, ref, &d, err))
		return false;
	*ret = d.param_schema;
	return true;
}

static const Params both[] = {
	{ "action_params", "action", offsetof(RuleDef, action_ref), offsetof(RuleDef, action_params), action_schema },
	{ "trigger_params", "trigger", offsetof(RuleDef, trigger_ref), offsetof(RuleDef, trigger_params),
	    trigger_schema },
};

static Str
ref_of(const Params *p, const RuleDef *d)
{
	return *(const Str *)(const void *)((const char *)d + p->ref_at);
}

static Json *
values_of(const Params *p, RuleDef *d)
{
	return (Json *)(void *)((char *)d + p->values_at);
}

static Json
all_secret(Arena *a, const Json *values)
{
	Json schema = json_object(), secret = json_object();

	json_add(a, &secret, "secret", json_bool(true));
	for (size_t i = 0; i < values->n; i++)
		json_set_str(a, &schema, values->members[i].key, secret);
	return schema;
}

/* *ret_known: false when it was made up for these values alone */
static bool
schema_of(App *app, Arena *a, const Params *p, Str ref, const Json *values, Json *ret, bool *ret_known, Err *err)
{
	Err why = { 0 };

	*ret_known = p->schema(app, a, ref, ret, &why);
	if (*ret_known)
		return true;
	*ret = all_secret(a, values);
	return why.code == ERR_NOT_FOUND || err_set(err, why.code, "%s", why.text);
}

/* "{{ keystore.token }}" and nothing beside it */
static bool
is_template(const Json *v)
{
	Str text = str_trim(json_as_str(v));
	size_t end;

	return json_is(v, JSON_STRING) && str_starts(text, str_of("{{")) && str_find(text, str_of("}}"), &end) &&
	       end + 2 == text.n;
}

Secrets
secret_literals_take(Arena *a, const Json *schema, Json *values)
{
	Secrets all = secrets_take(a, schema, values);
	size_t kept = 0;

	for (size_t i = 0; i < all.n; i++) {
		if (is_template(&all.list[i].value))
			secrets_put(a, values, &all.list[i], 1);
		else
			all.list[kept++] = all.list[i];
	}
	all.n = kept;
	return all;
}

bool
secret_schema_of_action(App *app, Arena *a, Str ref, const Json *values, Json *ret, bool *ret_known, Err *err)
{
	return schema_of(app, a, &both[0], ref, values, ret, ret_known, err);
}

typedef struct Schemas {
	App *app;
	Arena *a;
	Str ref; /* the last one that was asked for: lists have many of one */
	Json schema;
} Schemas;

static bool
hide(Schemas *s, const Params *p, RuleDef *d, Err *err)
{
	Str ref = ref_of(p, d);
	Json *values = values_of(p, d);

	if (!json_is(values, JSON_OBJECT) || values->n == 0)
		return true;
	if (!str_eq(s->ref, ref)) {
		bool known;

		if (!schema_of(s->app, s->a, p, ref, values, &s->schema, &known, err))
			return false;
		s->ref = known ? ref : (Str){ 0 };
	}
	(void)secret_literals_take(s->a, &s->schema, values);
	return true;
}

bool
rule_secrets_hide(App *app, Arena *a, void *rules, size_t n, Err *err)
{
	bool sensor = app_caller(app)->kind == CALLER_SENSOR;
	Schemas of_actions = { .app = app, .a = a }, of_triggers = of_actions;
	RuleDef *list = rules;

	for (size_t i = 0; i < n; i++)
		if (!hide(&of_actions, &both[0], &list[i], err) ||
		    (!sensor && !hide(&of_triggers, &both[1], &list[i], err)))
			return false;
	return true;
}

bool
secrets_asked(App *app, Req *q, const char *type, Id id, Str pack_ref, bool *ret, Err *err)
{
	AuditNote note = { .category = AUDIT_SECRET,
		.outcome = AUDIT_SUCCESS,
		.event_type = "secret.reveal",
		.resource_type = type,
		.id = id };
	Target t = target_pack_keys(pack_ref);

	if (!req_query_bool(q, "include_secret_values", false, ret, err))
		return false;
	return !*ret || (need(app, "keys:decrypt", &t, err) && audit_now(app, q, &note, err));
}

bool
rule_secrets_show(App *app, Req *q, RuleDef *rule, Err *err)
{
	bool asked;

	return secrets_asked(app, q, "rule", rule->id, rule->pack_ref, &asked, err) &&
	       (asked || rule_secrets_hide(app, req_arena(q), rule, 1, err));
}

static bool
keep(App *app, Arena *a, const Params *p, RuleDef *before, RuleDef *d, Err *err)
{
	Json *values = values_of(p, d), old = json_clone(a, values_of(p, before)), schema;
	Secrets had;
	bool known;

	if (!schema_of(app, a, p, ref_of(p, before), &old, &schema, &known, err))
		return false;
	had = secret_literals_take(a, &schema, &old);
	if (str_eq(ref_of(p, before), ref_of(p, d)))
		secrets_put(a, values, had.list, had.n);
	else if (had.n > 0 && json_eq(values, values_of(p, before)))
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: %s: secrets are not handed to another %s: give the parameters anew", p->member,
		    p->kind);
	return true;
}

bool
rule_secrets_keep(App *app, Arena *a, const RuleDef *before, RuleDef *rule, Err *err)
{
	RuleDef old = before == NULL ? (RuleDef){ 0 } : *before;

	for (size_t i = 0; i < countof(both); i++) {
		if (before != NULL && !keep(app, a, &both[i], &old, rule, err))
			return false;
		if (secrets_marked(values_of(&both[i], rule)))
			return err_set(err, ERR_VALIDATION,
			    "Validation failed: %s: give the secret value, not the mark that stands for it",
			    both[i].member);
	}
	return true;
}
