#include "engine/keys.h"

#include "base/log.h"
#include "engine/defs_keys.h"
#include "engine/secrets.h"
#include "engine/webhooks.h"
#include "model/keystore.h"
#include "model/params.h"

enum { STEP = 256 };

/* A sealed text that is put into another row, or whose row is given another owner, does not open. */
static Str
place_of(Arena *a, const KeyRow *k)
{
	return str_fmt(a, "key/%.*s/%.*s/%.*s", STR_ARG(k->ref), STR_ARG(k->owner_type), STR_ARG(k->owner));
}

bool
key_seal(const Vault *v, Arena *a, KeyRow *k, const Json *plain, Err *err)
{
	Str sealed;

	if (!k->encrypted) {
		k->value = *plain;
		k->key_id = (Str){ 0 };
		return true;
	}
	if (!vault_seal_json(v, a, place_of(a, k), plain, &sealed, err))
		return false;
	k->value = json_str(sealed);
	k->key_id = vault_key_id(v);
	return true;
}

bool
key_plain(const Vault *v, Arena *a, const KeyRow *k, Json *ret, Err *err)
{
	if (!k->encrypted) {
		*ret = k->value;
		return true;
	}
	return vault_unseal_json(v, a, place_of(a, k), json_as_str(&k->value), ret, err) ||
	       err_wrap(err, "Key '%.*s'", STR_ARG(k->ref));
}

/* ---- delivery ---- */

static bool
deliver(Uow *u, const KeyName *name, Json *params, Json *given, Err *err)
{
	KeyRow k;
	Json plain;
	bool found;

	if (!json_is_null(json_get_str(params, name->name)))
		return true;
	if (!key_get_id(u->db, u->arena, name->id, &k, &found, err))
		return false;
	if (!found)
		return true;
	if (!key_plain(u->e->vault, u->arena, &k, &plain, err))
		return false;
	json_set_str(u->arena, params, k.name, plain);
	json_push(u->arena, given, plain);
	return true;
}

static Json
spare(Arena *a, const ActionDef *action, const KeyName *const *names, size_t n)
{
	Json schema = action->param_schema;

	for (size_t i = 0; i < n; i++)
		if (secret_param(&schema, names[i]->name))
			schema = params_spare(a, &schema, names[i]->name);
	return schema;
}

Json
keys_spare(Uow *u, const ActionDef *action)
{
	size_t n = 0;
	const KeyName *const *names = action->has_secrets ? defs_keys(u->e->defs, u->arena, action, &n) : NULL;

	return spare(u->arena, action, names, n);
}

bool
keys_spare_read(Db *db, Arena *a, const ActionDef *action, Json *ret, Err *err)
{
	const KeyName *const *names = NULL;
	KeyNames known;
	size_t n = 0;

	if (secrets_in_schema(&action->param_schema)) {
		if (!key_names_load(&known, db, a, err))
			return false;
		names = key_names_of(&known, a, action, &n);
	}
	*ret = spare(a, action, names, n);
	return true;
}

bool
keys_deliver(Uow *u, const ActionDef *action, Json *params, Json *given, Err *err)
{
	size_t n;
	const KeyName *const *names = defs_keys(u->e->defs, u->arena, action, &n);

	if (n == 0)
		return true;
	*params = params->kind == JSON_OBJECT ? json_clone(u->arena, params) : json_object();
	for (size_t i = 0; i < n; i++)
		if (!deliver(u, names[i], params, given, err))
			return false;
	return true;
}

/* ---- for rules ---- */

