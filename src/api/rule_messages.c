#include "api/rule_messages.h"

#include "store/rule.h"

/* Foreign sensor processes read the payload; ours look at the definitions. Values may belong to the request: copied. */
static Json
payload(Arena *a, MsgKind kind, const RuleDef *d)
{
	bool whole = kind == MSG_RULE_CREATED || kind == MSG_RULE_UPDATED;
	Json o = json_object();

	json_add(a, &o, "rule_id", json_int(d->id));
	json_add(a, &o, "rule_ref", json_str(str_copy(a, d->ref)));
	json_add(a, &o, "trigger_ref", json_str(str_copy(a, d->trigger_ref)));
	if (whole || kind == MSG_RULE_ENABLED)
		json_add(a, &o, "trigger_params", json_clone(a, &d->trigger_params));
	if (!whole)
		return o;
	json_add(a, &o, "trigger_id", d->trigger == 0 ? json_null() : json_int(d->trigger));
	json_add(a, &o, "action_id", d->action == 0 ? json_null() : json_int(d->action));
	json_add(a, &o, "action_ref", json_str(str_copy(a, d->action_ref)));
	json_add(a, &o, "enabled", json_bool(d->enabled));
	return o;
}

void
out_rule(Uow *u, MsgKind kind, const RuleDef *d)
{
	Json json = payload(u->out.a, kind, d);

	*outbox_add(&u->out, kind) = (MsgItem){ .id = d->id,
		.ref = str_copy(u->out.a, d->ref),
		.at = u->now,
		.correlation = uuid_new(u->now),
		.json = json };
}

void
out_rule_changed(Uow *u, const RuleDef *before, const RuleDef *d)
{
	bool moved =
	    !str_eq(before->trigger_ref, d->trigger_ref) || !json_eq(&before->trigger_params, &d->trigger_params);

	out_rule(u, MSG_RULE_UPDATED, d);
	if (before->enabled && !d->enabled)
		out_rule(u, MSG_RULE_DISABLED, d);
	else if (d->enabled && (!before->enabled || moved))
		out_rule(u, MSG_RULE_ENABLED, d);
}

bool
out_rules_of(Uow *u, MsgKind kind, Str trigger_ref, Str pack_ref, Err *err)
{
	DefFilter f = { .trigger_ref = trigger_ref, .pack_ref = pack_ref };
	RuleDef *all;
	size_t n;

	if (!rule_list(u->db, u->arena, &f, &all, &n, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++)
		out_rule(u, kind, &all[i]);
	return true;
}
