#include "model/grants.h"

#include "base/names.h"

enum Action {
	READ = 1 << 0,
	CREATE = 1 << 1,
	INSTALL = 1 << 2,
	CONFIGURE = 1 << 3,
	UPDATE = 1 << 4,
	DELETE = 1 << 5,
	EXECUTE = 1 << 6,
	CANCEL = 1 << 7,
	RESPOND = 1 << 8,
	MANAGE = 1 << 9,
	DECRYPT = 1 << 10,
	FOUR = READ | CREATE | UPDATE | DELETE,
};

static const char *const actions[] = { "read", "create", "install", "configure", "update", "delete", "execute",
	"cancel", "respond", "manage", "decrypt" };

typedef struct ResourceRow {
	const char *name;
	unsigned actions; /* that exist for it */
	const char *noun;
	bool own; /* no permission set gives it: it comes with the kind of caller */
} ResourceRow;

static const ResourceRow resources[] = {
	{ "packs", READ | CREATE | INSTALL | CONFIGURE | DELETE, "Pack", false },
	{ "actions", FOUR | EXECUTE, "Action", false }, { "queues", FOUR, "Queue", false },
	{ "rules", FOUR, "Rule", false }, { "triggers", FOUR, "Trigger", false },
	{ "executions", READ | UPDATE | CANCEL | DECRYPT, "Execution", false },
	{ "events", READ | CREATE, "Event", false }, { "enforcements", READ | DECRYPT, "Enforcement", false },
	{ "inquiries", FOUR | RESPOND, "Inquiry", false }, { "keys", FOUR | DECRYPT, "Key", false },
	{ "artifacts", FOUR, "Artifact", false }, { "runtimes", FOUR, "Runtime", false },
	{ "workers", READ | MANAGE, "Worker", false }, { "retention", READ | UPDATE, "Retention", false },
	{ "identities", FOUR, "Identity", false },
	{ "permissions", READ | CREATE | UPDATE | DELETE | MANAGE, "Permission set", false },
	{ "audit_log", READ, "Audit event", false },
	{ "self", READ | UPDATE, "Identity", true },   /* users, of themselves */
	{ "internal", READ | CREATE, "Object", true }, /* workers */
};

static int
resource_find(Str name)
{
	for (size_t i = 0; i < countof(resources); i++)
		if (str_is(name, resources[i].name))
			return (int)i;
	return -1;
}

bool
right_parse(const char *text, Right *ret)
{
	Str rest = str_of(text), name;
	int resource, action;

	if (text == NULL || !str_cut(&rest, ':', &name))
		return false;
	resource = resource_find(name);
	action = name_index(actions, countof(actions), rest);
	if (resource < 0 || action < 0 || (resources[resource].actions & 1u << action) == 0)
		return false;
	*ret = (Right){ (uint8_t)resource, (uint16_t)(1u << action) };
	return true;
}

const char *
right_noun(const char *text)
{
	Right r;

	return right_parse(text, &r) ? resources[r.resource].noun : "Object";
}

/* ---- compiling ---- */

struct Grants {
	Grant *list;
	size_t n;
	uint16_t some[countof(resources)];  /* actions that any grant gives */
	uint16_t whole[countof(resources)]; /* those that one without constraints gives */
};

static const char *const owners[] = { [OWNER_ANY] = "any", [OWNER_SELF] = "self", [OWNER_NONE] = "none" };
static const char *const runs[] = { [RUNS_ANY] = "any", [RUNS_SELF] = "self", [RUNS_DESCENDANTS] = "descendants" };

typedef struct ListLimit {
	const char *key;
	size_t at; /* in Grant */
} ListLimit;

static const ListLimit lists[] = {
	{ "pack_refs", offsetof(Grant, pack_refs) },
	{ "refs", offsetof(Grant, refs) },
	{ "ids", offsetof(Grant, ids) },
	{ "owner_refs", offsetof(Grant, owner_refs) },
	{ "owner_types", offsetof(Grant, owner_types) },
	{ "visibility", offsetof(Grant, visibility) },
};

static Json *
list_of(Grant *g, const ListLimit *l)
{
	return (Json *)(void *)((char *)g + l->at);
}

static const Json *
list_in(const Grant *g, const ListLimit *l)
{
	return (const Json *)(const void *)((const char *)g + l->at);
}

static bool
limit_list(Arena *a, Grant *g, Str key, const Json *v)
{
	for (size_t i = 0; i < countof(lists); i++) {
		if (!str_is(key, lists[i].key))
			continue;
		g->never |= v->kind != JSON_ARRAY || v->n > GRANT_TEXTS_MAX;
		*list_of(g, &lists[i]) = json_clone(a, v);
		return true;
	}
	return false;
}

