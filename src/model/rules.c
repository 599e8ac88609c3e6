#include "model/rules.h"

#include "base/map.h"
#include "model/condition.h"
#include "model/extras.h"
#include "model/keystore.h"
#include "model/secrets.h"
#include "model/template.h"

#include <stdlib.h>

enum { GARBAGE_LEAST = 1000 }; /* replaced rules that are carried along before the index is made anew */

typedef struct List List;

typedef struct Entry Entry;

/* Where a rule stands: one place for each of its triggers. */
typedef struct Place {
	Entry *entry;
	const Condition *condition; /* of that trigger, beside the rule's own; NULL: none */
	Str trigger_ref;
	List *list;
	size_t at;
} Place;

/* Action parameters: compiled once for all rules that have the same. */
typedef struct Params {
	Json value; /* as written */
	const Template *compiled;
	const Str *keys; /* of the keystore, that they name */
	size_t keys_n;
	bool wants_config;
} Params;

typedef struct Config {
	Json whole;
	Json shown; /* the same without its secrets; null: it has none */
} Config;

struct Entry {
	RuleDef def;
	const Condition *condition; /* NULL: matches nothing */
	const Params *params;
	const Config *pack_config; /* NULL: nothing looks at it */
	const RuleExtras *extras;  /* NULL: none */
	Place *places;
	size_t places_n; /* 0 while disabled */
};

/* Rules that are to be tried together. */
struct List {
	Place **items;
	uint32_t n, cap;
};

/* Rules of one trigger that demand a value of the same field, by that value. */
typedef struct Field {
	Str text;
	Path path;
	Map by_text, by_int;
} Field;

typedef struct Bucket {
	List rest; /* rules without such a demand */
	Vec fields;
} Bucket;

struct RuleIndex {
	Arena *a;
	Map by_id, by_trigger;
	Map names;     /* texts that many rules have in common */
	Map by_params; /* by the hash of their text */
	size_t garbage;
};

static void
index_clear(RuleIndex *x)
{
	x->a = arena_open();
	x->by_id = map_open(x->a);
	x->by_trigger = map_open(x->a);
	x->names = map_open(x->a);
	x->by_params = map_open(x->a);
	x->garbage = 0;
}

RuleIndex *
rule_index_open(void)
{
	RuleIndex *x = calloc(1, sizeof(*x));

	if (x == NULL)
		abort();
	index_clear(x);
	return x;
}

void
rule_index_close(RuleIndex *x)
{
	if (x == NULL)
		return;
	arena_close(x->a);
	free(x);
}

static void
list_add(Arena *a, List *l, Place *e)
{
	if (l->n == l->cap) {
		uint32_t cap = l->cap == 0 ? 1 : l->cap * 2;

		l->items = arena_grow(a, l->items, l->n * sizeof(*l->items), cap * sizeof(*l->items));
		l->cap = cap;
	}
	e->list = l;
	e->at = l->n;
	l->items[l->n++] = e;
}

static void
list_drop(Place *e)
{
	List *l = e->list;

	l->items[e->at] = l->items[--l->n];
	l->items[e->at]->at = e->at;
}

/* ---- what rules have in common ---- */

static Str
name_kept(RuleIndex *x, Str s)
{
	char *kept;

	if (str_none(s))
		return s;
	kept = map_get_str(&x->names, s);
	if (kept == NULL) {
		kept = (char *)(uintptr_t)str_copy(x->a, s).p;
		map_put_str(&x->names, (Str){ kept, s.n }, kept);
	}
	return (Str){ kept, s.n };
}

static const Params *
params_new(RuleIndex *x, Arena *scratch, const Json *value)
{
	Params *p = arena_new(x->a, Params);
	const Str *keys;

	p->value = json_clone(x->a, value);
	p->compiled = template_compile(x->a, &p->value, &p->wants_config);
	keys = keystore_names(scratch, p->compiled, &p->keys_n);
	if (p->keys_n > 0)
		p->keys = arena_copy(x->a, keys, p->keys_n * sizeof(Str));
	return p;
}

static const Params *
params_kept(RuleIndex *x, Arena *scratch, const Json *value)
{
	Str text = json_text(scratch, value);
	int64_t hash = (int64_t)str_hash(text);
	const Params *p = map_get(&x->by_params, hash);

	if (p != NULL && str_eq(json_text(scratch, &p->value), text))
		return p;
	p = params_new(x, scratch, value);
	map_put(&x->by_params, hash, (void *)(uintptr_t)p);
	return p;
}

