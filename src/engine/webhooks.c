#include "engine/webhooks.h"

#include "base/log.h"
#include "model/webhook.h"

static const char *const secret_keys[] = { "secret", "secrets" };
static const char *const sealed_keys[] = { "sealed", "key_id", "secret_count" };

static Str
place_of(Arena *a, Id trigger)
{
	return str_fmt(a, "webhook/%lld", (long long)trigger);
}

/* Its hmac without those keys, for the caller to add what it has instead. */
static Json
hmac_without(Arena *a, const Json *config, const char *const *keys, size_t n)
{
	Json hmac = json_clone(a, json_get(config, "hmac"));

	for (size_t i = 0; i < n; i++)
		(void)json_remove(&hmac, str_of(keys[i]));
	return hmac;
}

bool
webhook_config_open(const Vault *v, Arena *a, Id trigger, const Json *stored, Json *ret, Err *err)
{
	Str sealed = json_get_text(json_get(stored, "hmac"), "sealed");
	Json hmac, plain;

	*ret = *stored;
	if (str_none(sealed))
		return true;
	if (!vault_unseal_json(v, a, place_of(a, trigger), sealed, &plain, err))
		return false;
	hmac = hmac_without(a, stored, sealed_keys, countof(sealed_keys));
	for (size_t i = 0; i < countof(secret_keys); i++)
		if (!json_is_null(json_get(&plain, secret_keys[i])))
			json_set(a, &hmac, secret_keys[i], *json_get(&plain, secret_keys[i]));
	*ret = json_clone(a, stored);
	json_set(a, ret, "hmac", hmac);
	return true;
}

bool
webhook_config_seal(const Vault *v, Arena *a, Id trigger, const Json *open, Json *ret, Err *err)
{
	Json plain = json_object(), hmac, shown = webhook_config_public(a, open);
	const Json *count = json_get(json_get(&shown, "hmac"), "secret_count");
	Str sealed;

	*ret = *open;
	if (count == NULL)
		return true;
	for (size_t i = 0; i < countof(secret_keys); i++)
		if (!json_is_null(json_get(json_get(open, "hmac"), secret_keys[i])))
			json_set(a, &plain, secret_keys[i], *json_get(json_get(open, "hmac"), secret_keys[i]));
	hmac = hmac_without(a, open, secret_keys, countof(secret_keys));
	if (json_as_int(count, 0) > 0) {
		if (!vault_seal_json(v, a, place_of(a, trigger), &plain, &sealed, err))
			return err_wrap(err, "The secrets of a webhook cannot be kept");
		json_set(a, &hmac, "sealed", json_str(sealed));
		json_set(a, &hmac, "key_id", json_str(vault_key_id(v)));
		json_set(a, &hmac, "secret_count", *count);
	}
	*ret = json_clone(a, open);
	json_set(a, ret, "hmac", hmac);
	return true;
}

bool
webhook_rewrap(Uow *u, const HookRow *was, int64_t *done, int64_t *unreadable, Err *err)
{
	const Vault *v = u->e->vault;
	Json open, sealed;
	Err why = { 0 };
	bool stored;

	if (!webhook_config_open(v, u->arena, was->trigger, &was->config, &open, &why)) {
		log_warn("not re-wrapped: the secrets of the webhook of trigger %lld: %s", (long long)was->trigger,
		    why.text);
		++*unreadable;
		return true;
	}
	if (!webhook_config_seal(v, u->arena, was->trigger, &open, &sealed, err) ||
	    !webhook_config_rewrap(u->db, u->arena, was, &sealed, &stored, err))
		return false;
	*done += stored;
	return true;
}
