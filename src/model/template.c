#include "model/template.h"

#include "model/path.h"

const Template *
template_compile(Arena *a, const Json *value, bool *ret_pack_config)
{
	CLEANUP(arena_done) Arena *scratch = arena_open();
	const Tmpl *t = NULL;
	ExprPath *paths;
	size_t n;

	if (!tmpl_compile_json(a, value, TMPL_FORGIVING, &t, NULL))
		return NULL; /* a forgiving template always compiles */
	paths = tmpl_paths(scratch, t, &n);
	for (size_t i = 0; i < n; i++)
		if (paths[i].n >= 2 && str_is(paths[i].parts[0], "pack") && str_is(paths[i].parts[1], "config"))
			*ret_pack_config = true;
	return t;
}

static Json
event_id(Arena *a, const TemplateRoots *r)
{
	(void)a;
	return r->event->id == 0 ? json_null() : json_int(r->event->id);
}

static Json
event_trigger(Arena *a, const TemplateRoots *r)
{
	(void)a;
	return json_str(r->event->trigger_ref);
}

static Json
event_created(Arena *a, const TemplateRoots *r)
{
	return json_str(time_text(a, r->event->created));
}

static Json
event_payload(Arena *a, const TemplateRoots *r)
{
	(void)a;
	return r->event->payload == NULL ? json_null() : *r->event->payload;
}

static Json
system_timestamp(Arena *a, const TemplateRoots *r)
{
	return json_str(time_text(a, r->now));
}

static Json
system_rule(Arena *a, const TemplateRoots *r)
{
	Json rule = json_object();

	json_add(a, &rule, "id", json_int(r->rule->id));
	json_add(a, &rule, "ref", json_str(str_copy(a, r->rule->ref)));
	return rule;
}

static const struct {
	const char *root, *name;
	Json (*get)(Arena *a, const TemplateRoots *r);
} roots_known[] = {
	{ "event", "payload", event_payload },
	{ "event", "id", event_id },
	{ "event", "trigger", event_trigger },
	{ "event", "trigger_ref", event_trigger },
	{ "event", "created", event_created },
	{ "system", "timestamp", system_timestamp },
	{ "system", "rule", system_rule },
};

/* It belongs to the index, not to the caller: what is asked for is copied, and no more. */
static size_t
find_config(const TemplateRoots *r, Arena *a, const Str *parts, size_t n, Json *ret)
{
	const Path path = { (Str *)parts, n };

	*ret = json_clone(a, path_get(&path, 2, r->pack_config));
	return n;
}

static size_t
find(const void *roots, Arena *a, const Str *parts, size_t n, Json *ret)
{
	if (n < 2)
		return 0;
	if (str_is(parts[0], "pack") && str_is(parts[1], "config"))
		return find_config(roots, a, parts, n, ret);
	if (str_is(parts[0], "events") && ((const TemplateRoots *)roots)->events != NULL) {
		*ret = *((const TemplateRoots *)roots)->events;
		return 1;
	}
	if (str_is(parts[0], "keystore") && ((const TemplateRoots *)roots)->keystore != NULL) {
		*ret = *((const TemplateRoots *)roots)->keystore;
		return 1;
	}
	for (size_t i = 0; i < countof(roots_known); i++) {
		if (!str_is(parts[0], roots_known[i].root) || !str_is(parts[1], roots_known[i].name))
			continue;
		*ret = roots_known[i].get(a, roots);
		return 2;
	}
	return 0;
}

static Uuid
new_uuid(const void *roots)
{
	return uuid_new(((const TemplateRoots *)roots)->now);
}

Json
template_render(Arena *a, const Template *t, const TemplateRoots *roots)
{
	const ExprEnv env = { .lookup = find,
		.self = roots,
		.missing = EXPR_MISSING_IS_NULL,
		.own_constants = true,
		.now = roots->now,
		.uuid = new_uuid };
	Json v;

	return tmpl_render(t, &env, a, &v, NULL) ? v : json_null();
}