/* A constraint that is not known, or says nothing that can be understood, is met by nothing. */
static void
limit_take(Arena *a, Grant *g, Str key, const Json *v)
{
	int word;

	if (json_is_null(v))
		return;
	g->limited = true;
	if (limit_list(a, g, key, v))
		return;
	if (str_is(key, "owner")) {
		word = name_index(owners, countof(owners), json_as_str(v));
		g->owner = (uint8_t)(word < 0 ? 0 : word);
		g->never |= word < 0;
	} else if (str_is(key, "execution_scope")) {
		word = name_index(runs, countof(runs), json_as_str(v));
		g->execution = (uint8_t)(word < 0 ? 0 : word);
		g->never |= word < 0;
	} else if (str_is(key, "encrypted") && v->kind == JSON_BOOL) {
		g->encrypted = v->b ? 1 : -1;
	} else if (str_is(key, "attributes") && v->kind == JSON_OBJECT) {
		g->attributes = json_clone(a, v);
	} else {
		g->never = true;
	}
}

static uint16_t
actions_of(const Json *names, unsigned known)
{
	unsigned bits = 0;

	for (size_t i = 0; names != NULL && i < names->n && names->kind == JSON_ARRAY; i++) {
		int at = name_index(actions, countof(actions), json_as_str(&names->items[i]));

		if (at >= 0)
			bits |= 1u << at;
	}
	return (uint16_t)(bits & known);
}

static bool
grant_compile(Arena *a, const Json *v, Grant *ret)
{
	int resource = resource_find(json_get_text(v, "resource"));
	const Json *limits = json_get(v, "constraints");
	Grant g = { 0 };

	if (resource < 0 || resources[resource].own)
		return false;
	g.resource = (uint8_t)resource;
	g.actions = actions_of(json_get(v, "actions"), resources[resource].actions);
	if (!json_is_null(limits) && limits->kind != JSON_OBJECT)
		return false;
	for (size_t i = 0; !json_is_null(limits) && i < limits->n; i++)
		limit_take(a, &g, limits->members[i].key, &limits->members[i].value);
	*ret = g;
	return g.actions != 0 && !g.never;
}

const Grants *
grants_compile(Arena *a, const Json *const *sets, size_t n)
{
	Grants *all = arena_new(a, Grants);
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		most += sets[i]->kind == JSON_ARRAY ? sets[i]->n : 0;
	all->list = arena_array(a, Grant, most + 1);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; sets[i]->kind == JSON_ARRAY && k < sets[i]->n; k++) {
			Grant *g = &all->list[all->n];

			if (!grant_compile(a, &sets[i]->items[k], g))
				continue;
			all->n++;
			all->some[g->resource] |= g->actions;
			if (!g->limited)
				all->whole[g->resource] |= g->actions;
		}
	}
	return all;
}

const Grants *
grants_all(Arena *a)
{
	Grants *all = arena_new(a, Grants);

	for (size_t i = 0; i < countof(resources); i++)
		all->some[i] = all->whole[i] = resources[i].own ? 0 : (uint16_t)resources[i].actions;
	return all;
}

static const Grants *
grants_keep(Arena *a, const Grants *g)
{
	Grants *copy;

	if (g == NULL)
		return NULL;
	copy = arena_copy(a, g, sizeof(*g));
	copy->list = arena_array(a, Grant, g->n + 1);
	for (size_t i = 0; i < g->n; i++) {
		copy->list[i] = g->list[i];
		for (size_t k = 0; k < countof(lists); k++)
			*list_of(&copy->list[i], &lists[k]) = json_clone(a, list_in(&g->list[i], &lists[k]));
		copy->list[i].attributes = json_clone(a, &g->list[i].attributes);
	}
	return copy;
}

Caller
caller_keep(Arena *a, const Caller *c)
{
	Caller copy = *c;
	Json *attributes;

	copy.login = str_copy(a, c->login);
	copy.action_ref = str_copy(a, c->action_ref);
	copy.pack_ref = str_copy(a, c->pack_ref);
	copy.sensor_ref = str_copy(a, c->sensor_ref);
	copy.line = str_copy(a, c->line);
	copy.trigger_types = json_clone(a, &c->trigger_types);
	copy.grants = grants_keep(a, c->grants);
	if (c->attributes == NULL)
		return copy;
	attributes = arena_new(a, Json);
	*attributes = json_clone(a, c->attributes);
	copy.attributes = attributes;
	return copy;
}

static Json
actions_json(Arena *a, unsigned bits)
{
	Json v = json_array();

	for (size_t i = 0; i < countof(actions); i++)
		if ((bits & 1u << i) != 0)
			json_push(a, &v, json_cstr(actions[i]));
	return v;
}

