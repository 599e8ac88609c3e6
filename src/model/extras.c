#include "model/extras.h"

#include "model/duration.h"
#include "model/keystore.h"
#include "model/refs.h"

const char *const extras_names[] = { "throttle", "debounce", "once_within", "triggers", "correlate" };
const size_t extras_names_n = countof(extras_names);

static const TimeUs longest = 366LL * 86400 * US_PER_S;

typedef struct Reader {
	Arena *a;
	bool *wants_config;
	Err *err;
} Reader;

static bool
bad(Reader *r, const char *field, const char *cure)
{
	return err_set(r->err, ERR_VALIDATION, "%s: %s", field, cure);
}

static bool
known_only(Reader *r, const char *field, const Json *v, const char *const *names, size_t n)
{
	if (v->kind != JSON_OBJECT)
		return bad(r, field, "give an object");
	for (size_t i = 0; i < v->n; i++) {
		size_t k = 0;

		while (k < n && !str_is(v->members[i].key, names[k]))
			k++;
		if (k == n)
			return err_set(
			    r->err, ERR_VALIDATION, "%s: '%.*s' is not known there", field, STR_ARG(v->members[i].key));
	}
	return true;
}

static bool
length(Reader *r, const Json *v, const char *field, const char *name, TimeUs *ret)
{
	if (duration_of(json_get(v, name), ret) && *ret > 0 && *ret <= longest)
		return true;
	return err_set(
	    r->err, ERR_VALIDATION, "%s.%s must be a duration up to a year, like 5s, 10m or 1h", field, name);
}

static bool
gate_key(Reader *r, const Json *v, const char *field, Gate *g)
{
	const Json *key = json_get(v, "key");

	g->on = true;
	if (json_is_null(key))
		return true;
	if (key->kind != JSON_STRING)
		return err_set(
		    r->err, ERR_VALIDATION, "%s.key must be a text like \"{{ event.payload.host }}\"", field);
	if (keystore_wanted(r->a, key))
		return err_set(r->err, ERR_VALIDATION,
		    "%s.key cannot look at keystore: what it makes is stored where people can see it", field);
	g->key = template_compile(r->a, key, r->wants_config);
	return true;
}

/* ---- each of them ---- */

static bool
read_throttle(Reader *r, const Json *v, RuleExtras *x)
{
	static const char *const names[] = { "limit", "per", "key" };

	x->limit = json_as_int(json_get(v, "limit"), 0);
	if (!known_only(r, "throttle", v, names, countof(names)))
		return false;
	if (x->limit < 1)
		return bad(r, "throttle.limit", "give a whole number above 0");
	return length(r, v, "throttle", "per", &x->per) && gate_key(r, v, "throttle", &x->throttle);
}

static bool
read_debounce(Reader *r, const Json *v, RuleExtras *x)
{
	static const char *const names[] = { "quiet", "max_wait", "key" };

	if (!known_only(r, "debounce", v, names, countof(names)) || !length(r, v, "debounce", "quiet", &x->quiet))
		return false;
	if (!json_is_null(json_get(v, "max_wait"))) {
		if (!length(r, v, "debounce", "max_wait", &x->max_wait))
			return false;
		if (x->max_wait < x->quiet)
			return bad(r, "debounce.max_wait", "is shorter than quiet: make it longer or leave it out");
	}
	return gate_key(r, v, "debounce", &x->debounce);
}

static bool
read_once(Reader *r, const Json *v, RuleExtras *x)
{
	static const char *const names[] = { "within", "key" };

	return known_only(r, "once_within", v, names, countof(names)) &&
	       length(r, v, "once_within", "within", &x->once_within) && gate_key(r, v, "once_within", &x->once);
}

static bool
read_part(Reader *r, const Json *v, const RuleExtras *x, RulePart *p)
{
	static const char *const names[] = { "trigger_ref", "conditions", "as" };
	const Json *conditions = json_get(v, "conditions");
	Json *none = arena_new(r->a, Json);
	Str problem = { 0 };

	if (!known_only(r, "triggers", v, names, countof(names)))
		return false;
	p->trigger_ref = json_get_text(v, "trigger_ref");
	p->as = json_get_text(v, "as");
	if (p->trigger_ref.n == 0)
		return bad(r, "triggers", "each needs a trigger_ref");
	if (p->as.n == 0) /* the last word of the ref */
		for (p->as = p->trigger_ref; memchr(p->as.p, '.', p->as.n) != NULL;)
			p->as = str_sub(p->as, 1, p->as.n);
	for (size_t i = 0; i < x->parts_n; i++)
		if (str_eq(x->parts[i].as, p->as))
			return err_set(r->err, ERR_VALIDATION,
			    "triggers: two are called '%.*s': give each an `as` of its own", STR_ARG(p->as));
	if (condition_compile(r->a, conditions == NULL ? none : conditions, &p->condition, &problem))
		return true;
	return err_set(r->err, ERR_VALIDATION, "triggers: %.*s", STR_ARG(problem));
}

