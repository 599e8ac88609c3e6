#include "cli/kinds.h"

#define PLACEMENT(flags) \
	{ "worker_selector", flags, NULL }, { "worker_tolerations", flags, NULL }, \
	{ \
		"worker_affinity", flags, NULL \
	}
/* Who else may refer to it. */
#define REFERENCES(flags) \
	{ "reference_visibility", flags, NULL }, \
	{ \
		"reference_allowed_pack_refs", flags, NULL \
	}
/* What is kept of its runs. */
#define RETENTION(flags) \
	{ "log_retention_policy", MEMBER_PATCH | (flags), NULL }, \
	    { "log_retention_limit", MEMBER_PATCH | (flags), NULL }, \
	    { "artifact_retention_policy", MEMBER_PATCH | (flags), NULL }, \
	{ \
		"artifact_retention_limit", MEMBER_PATCH | (flags), NULL \
	}

static const ApplyKind kinds[] = {
	{ "pack", "/api/v1/packs",
	    { { "label", MEMBER_NEEDED }, { "version", MEMBER_NEEDED }, { "description", MEMBER_PATCH },
		{ "conf_schema" }, { "config" }, { "meta" }, { "tags" }, { "runtime_deps" }, { "dependencies" } } },
	{ "trigger", "/api/v1/triggers",
	    { { "pack_ref", MEMBER_FIXED, "pack" }, { "label", MEMBER_NEEDED }, { "description", MEMBER_PATCH },
		{ "enabled" }, { "param_schema", MEMBER_PATCH }, { "out_schema", MEMBER_PATCH }, REFERENCES(0) } },
	{ "action", "/api/v1/actions",
	    { { "pack_ref", MEMBER_FIXED | MEMBER_NEEDED, "pack" }, { "label", MEMBER_NEEDED }, { "description" },
		{ "entrypoint", MEMBER_NEEDED }, { "runtime_ref" }, { "runtime_version_constraint", MEMBER_PATCH },
		{ "param_schema" }, { "out_schema" }, { "timeout_seconds", MEMBER_PATCH }, { "sandbox", MEMBER_PATCH },
		{ "limits" }, { "priority" }, { "required_worker_runtimes" },
		{ "default_execution_permission_set_refs" }, PLACEMENT(0), REFERENCES(0), RETENTION(0), { "retry" },
		{ "parameter_delivery" }, { "parameter_format" }, { "output_format" }, { "accesses_mcp" },
		{ "enabled" } } },
	{ "workflow", "/api/v1/workflows",
	    { { "pack_ref", MEMBER_FIXED | MEMBER_NEEDED, "pack" }, { "label", MEMBER_NEEDED }, { "description" },
		{ "version", MEMBER_NEEDED }, { "definition", MEMBER_NEEDED }, { "param_schema" }, { "out_schema" },
		{ "tags" }, { "enabled", MEMBER_OF_ACTION }, { "priority", MEMBER_OF_ACTION },
		{ "timeout_seconds", MEMBER_PATCH | MEMBER_OF_ACTION }, { "retry", MEMBER_OF_ACTION },
		{ "default_execution_permission_set_refs", MEMBER_OF_ACTION }, PLACEMENT(MEMBER_OF_ACTION),
		REFERENCES(MEMBER_OF_ACTION), RETENTION(MEMBER_OF_ACTION) } },
	{ "sensor", "/api/v1/sensors",
	    { { "pack_ref", MEMBER_FIXED | MEMBER_NEEDED, "pack" }, { "label", MEMBER_NEEDED }, { "description" },
		{ "entrypoint", MEMBER_NEEDED }, { "runtime_ref", MEMBER_FIXED | MEMBER_NEEDED },
		{ "trigger_ref", MEMBER_FIXED | MEMBER_NEEDED, "trigger" }, { "config", MEMBER_FIXED }, { "enabled" },
		{ "param_schema", MEMBER_PATCH }, { "protocol" }, PLACEMENT(0), RETENTION(0) } },
	{ "key", "/api/v1/keys",
	    { { "name", MEMBER_NEEDED }, { "owner_type", MEMBER_FIXED | MEMBER_NEEDED },
		{ "owner", MEMBER_FIXED | MEMBER_ASIDE }, { "owner_identity", MEMBER_FIXED },
		{ "owner_pack_ref", MEMBER_FIXED, "pack" }, { "owner_action_ref", MEMBER_FIXED, "action" },
		{ "owner_sensor_ref", MEMBER_FIXED, "sensor" }, { "encrypted" },
		{ "value", MEMBER_NEEDED | MEMBER_SECRET } } },
	{ "policy", "/api/v1/policies",
	    { { "pack_ref", MEMBER_FIXED, "pack" }, { "action_ref", 0, "action" }, { "label", MEMBER_NEEDED },
		{ "description" }, { "tags" }, { "concurrency", MEMBER_FILLED }, { "rate", MEMBER_FILLED },
		{ "breaker", MEMBER_FILLED }, { "enabled" } } },
	{ "rule", "/api/v1/rules",
	    { { "pack_ref", MEMBER_FIXED | MEMBER_NEEDED, "pack" }, { "label", MEMBER_NEEDED }, { "description" },
		{ "trigger_ref", 0, "trigger" }, /* the server asks for it, unless there are triggers */
		{ "action_ref", MEMBER_NEEDED, "action" }, { "trigger_params" }, { "action_params" }, { "conditions" },
		{ "throttle" }, { "debounce" }, { "once_within" }, { "triggers" }, { "correlate" },
		{ "permission_set_refs" }, { "priority" }, { "enabled" } } },
};