Json
grants_json(Arena *a, const Grants *g)
{
	Json all = json_array();

	for (size_t i = 0; g != NULL && i < countof(resources); i++) {
		Json one = json_object();

		if (g->some[i] == 0)
			continue;
		json_add(a, &one, "resource", json_cstr(resources[i].name));
		json_add(a, &one, "actions", actions_json(a, g->some[i]));
		json_push(a, &all, one);
	}
	return all;
}

/* ---- deciding ---- */

static bool
has_text(const Json *list, Str text)
{
	for (size_t i = 0; !str_none(text) && i < list->n; i++)
		if (str_eq(json_as_str(&list->items[i]), text))
			return true;
	return false;
}

static bool
has_id(const Json *list, Id id)
{
	for (size_t i = 0; id != 0 && i < list->n; i++)
		if (json_as_int(&list->items[i], 0) == id)
			return true;
	return false;
}

static bool
attributes_hold(const Grant *g, const Caller *c)
{
	for (size_t i = 0; g->attributes.kind == JSON_OBJECT && i < g->attributes.n; i++) {
		const Json *is = json_get_str(c->attributes, g->attributes.members[i].key);

		if (is == NULL || !json_eq(is, &g->attributes.members[i].value))
			return false;
	}
	return true;
}

static bool
owner_holds(const Grant *g, const Caller *c, const Target *t)
{
	switch (g->owner) {
	case OWNER_SELF: return t->owner != 0 && t->owner == c->identity && c->kind == CALLER_USER;
	case OWNER_NONE: return t->owner == 0 && (str_none(t->owner_type) || str_is(t->owner_type, "system"));
	default: return true;
	}
}

/* Of a run: itself, or what came of it, however deep. Of a person: what goes on their behalf. */
static bool
execution_holds(const Grant *g, const Caller *c, const Target *t)
{
	if (g->execution != RUNS_SELF && g->execution != RUNS_DESCENDANTS)
		return true;
	if (c->kind != CALLER_EXECUTION)
		return t->owner != 0 && t->owner == c->identity;
	if (t->execution != 0 && t->execution == c->execution)
		return true;
	return g->execution == RUNS_DESCENDANTS && !str_none(c->line) && str_starts(t->ancestors, c->line);
}

static bool
grant_holds(const Grant *g, const Caller *c, const Target *t)
{
	if (!g->limited)
		return true;
	return (g->pack_refs.kind == JSON_NULL || has_text(&g->pack_refs, t->pack_ref)) &&
	       (g->refs.kind == JSON_NULL || has_text(&g->refs, t->ref)) &&
	       (g->ids.kind == JSON_NULL || has_id(&g->ids, t->id)) &&
	       (g->owner_refs.kind == JSON_NULL || has_text(&g->owner_refs, t->owner_ref)) &&
	       (g->owner_types.kind == JSON_NULL || has_text(&g->owner_types, t->owner_type)) &&
	       (g->visibility.kind == JSON_NULL || has_text(&g->visibility, t->visibility)) &&
	       (g->encrypted == 0 || g->encrypted == t->encrypted) && owner_holds(g, c, t) &&
	       execution_holds(g, c, t) && attributes_hold(g, c);
}

/* What comes with the kind of caller. */
static bool
own_allows(const Caller *c, const Right *r)
{
	const char *name = resources[r->resource].name;

	if (strcmp(name, "self") == 0)
		return c->kind == CALLER_USER;
	return c->kind == CALLER_WORKER;
}

bool
grants_allow(const Caller *c, const char *right, const Target *t)
{
	Right r;

	if (!right_parse(right, &r))
		return false;
	if (resources[r.resource].own)
		return own_allows(c, &r);
	if (c->grants == NULL || (c->grants->some[r.resource] & r.action) == 0)
		return false;
	if (t == NULL || (c->grants->whole[r.resource] & r.action) != 0)
		return true;
	for (size_t i = 0; i < c->grants->n; i++) {
		const Grant *g = &c->grants->list[i];

		if (g->resource == r.resource && (g->actions & r.action) != 0 && grant_holds(g, c, t))
			return true;
	}
	return false;
}

Scope
grants_scope(Arena *a, const Caller *c, const char *right)
{
	Scope s = { .caller = c };
	Right r;

	if (!right_parse(right, &r) || c->grants == NULL || resources[r.resource].own)
		return s;
	s.all = (c->grants->whole[r.resource] & r.action) != 0;
	s.grants = arena_array(a, const Grant *, c->grants->n + 1);
	for (size_t i = 0; !s.all && i < c->grants->n; i++) {
		const Grant *g = &c->grants->list[i];

		if (g->resource == r.resource && (g->actions & r.action) != 0 && attributes_hold(g, c))
			s.grants[s.n++] = g;
	}
	return s;
}