/* ---- the index ---- */

static Bucket *
bucket_of(RuleIndex *x, Str trigger_ref)
{
	Bucket *b = map_get_str(&x->by_trigger, trigger_ref);

	if (b == NULL) {
		b = arena_new(x->a, Bucket);
		b->fields = vec_open(x->a);
		map_put_str(&x->by_trigger, name_kept(x, trigger_ref), b);
	}
	return b;
}

static Field *
field_of(RuleIndex *x, Bucket *b, const EqualityKey *key)
{
	Field *f;

	for (size_t i = 0; i < b->fields.n; i++) {
		f = b->fields.items[i];
		if (str_eq(f->text, key->path_text))
			return f;
	}
	f = arena_new(x->a, Field);
	*f = (Field){ str_copy(x->a, key->path_text),
		{ arena_copy(x->a, key->path.parts, key->path.n * sizeof(Str)), key->path.n }, map_open(x->a),
		map_open(x->a) };
	vec_push(&b->fields, f);
	return f;
}

static List *
field_list(const Field *f, const Json *value)
{
	if (json_is(value, JSON_STRING))
		return map_get_str(&f->by_text, json_as_str(value));
	return json_is(value, JSON_INT) ? map_get(&f->by_int, value->i) : NULL;
}

static List *
field_list_new(RuleIndex *x, Field *f, const Json *value)
{
	List *l = arena_new(x->a, List);

	if (value->kind == JSON_STRING)
		map_put_str(&f->by_text, json_as_str(value), l);
	else
		map_put(&f->by_int, value->i, l);
	return l;
}

static void
place(RuleIndex *x, Arena *scratch, Place *e)
{
	Bucket *b = bucket_of(x, e->trigger_ref);
	List *l = &b->rest;
	EqualityKey key;

	if (condition_key(scratch, e->entry->condition, &key) ||
	    (e->condition != NULL && condition_key(scratch, e->condition, &key))) {
		Field *f = field_of(x, b, &key);

		l = field_list(f, key.value);
		if (l == NULL)
			l = field_list_new(x, f, key.value);
	}
	list_add(x->a, l, e);
}

static void
places_make(RuleIndex *x, Arena *scratch, Entry *e)
{
	const RuleExtras *more = e->extras;

	e->places_n = more == NULL || more->parts_n == 0 ? 1 : more->parts_n;
	e->places = arena_array(x->a, Place, e->places_n);
	for (size_t i = 0; i < e->places_n; i++) {
		e->places[i] = (Place){ .entry = e, .trigger_ref = e->def.trigger_ref };
		if (more != NULL && more->parts_n > 0) {
			e->places[i].trigger_ref = more->parts[i].trigger_ref;
			e->places[i].condition = more->parts[i].condition;
		}
		place(x, scratch, &e->places[i]);
	}
}

static RuleDef
def_clone(RuleIndex *x, const RuleDef *d, const Params *params)
{
	RuleDef c = *d;
	Str *const texts[] = { &c.ref, &c.label, &c.description };
	Str *const names[] = { &c.pack_ref, &c.action_ref, &c.trigger_ref };
	Json *const values[] = { &c.conditions, &c.trigger_params, &c.permission_set_refs, &c.extras };

	for (size_t i = 0; i < countof(texts); i++)
		if (!str_none(*texts[i]))
			*texts[i] = str_copy(x->a, *texts[i]);
	for (size_t i = 0; i < countof(names); i++)
		*names[i] = name_kept(x, *names[i]);
	for (size_t i = 0; i < countof(values); i++)
		*values[i] = json_clone(x->a, values[i]);
	c.action_params = params->value;
	return c;
}

static void
drop(RuleIndex *x, Id rule)
{
	Entry *e = map_get(&x->by_id, rule);

	if (e == NULL)
		return;
	for (size_t i = 0; i < e->places_n; i++)
		list_drop(&e->places[i]);
	map_put(&x->by_id, rule, NULL);
	x->garbage++;
}

