#include "engine/defs_keys.h"

#include "model/params.h"
#include "model/secrets.h"

typedef struct KeyLink KeyLink;
struct KeyLink {
	const KeyName *name;
	KeyLink *next;
};

static void
link_add(Arena *a, Map *m, Id owner, const KeyName *name)
{
	KeyLink *l = arena_new(a, KeyLink);

	*l = (KeyLink){ name, map_get(m, owner) };
	map_put(m, owner, l);
}

bool
key_names_load(KeyNames *k, Db *db, Arena *a, Err *err)
{
	KeyName *rows;
	size_t n;

	*k = (KeyNames){ .system = map_open(a), .packs = map_open(a), .actions = map_open(a) };
	if (!key_names(db, a, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (rows[i].action != 0)
			link_add(a, &k->actions, rows[i].action, &rows[i]);
		else if (rows[i].pack != 0)
			link_add(a, &k->packs, rows[i].pack, &rows[i]);
		else
			map_put_str(&k->system, rows[i].name, &rows[i]);
		k->any_system = k->any_system || (rows[i].action == 0 && rows[i].pack == 0);
	}
	return true;
}

static void
add_links(Vec *to, const KeyLink *l)
{
	for (; l != NULL; l = l->next)
		vec_push(to, (void *)(uintptr_t)l->name);
}

static void
add_system(Vec *to, const KeyNames *k, Str name)
{
	KeyName *found = map_get_str(&k->system, name);

	if (found != NULL)
		vec_push(to, found);
}

/* System keys go only to who names them: as a secret parameter, or in `keys`. */
static void
add_declared(Vec *to, const KeyNames *k, const ActionDef *action)
{
	Str name;

	for (size_t i = 0; params_name(&action->param_schema, i, &name); i++)
		if (secret_param(&action->param_schema, name))
			add_system(to, k, name);
	for (size_t i = 0; action->keys.kind == JSON_ARRAY && i < action->keys.n; i++)
		add_system(to, k, json_as_str(&action->keys.items[i]));
}

const KeyName *const *
key_names_of(const KeyNames *k, Arena *a, const ActionDef *action, size_t *ret_n)
{
	const KeyLink *own = map_get(&k->actions, action->id), *pack = map_get(&k->packs, action->pack);
	Vec list;

	*ret_n = 0;
	if (own == NULL && pack == NULL && !k->any_system)
		return NULL;
	list = vec_open(a);
	add_links(&list, own);
	add_links(&list, pack);
	if (k->any_system)
		add_declared(&list, k, action);
	*ret_n = list.n;
	return (const KeyName *const *)list.items;
}