/* ---- delegation ---- */

static bool
list_within(const Json *less, const Json *more)
{
	bool within = true;

	if (more->kind == JSON_NULL)
		return true;
	if (less->kind == JSON_NULL)
		return false;
	for (size_t i = 0; i < less->n; i++) {
		bool found = false;

		for (size_t k = 0; k < more->n && !found; k++)
			found = json_eq(&less->items[i], &more->items[k]);
		within = within && found;
	}
	return within;
}

static bool
grant_within(const Grant *less, const Grant *more, const Caller *c)
{
	bool within = attributes_hold(more, c) && (more->owner <= OWNER_ANY || more->owner == less->owner) &&
		      (more->execution <= RUNS_ANY || more->execution == less->execution) &&
		      (more->encrypted == 0 || more->encrypted == less->encrypted);

	for (size_t i = 0; within && i < countof(lists); i++)
		within = list_within(list_in(less, &lists[i]), list_in(more, &lists[i]));
	return within;
}

static unsigned
held_actions(const Caller *c, const Grant *wanted)
{
	unsigned held = 0;

	for (size_t i = 0; c->grants != NULL && i < c->grants->n; i++) {
		const Grant *g = &c->grants->list[i];

		if (g->resource == wanted->resource && (!g->limited || grant_within(wanted, g, c)))
			held |= g->actions;
	}
	return held;
}

bool
grants_cover(const Caller *c, Arena *a, const Json *grants, Str *ret_missing)
{
	for (size_t i = 0; grants->kind == JSON_ARRAY && i < grants->n; i++) {
		unsigned lacks;
		Grant g;

		if (!grant_compile(a, &grants->items[i], &g))
			continue; /* gives nothing */
		lacks = g.actions & ~held_actions(c, &g);
		for (size_t k = 0; k < countof(actions); k++) {
			if ((lacks & 1u << k) == 0)
				continue;
			*ret_missing = str_fmt(a, "%s:%s", resources[g.resource].name, actions[k]);
			return false;
		}
	}
	return true;
}

/* ---- what an operator writes ---- */

static bool
actions_check(size_t at, const ResourceRow *r, const Json *names, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json known = actions_json(a, r->actions);

	if (!json_is(names, JSON_ARRAY) || names->n == 0)
		return err_set(err, ERR_VALIDATION, "Validation failed: grants[%zu].actions: must be a list", at);
	for (size_t i = 0; i < names->n; i++) {
		if (has_text(&known, json_as_str(&names->items[i])))
			continue;
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: grants[%zu].actions: %s has no action %.*s; there are %.*s", at, r->name,
		    STR_ARG(json_text(a, &names->items[i])), STR_ARG(json_text(a, &known)));
	}
	return true;
}

static bool
limits_check(size_t at, const Json *limits, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	if (json_is_null(limits))
		return true;
	if (limits->kind != JSON_OBJECT)
		return err_set(
		    err, ERR_VALIDATION, "Validation failed: grants[%zu].constraints: must be an object", at);
	for (size_t i = 0; i < limits->n; i++) {
		const JsonMember *m = &limits->members[i];
		Grant g = { 0 };

		limit_take(a, &g, m->key, &m->value);
		if (g.never || str_is(m->key, "ids") || str_is(m->key, "owner_refs"))
			return err_set(err, ERR_VALIDATION,
			    "Validation failed: grants[%zu].constraints.%.*s: is not known or not as it must be; there "
			    "are "
			    "pack_refs, refs, owner_types, visibility (lists), owner, execution_scope, encrypted, "
			    "attributes",
			    at, STR_ARG(m->key));
	}
	if (!json_is_null(json_get(limits, "refs")) && !json_is_null(json_get(limits, "pack_refs")))
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: grants[%zu].constraints: refs and pack_refs exclude each other", at);
	return true;
}

bool
grants_check(const Json *grants, Err *err)
{
	if (!json_is(grants, JSON_ARRAY))
		return err_set(err, ERR_VALIDATION, "Validation failed: grants: must be a list");
	for (size_t i = 0; i < grants->n; i++) {
		const Json *g = &grants->items[i];
		int resource = resource_find(json_get_text(g, "resource"));

		if (resource < 0 || resources[resource].own)
			return err_set(err, ERR_VALIDATION,
			    "Validation failed: grants[%zu].resource: '%.*s' is no resource, see docs/api.md", i,
			    STR_ARG(json_get_text(g, "resource")));
		if (!actions_check(i, &resources[resource], json_get(g, "actions"), err) ||
		    !limits_check(i, json_get(g, "constraints"), err))
			return false;
	}
	return true;
}