static bool
read_triggers(Reader *r, const Json *v, RuleExtras *x)
{
	if (v->kind != JSON_ARRAY || v->n == 0 || v->n > PARTS_MOST)
		return bad(r, "triggers", "give a list of one to sixteen, each {trigger_ref, conditions, as}");
	x->parts = arena_array(r->a, RulePart, v->n);
	for (; x->parts_n < v->n; x->parts_n++)
		if (!read_part(r, &v->items[x->parts_n], x, &x->parts[x->parts_n]))
			return false;
	return true;
}

static bool
read_correlate(Reader *r, const Json *v, RuleExtras *x)
{
	static const char *const names[] = { "mode", "within", "key" };
	Str mode = json_get_text(v, "mode");

	if (!known_only(r, "correlate", v, names, countof(names)))
		return false;
	if (!str_none(mode) && !str_is(mode, "all") && !str_is(mode, "any"))
		return bad(r, "correlate.mode", "give all or any");
	x->all = !str_is(mode, "any");
	return length(r, v, "correlate", "within", &x->within) && gate_key(r, v, "correlate", &x->correlate);
}

static const struct {
	const char *name;
	bool (*read)(Reader *r, const Json *v, RuleExtras *x);
} readers[] = {
	{ "throttle", read_throttle },
	{ "debounce", read_debounce },
	{ "once_within", read_once },
	{ "triggers", read_triggers },
	{ "correlate", read_correlate },
};

bool
extras_compile(Arena *a, const RuleDef *rule, RuleExtras *ret, bool *ret_pack_config, Err *err)
{
	Reader r = { a, ret_pack_config, err };
	RuleExtras x = { 0 };

	for (size_t i = 0; i < countof(readers); i++) {
		const Json *v = json_get(&rule->extras, readers[i].name);

		if (!json_is_null(v) && !readers[i].read(&r, v, &x))
			return false;
	}
	if (x.correlate.on != (x.parts_n > 0))
		return x.parts_n == 0 ? bad(&r, "correlate", "needs `triggers`, the list of what is to be correlated")
				      : bad(&r, "triggers", "needs `correlate`, like {mode: all, within: 5m}");
	if (x.debounce.on && x.correlate.on && x.all)
		return bad(&r, "debounce", "cannot go with correlate: all, which waits already: leave one out");
	if (schedule_for(rule->trigger_ref) && !overlap_of(&rule->trigger_params, &x.overlap))
		return bad(&r, "overlap", "give allow, skip or cancel");
	x.any = x.throttle.on || x.debounce.on || x.once.on || x.correlate.on || x.overlap != OVERLAP_ALLOW;
	*ret = x;
	return true;
}

/* ---- keys ---- */

/* Something of the event or of the rule's surroundings. */
static bool
looks_at_something(Arena *a, const Tmpl *t)
{
	static const char *const roots[] = { "event", "events", "pack", "system" };
	size_t n;
	ExprPath *paths = tmpl_paths(a, t, &n);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < countof(roots); k++)
			if (paths[i].n > 1 && str_is(paths[i].parts[0], roots[k]))
				return true;
	return false;
}

static bool
key_check(Arena *a, const char *field, const Json *key, Err *err)
{
	Str text = json_as_str(key);
	const Tmpl *t;

	/* a name with a dash in it is taken as it stands, which strict templates do not do */
	if (!tmpl_compile_json(a, key, str_find(text, str_of("-"), NULL) ? TMPL_FORGIVING : TMPL_STRICT, &t, err)) {
		err->code = ERR_VALIDATION;
		return err_wrap(err, "%s.key", field);
	}
	if (tmpl_is_fixed(t) && str_find(text, str_of("{{"), NULL))
		return err_set(err, ERR_VALIDATION, "%s.key: '{{' is never closed: add '}}'", field);
	if (tmpl_is_fixed(t) || looks_at_something(a, t))
		return true;
	return err_set(err, ERR_VALIDATION,
	    "%s.key looks at nothing that events differ in, so all would be counted together: write it like "
	    "\"{{ event.payload.host }}\"",
	    field);
}

bool
extras_keys_check(Arena *a, const RuleDef *rule, Err *err)
{
	for (size_t i = 0; i < countof(readers); i++) {
		const Json *key = json_get(json_get(&rule->extras, readers[i].name), "key");

		if (json_is(key, JSON_STRING) && !key_check(a, readers[i].name, key, err))
			return false;
	}
	return true;
}