/* Most rules have none. */
static bool
extras_read(Arena *a, Entry *e, bool *wants_config, Str *problem)
{
	RuleExtras made;
	Err err = { 0 };

	if (!extras_compile(a, &e->def, &made, wants_config, &err)) {
		*problem = str_copy(a, str_of(err.text));
		return false;
	}
	if (made.any)
		e->extras = arena_copy(a, &made, sizeof(made));
	return true;
}

static Json
without_secrets(Arena *a, const PackDef *pack)
{
	Json shown = pack->config;
	Secrets hidden = secrets_take(a, &pack->conf_schema, &shown);

	if (hidden.n == 0)
		return json_null();
	for (size_t i = 0; i < hidden.n; i++)
		hidden.list[i].value = json_null();
	secrets_put(a, &shown, hidden.list, hidden.n);
	return shown;
}

static const Config *
config_kept(Arena *a, const Config *c)
{
	Config kept = { json_clone(a, &c->whole), json_clone(a, &c->shown) };

	return arena_copy(a, &kept, sizeof(kept));
}

/* config: of its pack; NULL: none. */
static void
put(RuleIndex *x, Arena *scratch, const RuleDef *rule, const Config *config, Str *ret_problem)
{
	Entry *e = arena_new(x->a, Entry);
	bool wants_config;
	Str problem = { 0 };

	e->params = params_kept(x, scratch, &rule->action_params);
	wants_config = e->params->wants_config;
	e->def = def_clone(x, rule, e->params);
	if (!condition_compile(x->a, &e->def.conditions, &e->condition, &problem))
		e->condition = NULL;
	if (!extras_read(x->a, e, &wants_config, &problem))
		e->condition = NULL;
	if (wants_config && config != NULL)
		e->pack_config = config_kept(x->a, config);
	if (ret_problem != NULL)
		*ret_problem = problem;
	drop(x, rule->id);
	map_put(&x->by_id, rule->id, e);
	if (rule->enabled && e->condition != NULL)
		places_make(x, scratch, e);
}

/* Everything lies in one arena, in which replaced rules stay; from time to time the living ones move to a new one. */
static void
collect(RuleIndex *x)
{
	Arena *before = x->a, *scratch;
	Map rules = x->by_id;
	size_t at = 0;
	void *e;

	if (x->garbage < GARBAGE_LEAST || x->garbage < x->by_id.n)
		return;
	index_clear(x);
	scratch = arena_open();
	while (map_next(&rules, &at, NULL, NULL, &e)) {
		put(x, scratch, &((Entry *)e)->def, ((Entry *)e)->pack_config, NULL);
		arena_reset(scratch);
	}
	arena_close(scratch);
	arena_close(before);
}

void
rule_index_put(RuleIndex *x, const RuleDef *rule, const PackDef *pack, Str *ret_problem)
{
	Arena *scratch = arena_open();
	Config config = { 0 };

	if (pack != NULL)
		config = (Config){ pack->config, without_secrets(scratch, pack) };
	collect(x);
	put(x, scratch, rule, pack == NULL ? NULL : &config, ret_problem);
	arena_close(scratch);
}

void
rule_index_drop(RuleIndex *x, Id rule)
{
	drop(x, rule);
	collect(x);
}

size_t
rule_index_held(const RuleIndex *x)
{
	return arena_used(x->a);
}

size_t
rule_index_count(const RuleIndex *x)
{
	return x->by_id.n;
}

const RuleDef *
rule_index_next(const RuleIndex *x, size_t *at)
{
	void *e;

	return map_next(&x->by_id, at, NULL, NULL, &e) ? &((const Entry *)e)->def : NULL;
}

const RuleDef *
rule_index_get(const RuleIndex *x, Id rule)
{
	const Entry *e = map_get(&x->by_id, rule);

	return e == NULL ? NULL : &e->def;
}

/* What has matched so far. */
typedef struct Found {
	Arena *a;
	const RuleDef **rules;
	size_t n, cap;
} Found;

static void
found_add(Found *f, const Entry *e)
{
	if (f->n == f->cap) {
		size_t cap = f->cap == 0 ? 4 : f->cap * 2;

		f->rules = arena_grow(f->a, f->rules, f->n * sizeof(*f->rules), cap * sizeof(*f->rules));
		f->cap = cap;
	}
	f->rules[f->n++] = &e->def;
}

