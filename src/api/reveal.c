#include "api/reveal.h"

#include "api/audit.h"
#include "api/work.h"

/* What the row itself says about whose it is. */
static Target
target_of(SecretOf of, Id id, const Json *shown)
{
	Str ref = json_get_text(shown, of == SECRET_OF_EXECUTION ? "action_ref" : "rule_ref"), rest = ref;
	Target t = { .id = id, .ref = ref };

	(void)str_cut(&rest, '.', &t.pack_ref);
	if (of != SECRET_OF_EXECUTION)
		return t;
	t.execution = id;
	t.owner = json_as_int(json_get(shown, "executor"), 0);
	return t;
}

static bool
reveal_member(App *app, Arena *a, SecretOf of, Id id, const char *member, Json *shown, bool *ret_some, Err *err)
{
	const Json *there = json_get(shown, member);
	Json open;

	if (there == NULL || !secrets_marked(there))
		return true;
	open = *there;
	if (!secrets_reveal(app_db(app), a, app->engine->vault, of, id, &open, err))
		return false;
	json_set(a, shown, member, open);
	*ret_some = true;
	return true;
}

bool
reveal_config(App *app, Req *q, SecretOf of, Id id, const char *right, Json *shown, Err *err)
{
	Arena *a = req_arena(q);
	AuditNote note = { .category = AUDIT_SECRET,
		.outcome = AUDIT_SUCCESS,
		.event_type = "secret.reveal",
		.resource_type = of == SECRET_OF_EXECUTION ? "execution" : "enforcement",
		.id = id };
	Target t = target_of(of, id, shown);
	bool wanted, some = false;

	if (!req_query_bool(q, "include_secret_values", false, &wanted, err))
		return false;
	if (!wanted)
		return true;
	if (!need(app, right, &t, err))
		return false;
	if (!reveal_member(app, a, of, id, "config", shown, &some, err) ||
	    (of == SECRET_OF_EXECUTION && !reveal_member(app, a, SECRET_OF_RESULT, id, "result", shown, &some, err)))
		return false;
	return !some || audit_now(app, q, &note, err);
}