static bool
named(const Str *names, size_t n, Str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

/* An event is worth more than a key that cannot be opened. */
static bool
give(Uow *u, const RuleDef *rule, const KeyName *name, Json *to, Err *err)
{
	KeyRow k;
	Json plain;
	bool found;
	Err why = { 0 };

	if (!json_is_null(json_get_str(to, name->name)))
		return true;
	if (!key_get_id(u->db, u->arena, name->id, &k, &found, err))
		return false;
	if (found && key_plain(u->e->vault, u->arena, &k, &plain, &why))
		json_set_str(u->arena, to, k.name, plain);
	else if (found)
		log_warn("rule '%.*s' gets no key '%.*s': %s", STR_ARG(rule->ref), STR_ARG(k.name), why.text);
	return true;
}

bool
keys_for_rule(Uow *u, const RuleDef *rule, const ActionDef *action, Json *ret, Err *err)
{
	const ActionDef asker = { .pack = rule->pack, .param_schema = action->param_schema, .keys = action->keys };
	size_t wanted_n, n;
	const Str *wanted = rule_keys(defs_rules(u->e->defs), rule, &wanted_n);
	const KeyName *const *names;
	Err why = { 0 };

	*ret = json_object();
	if (wanted_n == 0)
		return true;
	if (!keystore_check(
		u->arena, "action_params", action->ref, &action->param_schema, &rule->action_params, &why)) {
		log_warn("rule '%.*s' gets no keys: %s", STR_ARG(rule->ref), why.text);
		return true;
	}
	names = defs_keys(u->e->defs, u->arena, &asker, &n);
	for (size_t i = 0; i < n; i++)
		if (named(wanted, wanted_n, names[i]->name) && !give(u, rule, names[i], ret, err))
			return false;
	return true;
}

/* ---- re-wrapping ---- */

static bool
rewrap_key(Uow *u, const KeyRow *was, Rewrap *r, Err *err)
{
	KeyRow k = *was;
	Json plain;
	Err why = { 0 };
	bool done;

	if (!key_plain(u->e->vault, u->arena, was, &plain, &why)) {
		log_warn("not re-wrapped: %s", why.text);
		r->unreadable++;
		return true;
	}
	if (!key_seal(u->e->vault, u->arena, &k, &plain, err) ||
	    !key_rewrap(u->db, u->arena, was, &k.value, k.key_id, &done, err))
		return false;
	r->rewrapped += done;
	return true;
}

/* Behind the n rows that were found, the last of which has this id: on in the table, or to the next one. */
static void
moved(Rewrap *r, size_t n, Id last)
{
	r->after = n < STEP ? 0 : last;
	if (n == STEP)
		return;
	r->done = r->stage + 1 == REWRAP_STAGES;
	if (!r->done)
		r->stage++;
}

static bool
rewrap_keys(Uow *u, Rewrap *r, Err *err)
{
	KeyRow *rows;
	size_t n;

	if (!key_stale(u->db, u->arena, vault_key_id(u->e->vault), r->after, STEP, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!rewrap_key(u, &rows[i], r, err))
			return false;
	moved(r, n, n == 0 ? 0 : rows[n - 1].id);
	return true;
}

static bool
rewrap_secrets(Uow *u, Rewrap *r, Err *err)
{
	SecretRow *rows;
	size_t n;

	if (!secret_value_stale(u->db, u->arena, vault_key_id(u->e->vault), r->after, STEP, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!secret_rewrap(u, &rows[i], &r->rewrapped, &r->unreadable, err))
			return false;
	moved(r, n, n == 0 ? 0 : rows[n - 1].id);
	return true;
}

static bool
rewrap_webhooks(Uow *u, Rewrap *r, Err *err)
{
	HookRow *rows;
	size_t n;

	if (!webhook_config_stale(u->db, u->arena, vault_key_id(u->e->vault), r->after, STEP, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!webhook_rewrap(u, &rows[i], &r->rewrapped, &r->unreadable, err))
			return false;
	moved(r, n, n == 0 ? 0 : rows[n - 1].trigger);
	return true;
}

/* ---- registries of packs ---- */

static Str
index_place(Arena *a, const PackIndexRow *row)
{
	return str_fmt(a, "pack-index/%.*s", STR_ARG(row->url));
}

bool
index_headers_seal(const Vault *v, Arena *a, const Json *plain, PackIndexRow *row, Err *err)
{
	row->headers = row->key_id = (Str){ 0 };
	if (!json_is(plain, JSON_OBJECT) || plain->n == 0)
		return true;
	if (!vault_seal_json(v, a, index_place(a, row), plain, &row->headers, err))
		return false;
	row->key_id = vault_key_id(v);
	return true;
}

bool
index_headers_plain(const Vault *v, Arena *a, const PackIndexRow *row, Json *ret, Err *err)
{
	*ret = json_object();
	return str_none(row->headers) || vault_unseal_json(v, a, index_place(a, row), row->headers, ret, err) ||
	       err_wrap(err, "Registry of packs %lld", (long long)row->id);
}

static bool
rewrap_index(Uow *u, const PackIndexRow *was, Rewrap *r, Err *err)
{
	PackIndexRow row = *was;
	Json plain;
	Err why = { 0 };
	bool done;

	if (!index_headers_plain(u->e->vault, u->arena, was, &plain, &why)) {
		log_warn("not re-wrapped: %s", why.text);
		r->unreadable++;
		return true;
	}
	if (!index_headers_seal(u->e->vault, u->arena, &plain, &row, err) ||
	    !pack_index_rewrap(u->db, u->arena, was, row.headers, row.key_id, &done, err))
		return false;
	r->rewrapped += done;
	return true;
}

static bool
rewrap_indices(Uow *u, Rewrap *r, Err *err)
{
	PackIndexRow *rows;
	size_t n;

	if (!pack_index_stale(u->db, u->arena, vault_key_id(u->e->vault), r->after, STEP, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!rewrap_index(u, &rows[i], r, err))
			return false;
	moved(r, n, n == 0 ? 0 : rows[n - 1].id);
	return true;
}

bool
keys_rewrap(Uow *u, Rewrap *r, Err *err)
{
	static bool (*const stages[REWRAP_STAGES])(Uow *, Rewrap *, Err *) = {
		[REWRAP_KEYS] = rewrap_keys,
		[REWRAP_SECRETS] = rewrap_secrets,
		[REWRAP_WEBHOOKS] = rewrap_webhooks,
		[REWRAP_INDICES] = rewrap_indices,
	};

	if (!vault_has_key(u->e->vault))
		return err_set(err, ERR_INVALID, "There is no encryption key: set security.encryption_key");
	r->rewrapped = r->unreadable = 0;
	return stages[r->stage](u, r, err);
}

bool
keys_stale(Db *db, Arena *a, const Vault *v, int64_t *ret, Err *err)
{
	Str key_id = vault_has_key(v) ? vault_key_id(v) : str_of("");
	int64_t keys, secrets, webhooks, indices;

	if (!key_stale_count(db, a, key_id, &keys, err) || !secret_value_stale_count(db, a, key_id, &secrets, err) ||
	    !webhook_config_stale_count(db, a, key_id, &webhooks, err) ||
	    !pack_index_stale_count(db, a, key_id, &indices, err))
		return false;
	*ret = keys + secrets + webhooks + indices;
	return true;
}
