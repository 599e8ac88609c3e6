#include "base/vault.h"

#include "base/codec.h"
#include "base/crypto.h"

enum { KEY_ID_CHARS = 16 };

typedef struct VaultKey {
	unsigned char bytes[GCM_KEY_BYTES];
	Str id;
} VaultKey;

struct Vault {
	VaultKey keys[VAULT_KEYS];
	size_t n;
};

static const char form[] = "v1:";

/* The key is the hash of what was configured; its name is a hash of the key, so that it gives nothing away. */
static void
key_make(Arena *a, Str given, VaultKey *ret)
{
	static const char label[] = "attune key id\n";
	char text[sizeof(label) - 1 + GCM_KEY_BYTES];

	sha256(given, ret->bytes);
	memcpy(text, label, sizeof(label) - 1);
	memcpy(text + sizeof(label) - 1, ret->bytes, GCM_KEY_BYTES);
	ret->id = str_sub(sha256_hex(a, (Str){ text, sizeof(text) }), 0, KEY_ID_CHARS);
}

bool
vault_open(Arena *a, Str current, const Json *others, Vault **ret, Err *err)
{
	Vault *v = arena_new(a, Vault);

	if (!str_none(current) && current.n > 0)
		key_make(a, current, &v->keys[v->n++]);
	for (size_t i = 0; v->n > 0 && json_is(others, JSON_ARRAY) && i < others->n; i++) {
		if (v->n == VAULT_KEYS)
			return err_set(err, ERR_INVALID, "more than %d encryption keys", VAULT_KEYS);
		key_make(a, json_as_str(&others->items[i]), &v->keys[v->n++]);
	}
	*ret = v;
	return true;
}

bool
vault_has_key(const Vault *v)
{
	return v != NULL && v->n > 0;
}

Str
vault_key_id(const Vault *v)
{
	return vault_has_key(v) ? v->keys[0].id : (Str){ 0 };
}

static bool
no_key(Err *err)
{
	return err_set(err, ERR_INVALID,
	    "There is no encryption key: set security.encryption_key (ATTUNE__SECURITY__ENCRYPTION_KEY)");
}

bool
vault_is_current(const Vault *v, Str sealed)
{
	Str id = vault_key_id(v);
	size_t at = sizeof(form) - 1;

	return !str_none(id) && str_starts(sealed, str_of(form)) && str_starts(str_sub(sealed, at, sealed.n), id) &&
	       str_starts(str_sub(sealed, at + id.n, sealed.n), str_of(":"));
}

bool
vault_seal(const Vault *v, Arena *a, Str place, Str plain, Str *ret, Err *err)
{
	Str sealed;

	if (!vault_has_key(v))
		return no_key(err);
	if (!gcm_seal(a, v->keys[0].bytes, place, plain, &sealed))
		return err_set(err, ERR_INTERNAL, "a secret could not be encrypted");
	*ret = str_fmt(a, "%s%.*s:%s", form, STR_ARG(v->keys[0].id), base64_encode(a, sealed).p);
	return true;
}

/* What earlier systems stored does not say which key it bears. */
static bool
unseal_old(const Vault *v, Arena *a, Str sealed, Str *ret, Err *err)
{
	Str bytes;

	if (!base64_decode(a, sealed, &bytes))
		return err_set(err, ERR_CORRUPT, "a stored secret is not readable");
	for (size_t i = 0; i < v->n; i++)
		if (gcm_open(a, v->keys[i].bytes, (Str){ 0 }, bytes, ret))
			return true;
	return err_set(err, ERR_CORRUPT,
	    "a stored secret opens with none of the encryption keys: name the one that it was encrypted with in "
	    "security.encryption_keys_old");
}

bool
vault_unseal(const Vault *v, Arena *a, Str place, Str sealed, Str *ret, Err *err)
{
	Str rest = str_sub(sealed, sizeof(form) - 1, sealed.n), id, bytes;

	if (!vault_has_key(v))
		return no_key(err);
	if (!str_starts(sealed, str_of(form)))
		return unseal_old(v, a, sealed, ret, err);
	if (!str_cut(&rest, ':', &id) || !base64_decode(a, rest, &bytes))
		return err_set(err, ERR_CORRUPT, "a stored secret is not readable");
	for (size_t i = 0; i < v->n; i++) {
		if (!str_eq(v->keys[i].id, id))
			continue;
		return gcm_open(a, v->keys[i].bytes, place, bytes, ret) ||
		       err_set(err, ERR_CORRUPT, "a stored secret was changed, or does not belong where it stands");
	}
	return err_set(err, ERR_CORRUPT,
	    "a stored secret was encrypted with the key '%.*s', which is not known here: name it in "
	    "security.encryption_keys_old",
	    STR_ARG(str_sub(id, 0, KEY_ID_CHARS)));
}

bool
vault_seal_json(const Vault *v, Arena *a, Str place, const Json *plain, Str *ret, Err *err)
{
	return vault_seal(v, a, place, json_text(a, plain), ret, err);
}

bool
vault_unseal_json(const Vault *v, Arena *a, Str place, Str sealed, Json *ret, Err *err)
{
	Str text;

	if (!vault_unseal(v, a, place, sealed, &text, err))
		return false;
	return json_parse(a, text, NULL, ret, NULL) || err_set(err, ERR_CORRUPT, "a stored secret is not JSON");
}
