#include "engine/secrets.h"

#include "base/log.h"

/* A sealed text opens only in the row and at the path it was made for. */
static Str
place_of(Arena *a, SecretOf of, Id entity, Str path)
{
	return str_fmt(a, "%s/%lld%.*s", secret_of_name(of), (long long)entity, STR_ARG(path));
}

static SecretRow *
row_add(SecretRows *to)
{
	if (to->n == to->cap) {
		size_t cap = to->cap == 0 ? 8 : to->cap * 2;

		to->rows = arena_grow(to->a, to->rows, to->n * sizeof(*to->rows), cap * sizeof(*to->rows));
		to->cap = cap;
	}
	return &to->rows[to->n++];
}

bool
secrets_seal(const Vault *v, SecretRows *to, SecretOf of, Id entity, const Secrets *secrets, Err *err)
{
	for (size_t i = 0; i < secrets->n; i++) {
		const Secret *s = &secrets->list[i];
		SecretRow row = { .of = of, .entity = entity, .path = s->path, .key_id = vault_key_id(v) };

		if (!vault_seal_json(v, to->a, place_of(to->a, of, entity, s->path), &s->value, &row.sealed, err))
			return err_wrap(err, "a secret parameter cannot be kept");
		*row_add(to) = row;
	}
	return true;
}

bool
secrets_open(Db *db, Arena *a, const Vault *v, SecretOf of, Id entity, Secret **ret, size_t *ret_n, Err *err)
{
	SecretRow *rows;
	size_t n;

	if (!secret_value_of(db, a, of, entity, &rows, &n, err))
		return false;
	*ret = arena_array(a, Secret, n + 1);
	*ret_n = n;
	for (size_t i = 0; i < n; i++) {
		(*ret)[i].path = rows[i].path;
		if (!vault_unseal_json(
			v, a, place_of(a, of, entity, rows[i].path), rows[i].sealed, &(*ret)[i].value, err))
			return err_wrap(err, "The secret at %.*s", STR_ARG(rows[i].path));
	}
	return true;
}

bool
secrets_reveal(Db *db, Arena *a, const Vault *v, SecretOf of, Id entity, Json *config, Err *err)
{
	Secret *list;
	size_t n;

	if (!secrets_marked(config))
		return true;
	if (!secrets_open(db, a, v, of, entity, &list, &n, err))
		return false;
	secrets_put(a, config, list, n);
	return true;
}

bool
secrets_keep(Uow *u, Id execution, const Secrets *had, Err *err)
{
	SecretRows rows = { .a = u->arena };

	return secrets_seal(u->e->vault, &rows, SECRET_OF_EXECUTION, execution, had, err) &&
	       secret_value_insert(u->db, u->arena, rows.rows, rows.n, u->now, err);
}

bool
secret_rewrap(Uow *u, const SecretRow *was, int64_t *done, int64_t *unreadable, Err *err)
{
	Str place = place_of(u->arena, was->of, was->entity, was->path), plain, sealed;
	const Vault *v = u->e->vault;
	Err why = { 0 };
	bool stored;

	if (!vault_unseal(v, u->arena, place, was->sealed, &plain, &why)) {
		log_warn("not re-wrapped: the secret at %.*s: %s", STR_ARG(place), why.text);
		++*unreadable;
		return true;
	}
	if (!vault_seal(v, u->arena, place, plain, &sealed, err) ||
	    !secret_value_rewrap(u->db, u->arena, was, sealed, vault_key_id(v), &stored, err))
		return false;
	*done += stored;
	return true;
}