const ApplyKind *
apply_kinds(size_t *ret_count)
{
	*ret_count = countof(kinds);
	return kinds;
}

const ApplyKind *
apply_kind_named(Str name)
{
	for (size_t i = 0; i < countof(kinds); i++) {
		Str one = str_of(kinds[i].name);

		if (str_eq(name, one) || (str_starts(name, one) && name.n == one.n + 1 && name.p[one.n] == 's') ||
		    (str_is(name, "policies") && str_is(one, "policy")))
			return &kinds[i];
	}
	return NULL;
}

const KindMember *
apply_member(const ApplyKind *k, Str name)
{
	for (size_t i = 0; i < KIND_MEMBERS && k->members[i].name != NULL; i++)
		if (str_is(name, k->members[i].name))
			return &k->members[i];
	return NULL;
}

Str
apply_path(Arena *a, const ApplyKind *k, Str ref)
{
	return str_fmt(a, "%s/%.*s", k->path, STR_ARG(url_escape(a, ref)));
}

static bool
fetch(Cli *c, const ApplyKind *k, Str ref, Json *ret, Err *err)
{
	Str path = apply_path(c->a, k, ref);
	Err bad = { 0 };

	if ((strcmp(k->name, "rule") == 0 || strcmp(k->name, "workflow") == 0) && cli_has(c, "secrets"))
		path = str_fmt(c->a, "%.*s?include_secret_values=true", STR_ARG(path));
	if (cli_call(c, "GET", path, NULL, ret, &bad))
		return true;
	if (bad.code == ERR_NOT_FOUND)
		err_clear(err);
	else
		err_set(err, bad.code, "%s %.*s: %s", k->name, STR_ARG(ref), bad.text);
	return false;
}

bool
apply_fetch(Cli *c, const ApplyKind *k, Str ref, Json *ret, Err *err)
{
	Json action;

	if (!fetch(c, k, ref, ret, err))
		return false;
	if (strcmp(k->name, "workflow") != 0)
		return true;
	if (!fetch(c, apply_kind_named(str_of("action")), ref, &action, err))
		return err->code == ERR_NONE;
	for (size_t i = 0; i < KIND_MEMBERS && k->members[i].name != NULL; i++) {
		const Json *v = json_get(&action, k->members[i].name);

		if ((k->members[i].flags & MEMBER_OF_ACTION) != 0 && v != NULL)
			json_set(c->a, ret, k->members[i].name, *v);
	}
	return true;
}