static bool
place_met(Arena *a, const Place *p, const EventView *e)
{
	return condition_met(a, p->entry->condition, e) && (p->condition == NULL || condition_met(a, p->condition, e));
}

static void
try_list(Found *f, const List *l, const EventView *e)
{
	for (size_t i = 0; l != NULL && i < l->n; i++)
		if (place_met(f->a, l->items[i], e))
			found_add(f, l->items[i]->entry);
}

static int
by_id(const void *x, const void *y)
{
	const RuleDef *const *l = x, *const *r = y;

	return ((*l)->id > (*r)->id) - ((*l)->id < (*r)->id);
}

static void
match_one(Found *f, const RuleIndex *x, const EventView *e)
{
	const Entry *entry = map_get(&x->by_id, e->rule);

	for (size_t i = 0; entry != NULL && i < entry->places_n; i++)
		if (str_eq(entry->places[i].trigger_ref, e->trigger_ref) && place_met(f->a, &entry->places[i], e))
			found_add(f, entry);
}

/* A rule may stand on one trigger twice: sorted, it is beside itself. */
static size_t
found_once(const RuleDef **rules, size_t n)
{
	size_t kept = 1;

	for (size_t i = 1; i < n; i++)
		if (rules[i] != rules[kept - 1])
			rules[kept++] = rules[i];
	return kept;
}

const RuleDef **
rule_index_match(const RuleIndex *x, Arena *a, const EventView *e, size_t *ret_n)
{
	const Bucket *b = e->rule != 0 ? NULL : map_get_str(&x->by_trigger, e->trigger_ref);
	Found f = { .a = a };

	if (e->rule != 0)
		match_one(&f, x, e);
	if (b != NULL)
		try_list(&f, &b->rest, e);
	for (size_t i = 0; b != NULL && i < b->fields.n; i++) {
		const Field *field = b->fields.items[i];

		try_list(&f, field_list(field, path_get(&field->path, 0, e->payload)), e);
	}
	if (f.n > 1) {
		qsort(f.rules, f.n, sizeof(*f.rules), by_id);
		f.n = found_once(f.rules, f.n);
	}
	*ret_n = f.n;
	return f.rules;
}

static const Json *
config_of(const Entry *e, bool secrets)
{
	static const Json none = { 0 };
	const Config *c = e->pack_config;

	if (c == NULL)
		return &none;
	return secrets || c->shown.kind == JSON_NULL ? &c->whole : &c->shown;
}

bool
rule_sees_secrets(const RuleIndex *x, const RuleDef *rule)
{
	const Entry *entry = map_get(&x->by_id, rule->id);

	return entry != NULL && entry->pack_config != NULL && entry->pack_config->shown.kind != JSON_NULL;
}

Json
rule_render(const RuleIndex *x, Arena *a, const RuleDef *rule, const EventView *e, const RuleGiven *given, TimeUs now)
{
	const Entry *entry = map_get(&x->by_id, rule->id);
	TemplateRoots roots = {
		.event = e, .rule = rule, .events = given->events, .keystore = given->keystore, .now = now
	};
	Json made;

	if (entry == NULL)
		return json_object();
	roots.pack_config = config_of(entry, given->secrets);
	made = template_render(a, entry->params->compiled, &roots);
	return made.kind == JSON_OBJECT ? made : json_object();
}

const Str *
rule_keys(const RuleIndex *x, const RuleDef *rule, size_t *ret_n)
{
	const Entry *entry = map_get(&x->by_id, rule->id);

	*ret_n = entry == NULL ? 0 : entry->params->keys_n;
	return entry == NULL ? NULL : entry->params->keys;
}

const RuleExtras *
rule_extras(const RuleIndex *x, const RuleDef *rule)
{
	const Entry *entry = map_get(&x->by_id, rule->id);

	return entry == NULL ? NULL : entry->extras;
}

Str
rule_key(const RuleIndex *x, Arena *a, const RuleDef *rule, const Tmpl *key, const EventView *e, TimeUs now)
{
	const Entry *entry = map_get(&x->by_id, rule->id);
	TemplateRoots roots = { .event = e, .rule = rule, .now = now };
	Json made;

	if (key == NULL || entry == NULL)
		return str_of("");
	roots.pack_config = config_of(entry, false);
	made = template_render(a, key, &roots);
	return made.kind == JSON_STRING ? json_as_str(&made) : json_text(a, &made);
}
