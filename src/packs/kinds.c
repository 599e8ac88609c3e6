#include "packs/load.h"

#include "model/allowance.h"
#include "model/choice.h"
#include "model/condition.h"
#include "model/extras.h"
#include "model/policy.h"
#include "model/reference.h"
#include "model/retry.h"
#include "model/refs.h"
#include "model/schedule.h"
#include "model/version.h"

#define ACTION(member) offsetof(ActionDef, member)
#define TRIGGER(member) offsetof(TriggerDef, member)
#define SENSOR(member) offsetof(SensorDef, member)
#define RULE(member) offsetof(RuleDef, member)
#define RUNTIME(member) offsetof(RuntimeDef, member)
#define POLICY(member) offsetof(PolicyDef, member)
#define PERMISSIONS(member) offsetof(PermissionSetDef, member)

static const char *const deliveries[] = { "stdin", "file", NULL };
static const char *const parameter_formats[] = { "json", "dotenv", "yaml", NULL };
static const char *const output_formats[] = { "text", "json", "yaml", "jsonl", NULL };
static const char *const protocols[] = { "api", "lines", NULL };
static const char *const retentions[] = { "versions", "days", "hours", "minutes", NULL };

static const Field action_fields[] = {
	{ "ref", NULL, FIELD_TEXT, .required = true, .at = ACTION(ref) },
	{ "label", NULL, FIELD_TEXT, .at = ACTION(label) },
	{ "description", NULL, FIELD_TEXT, .at = ACTION(description) },
	{ "enabled", NULL, FIELD_BOOL, .at = ACTION(enabled) },
	{ "runner_type", "runtime", FIELD_TEXT, .at = ACTION(runtime_name) },
	{ "runtime_version", "runtime_version_constraint", FIELD_VERSIONS, .at = ACTION(runtime_version_constraint) },
	{ "entry_point", "entrypoint", FIELD_TEXT, .at = ACTION(entrypoint) },
	{ "workflow_file", NULL, FIELD_TEXT, .at = ACTION(workflow_file) },
	{ "parameters", "param_schema", FIELD_SCHEMA, .at = ACTION(param_schema) },
	{ "output", "output_schema", FIELD_SCHEMA, .at = ACTION(out_schema) },
	{ "parameter_delivery", NULL, FIELD_WORD, .at = ACTION(parameter_delivery), .words = deliveries },
	{ "parameter_format", NULL, FIELD_WORD, .at = ACTION(parameter_format), .words = parameter_formats },
	{ "output_format", NULL, FIELD_WORD, .at = ACTION(output_format), .words = output_formats },
	{ "timeout_seconds", "timeout", FIELD_COUNT, .at = ACTION(timeout_seconds) },
	{ "priority", NULL, FIELD_PRIORITY, .at = ACTION(priority) },
	{ "retry", NULL, FIELD_OBJECT, .at = ACTION(retry) },
	{ "required_worker_runtimes", NULL, FIELD_OBJECT, .at = ACTION(required_worker_runtimes) },
	{ "worker_selector", NULL, FIELD_OBJECT, .at = ACTION(placement.selector) },
	{ "worker_tolerations", NULL, FIELD_LIST, .at = ACTION(placement.tolerations) },
	{ "worker_affinity", NULL, FIELD_OBJECT, .at = ACTION(placement.affinity) },
	{ "accesses_mcp", NULL, FIELD_BOOL, .at = ACTION(accesses_mcp) },
	{ "default_execution_permission_set_refs", NULL, FIELD_TEXTS, .at = ACTION(default_permission_set_refs) },
	{ "keys", NULL, FIELD_TEXTS, .at = ACTION(keys) },
	{ "sandbox", NULL, FIELD_WORD, .at = ACTION(sandbox), .words = sandbox_words },
	{ "limits", NULL, FIELD_OBJECT, .at = ACTION(limits) },
	{ "log_retention_policy", NULL, FIELD_WORD, .at = ACTION(log_retention_policy), .words = retentions },
	{ "log_retention_limit", NULL, FIELD_COUNT, .at = ACTION(log_retention_limit) },
	{ "artifact_retention_policy", NULL, FIELD_WORD, .at = ACTION(artifact_retention_policy), .words = retentions },
	{ "artifact_retention_limit", NULL, FIELD_COUNT, .at = ACTION(artifact_retention_limit) },
	{ "reference_visibility", NULL, FIELD_WORD, .at = ACTION(reference.visibility), .words = reference_words },
	{ "reference_allowed_pack_refs", NULL, FIELD_TEXTS, .at = ACTION(reference.packs) },
	{ "tags", "keywords", FIELD_IGNORED },
	{ "keys", NULL, FIELD_IGNORED },
	{ "examples", NULL, FIELD_IGNORED },
	{ "meta", "metadata", FIELD_IGNORED },
	{ "version", NULL, FIELD_IGNORED },
};

static const Field trigger_fields[] = {
	{ "ref", NULL, FIELD_TEXT, .required = true, .at = TRIGGER(ref) },
	{ "label", NULL, FIELD_TEXT, .at = TRIGGER(label) },
	{ "description", NULL, FIELD_TEXT, .at = TRIGGER(description) },
	{ "enabled", NULL, FIELD_BOOL, .at = TRIGGER(enabled) },
	{ "parameters", "param_schema", FIELD_SCHEMA, .at = TRIGGER(param_schema) },
	{ "output", "output_schema", FIELD_SCHEMA, .at = TRIGGER(out_schema) },
	{ "reference_visibility", NULL, FIELD_WORD, .at = TRIGGER(reference.visibility), .words = reference_words },
	{ "reference_allowed_pack_refs", NULL, FIELD_TEXTS, .at = TRIGGER(reference.packs) },
	{ "type", NULL, FIELD_IGNORED },
	{ "tags", "keywords", FIELD_IGNORED },
	{ "examples", NULL, FIELD_IGNORED },
	{ "meta", "metadata", FIELD_IGNORED },
};

static const Field sensor_fields[] = {
	{ "ref", NULL, FIELD_TEXT, .required = true, .at = SENSOR(ref) },
	{ "label", NULL, FIELD_TEXT, .at = SENSOR(label) },
	{ "description", NULL, FIELD_TEXT, .at = SENSOR(description) },
	{ "enabled", NULL, FIELD_BOOL, .at = SENSOR(enabled) },
	{ "runner_type", "runtime", FIELD_TEXT, .at = SENSOR(runtime_name) },
	{ "runtime_version", "runtime_version_constraint", FIELD_VERSIONS, .at = SENSOR(runtime_version_constraint) },
	{ "entry_point", "entrypoint", FIELD_TEXT, .at = SENSOR(entrypoint) },
	{ "trigger_types", "trigger_type", FIELD_TEXTS, .at = SENSOR(trigger_types) },
	{ "parameters", "param_schema", FIELD_SCHEMA, .at = SENSOR(param_schema) },
	{ "protocol", NULL, FIELD_WORD, .at = SENSOR(protocol), .words = protocols },
	{ "config", NULL, FIELD_OBJECT, .at = SENSOR(config) },
	{ "worker_selector", NULL, FIELD_OBJECT, .at = SENSOR(placement.selector) },
	{ "worker_tolerations", NULL, FIELD_LIST, .at = SENSOR(placement.tolerations) },
	{ "worker_affinity", NULL, FIELD_OBJECT, .at = SENSOR(placement.affinity) },
	{ "log_retention_policy", NULL, FIELD_WORD, .at = SENSOR(log_retention_policy), .words = retentions },
	{ "log_retention_limit", NULL, FIELD_COUNT, .at = SENSOR(log_retention_limit) },
	{ "artifact_retention_policy", NULL, FIELD_WORD, .at = SENSOR(artifact_retention_policy), .words = retentions },
	{ "artifact_retention_limit", NULL, FIELD_COUNT, .at = SENSOR(artifact_retention_limit) },
	{ "poll_interval", NULL, FIELD_IGNORED },
	{ "meta", "metadata", FIELD_IGNORED },
	{ "tags", "keywords", FIELD_IGNORED },
	{ "examples", NULL, FIELD_IGNORED },
};

static const Field rule_fields[] = {
	{ "ref", NULL, FIELD_TEXT, .required = true, .at = RULE(ref) },
	{ "trigger_ref", "trigger", FIELD_TEXT, .at = RULE(trigger_ref) },
	{ "action_ref", "action", FIELD_TEXT, .required = true, .at = RULE(action_ref) },
	{ "label", NULL, FIELD_TEXT, .at = RULE(label) },
	{ "description", NULL, FIELD_TEXT, .at = RULE(description) },
	{ "enabled", NULL, FIELD_BOOL, .at = RULE(enabled) },
	{ "priority", NULL, FIELD_PRIORITY, .at = RULE(priority) },
	{ "conditions", NULL, FIELD_ANY, .at = RULE(conditions) },
	{ "trigger_params", NULL, FIELD_OBJECT, .at = RULE(trigger_params) },
	{ "action_params", NULL, FIELD_OBJECT, .at = RULE(action_params) },
	{ "permission_set_refs", "permission_set_ref", FIELD_TEXTS, .at = RULE(permission_set_refs) },
	/* rule_finish takes them together */
	{ "throttle", NULL, FIELD_IGNORED },
	{ "debounce", NULL, FIELD_IGNORED },
	{ "once_within", NULL, FIELD_IGNORED },
	{ "triggers", NULL, FIELD_IGNORED },
	{ "correlate", NULL, FIELD_IGNORED },
	{ "tags", "keywords", FIELD_IGNORED },
	{ "meta", "metadata", FIELD_IGNORED },
};

static const Field runtime_fields[] = {
	{ "ref", NULL, FIELD_TEXT, .required = true, .at = RUNTIME(ref) },
	{ "name", NULL, FIELD_TEXT, .at = RUNTIME(name) },
	{ "description", NULL, FIELD_TEXT, .at = RUNTIME(description) },
	{ "aliases", NULL, FIELD_TEXTS, .at = RUNTIME(aliases) },
	{ "distributions", NULL, FIELD_OBJECT, .at = RUNTIME(distributions) },
	{ "installation", NULL, FIELD_ANY, .at = RUNTIME(installation) },
	{ "execution_config", NULL, FIELD_OBJECT, .at = RUNTIME(execution_config) },
	{ "versions", NULL, FIELD_IGNORED }, /* by versions_read */
	{ "label", NULL, FIELD_IGNORED },
	{ "tags", "keywords", FIELD_IGNORED },
	{ "meta", "metadata", FIELD_IGNORED },
};

static const Field permission_fields[] = {
	{ "ref", NULL, FIELD_TEXT, .required = true, .at = PERMISSIONS(ref) },
	{ "label", NULL, FIELD_TEXT, .at = PERMISSIONS(label) },
	{ "description", NULL, FIELD_TEXT, .at = PERMISSIONS(description) },
	{ "grants", NULL, FIELD_LIST, .at = PERMISSIONS(grants) },
};

static const Field policy_fields[] = {
	{ "ref", NULL, FIELD_TEXT, .required = true, .at = POLICY(ref) },
	{ "label", "name", FIELD_TEXT, .at = POLICY(label) },
	{ "description", NULL, FIELD_TEXT, .at = POLICY(description) },
	{ "enabled", NULL, FIELD_BOOL, .at = POLICY(enabled) },
	{ "action", "action_ref", FIELD_TEXT, .at = POLICY(action_ref) },
	{ "concurrency", NULL, FIELD_OBJECT, .at = POLICY(concurrency) },
	{ "rate", NULL, FIELD_OBJECT, .at = POLICY(rate) },
	{ "breaker", NULL, FIELD_OBJECT, .at = POLICY(breaker) },
	{ "tags", "keywords", FIELD_TEXTS, .at = POLICY(tags) },
	{ "meta", "metadata", FIELD_IGNORED },
};

static void
check_ref(Load *l, Str ref)
{
	Str pack = l->pack->def.ref;

	if (!ref_is_component(ref))
		load_fatal(l, "/ref", "'%.*s' is no ref like %.*s.thing (lower case letters, digits, - and _)",
		    STR_ARG(ref), STR_ARG(str_none(pack) ? str_of("pack") : pack));
	else if (!str_none(pack) && !str_eq(ref_pack(ref), pack))
		load_warn(
		    l, "/ref", "'%.*s' does not begin with the pack's own ref '%.*s'", STR_ARG(ref), STR_ARG(pack));
}

static Str
label_or_made(Load *l, Str label, Str ref)
{
	return str_none(label) ? ref_label(l->a, ref) : label;
}

static void
placement_preset(Placement *p)
{
	*p = (Placement){ json_object(), json_array(), json_object() };
}

/* Of the actions and sensors of a pack that name a runtime nobody knows (yet), the registration decides. */
static void
check_runner(Load *l, Str name)
{
	static const char *const known[] = { "shell", "python", "node", "native", "internal", "ruby", "go", "java",
		"perl", "r", "container" };
	Str alias = runtime_alias(l->a, name);

	for (size_t i = 0; i < countof(known); i++)
		if (str_is(alias, known[i]))
			return;
	if (str_find(name, str_of("."), NULL))
		return;
	for (size_t i = 0; i < l->pack->runtime_count; i++)
		if (str_eq(runtime_alias(l->a, l->pack->runtimes[i].name), alias))
			return;
	load_warn(l, "/runner_type", "unknown runner type '%.*s'", STR_ARG(name));
}

/* One word, as a file has; else it is the text of a script. */
static bool
looks_like_file(Str entry)
{
	for (size_t i = 0; i < entry.n; i++)
		if (strchr(" \t\n;|&<>()$`'\"", entry.p[i]) != NULL)
			return false;
	return true;
}

static void
check_entry(Load *l, const char *folder, Str runner, Str entry)
{
	Str alias = runtime_alias(l->a, ref_name(runner));
	Presence there;

	if (str_is(alias, "internal"))
		return;
	if (entry.n == 0) {
		if (!str_is(alias, "native"))
			load_fatal(l, "", "the key 'entry_point' is missing");
		return;
	}
	if (!looks_like_file(entry))
		return;
	there = load_presence(l, "/entry_point", str_fmt(l->a, "%s/%.*s", folder, STR_ARG(entry)));
	if (there == FILE_MISSING && !str_is(alias, "shell") && !str_is(alias, "native"))
		load_fatal(l, "/entry_point", "there is no file %s/%.*s", folder, STR_ARG(entry));
}

static void
action_preset(Load *l, void *def)
{
	ActionDef *d = def;

	d->pack_ref = l->pack->def.ref;
	d->enabled = true;
	d->entrypoint = str_of("");
	d->parameter_delivery = str_of("stdin");
	d->parameter_format = str_of("json");
	d->output_format = str_of("text");
	d->required_worker_runtimes = json_object();
	d->default_permission_set_refs = json_array();
	d->keys = json_array();
	d->log_retention_policy = l->pack->def.log_retention_policy;
	d->log_retention_limit = l->pack->def.log_retention_limit;
	d->artifact_retention_policy = l->pack->def.artifact_retention_policy;
	d->artifact_retention_limit = l->pack->def.artifact_retention_limit;
	placement_preset(&d->placement);
}

static void
check_required_runtimes(Load *l, const Json *required)
{
	Err err = { 0 };

	for (size_t i = 0; i < required->n; i++) {
		const JsonMember *m = &required->members[i];
		Str at = str_fmt(l->a, "/required_worker_runtimes/%.*s", STR_ARG(m->key));

		if (m->value.kind != JSON_STRING)
			load_fatal(l, at.p, "a version constraint must be a text (in quotes)");
		else if (!version_constraint_check(json_as_str(&m->value), &err))
			load_fatal(l, at.p, "%s", err.text);
	}
}

/* What is wrong is said with its place in the file. */
static void
check_retry(Load *l, const Json *retry)
{
	RetryPlan plan;
	Err err = { 0 };
	Str text, at = { 0 };

	if (retry_read(retry, &plan, &err))
		return;
	text = str_of(err.text);
	(void)str_cut(&text, ':', &at);
	load_fatal(l, str_cstr(l->a, at), "'%.*s':%.*s", STR_ARG(str_sub(at, 1, at.n)), STR_ARG(text));
}

static void
action_finish(Load *l, void *def)
{
	ActionDef *d = def;
	Err err = { 0 };

	check_ref(l, d->ref);
	d->label = label_or_made(l, d->label, d->ref);
	if (!allowance_check(&d->limits, &err))
		load_fatal(l, "/limits", "%s", err.text);
	check_required_runtimes(l, &d->required_worker_runtimes);
	check_retry(l, &d->retry);
	if (!str_none(d->workflow_file)) {
		Str file = str_fmt(l->a, "actions/%.*s", STR_ARG(d->workflow_file));

		Presence there = load_presence(l, "/workflow_file", file);

		if (there == FILE_MISSING)
			load_fatal(l, "/workflow_file", "there is no file %.*s", STR_ARG(file));
		d->entrypoint = d->workflow_file;
		if (there != FILE_THERE)
			d->workflow_file = (Str){ 0 }; /* said already */
		d->runtime_name = (Str){ 0 };
		return;
	}
	if (str_none(d->runtime_name))
		d->runtime_name = str_of("shell");
	check_runner(l, d->runtime_name);
	check_entry(l, "actions", d->runtime_name, d->entrypoint);
}

static void
trigger_preset(Load *l, void *def)
{
	TriggerDef *d = def;

	d->pack_ref = l->pack->def.ref;
	d->enabled = true;
	d->webhook_config = json_object();
}

static void
trigger_finish(Load *l, void *def)
{
	TriggerDef *d = def;

	check_ref(l, d->ref);
	d->label = label_or_made(l, d->label, d->ref);
}

static void
sensor_preset(Load *l, void *def)
{
	SensorDef *d = def;

	d->pack_ref = l->pack->def.ref;
	d->enabled = true;
	d->entrypoint = str_of("");
	d->runtime_name = str_of("native");
	d->protocol = str_of("api");
	d->config = json_object();
	d->trigger_types = json_array();
	placement_preset(&d->placement);
}

static void
sensor_finish(Load *l, void *def)
{
	SensorDef *d = def;
	Json qualified = json_array();

	check_ref(l, d->ref);
	d->label = label_or_made(l, d->label, d->ref);
	for (size_t i = 0; i < d->trigger_types.n; i++)
		json_push(l->a, &qualified,
		    json_str(ref_qualify(l->a, l->pack->def.ref, json_as_str(&d->trigger_types.items[i]))));
	d->trigger_types = qualified;
	check_runner(l, d->runtime_name);
	if (str_find(d->entrypoint, str_of("://"), NULL))
		load_fatal(l, "/entry_point", "an entry point cannot be a URL");
	else
		check_entry(l, "sensors", d->runtime_name, d->entrypoint);
}

static void
rule_preset(Load *l, void *def)
{
	RuleDef *d = def;

	d->pack_ref = l->pack->def.ref;
	d->enabled = true;
	d->conditions = d->action_params = d->trigger_params = json_object();
}

/* Throttle, debounce and the like; the rule's first trigger is that of its list. */
static void
rule_extras_take(Load *l, RuleDef *d)
{
	Json all = json_object();

	for (size_t i = 0; i < extras_names_n; i++) {
		const Json *v = json_get(&l->root, extras_names[i]);
		Json copy;

		if (json_is_null(v))
			continue;
		copy = json_clone(l->a, v);
		for (size_t k = 0; str_is(str_of(extras_names[i]), "triggers") && copy.kind == JSON_ARRAY && k < copy.n;
		     k++) {
			Str ref = json_get_text(&copy.items[k], "trigger_ref");

			if (ref.n > 0)
				json_set(l->a, &copy.items[k], "trigger_ref",
				    json_str(ref_qualify(l->a, l->pack->def.ref, ref)));
			if (k == 0 && d->trigger_ref.n == 0)
				d->trigger_ref = ref;
		}
		json_add(l->a, &all, extras_names[i], copy);
	}
	if (all.n > 0)
		d->extras = all;
	if (d->trigger_ref.n == 0)
		load_fatal(l, "", "trigger_ref is missing: say which trigger the rule is on");
}

static void
rule_finish(Load *l, void *def)
{
	RuleExtras extras;
	bool config = false;
	RuleDef *d = def;
	const Condition *c;
	Str problem;
	Err err = { 0 };

	d->ref = ref_qualify(l->a, l->pack->def.ref, d->ref);
	rule_extras_take(l, d);
	d->trigger_ref = ref_qualify(l->a, l->pack->def.ref, d->trigger_ref);
	d->action_ref = ref_qualify(l->a, l->pack->def.ref, d->action_ref);
	check_ref(l, d->ref);
	d->label = label_or_made(l, d->label, d->ref);
	if (!condition_compile(l->a, &d->conditions, &c, &problem))
		load_warn(l, "/conditions", "the rule will match nothing: %.*s", STR_ARG(problem));
	if (!extras_compile(l->a, d, &extras, &config, &err))
		load_warn(l, "", "the rule will match nothing: %s", err.text);
	else if (!extras_keys_check(l->a, d, &err))
		load_warn(l, "", "%s", err.text);
	err_clear(&err);
	if (!schedule_check(d->trigger_ref, &d->trigger_params, 0, &err))
		load_warn(l, "/trigger_params", "the rule will not tick: %s", err.text);
}

static void
policy_preset(Load *l, void *def)
{
	PolicyDef *d = def;

	d->pack_ref = l->pack->def.ref;
	d->enabled = true;
	d->tags = json_array();
}

/* What is wrong is said with its place in the file. */
static void
policy_finish(Load *l, void *def)
{
	PolicyDef *d = def;
	Str text, at = { 0 };
	Err err = { 0 };

	d->ref = ref_qualify(l->a, l->pack->def.ref, d->ref);
	if (!str_none(d->action_ref))
		d->action_ref = ref_qualify(l->a, l->pack->def.ref, d->action_ref);
	check_ref(l, d->ref);
	d->label = label_or_made(l, d->label, d->ref);
	if (policy_limits_read(&d->concurrency, &d->rate, &d->breaker, d, &err))
		return;
	text = str_of(err.text);
	(void)str_cut(&text, ':', &at);
	load_fatal(l, str_cstr(l->a, at), "'%.*s':%.*s", STR_ARG(str_sub(at, 1, at.n)), STR_ARG(text));
}

static void
runtime_preset(Load *l, void *def)
{
	RuntimeDef *d = def;

	d->pack_ref = l->pack->def.ref;
	d->aliases = json_array();
	d->distributions = d->execution_config = json_object();
}

static const Json *
object_of(Load *l, const Json *of, const char *key, size_t index)
{
	static const Json empty = { .kind = JSON_OBJECT };
	const Json *v = json_get(of, key);

	if (json_is_null(v))
		return &empty;
	if (v->kind != JSON_OBJECT)
		load_fatal(l, str_fmt(l->a, "/versions/%zu/%s", index, key).p, "'%s' must be a mapping", key);
	return v;
}

static void
version_read(Load *l, const Json *v, size_t index, RuntimeVersionDef *ret)
{
	Version parsed;

	*ret = (RuntimeVersionDef){
		.version = json_get_text(v, "version"),
		.is_default = json_as_bool(json_get(v, "is_default"), false),
		.execution_config = *object_of(l, v, "execution_config", index),
		.distributions = *object_of(l, v, "distributions", index),
		.meta = *object_of(l, v, "meta", index),
	};
	if (str_none(ret->version))
		load_fatal(
		    l, str_fmt(l->a, "/versions/%zu", index).p, "a version must have 'version', a text in quotes");
	else if (!version_parse(ret->version, &parsed))
		load_fatal(
		    l, str_fmt(l->a, "/versions/%zu/version", index).p, "'%.*s' is no version", STR_ARG(ret->version));
}

static void
runtime_finish(Load *l, void *def)
{
	RuntimeDef *d = def;
	const Json *versions = json_get(&l->root, "versions");
	Json lower = json_array();

	check_ref(l, d->ref);
	if (str_none(d->name))
		d->name = ref_name(d->ref);
	for (size_t i = 0; i < d->aliases.n; i++)
		json_push(l->a, &lower, json_str(str_lower(l->a, json_as_str(&d->aliases.items[i]))));
	d->aliases = lower;
	if (json_is_null(versions))
		return;
	if (versions->kind != JSON_ARRAY) {
		load_fatal(l, "/versions", "'versions' must be a list");
		return;
	}
	d->version_count = versions->n;
	d->versions = arena_array(l->a, RuntimeVersionDef, versions->n + 1);
	for (size_t i = 0; i < versions->n; i++)
		version_read(l, &versions->items[i], i, &d->versions[i]);
}

static void
permission_preset(Load *l, void *def)
{
	PermissionSetDef *d = def;

	d->pack_ref = l->pack->def.ref;
	d->grants = json_array();
}

/* A bad grant must not wait until somebody needs it. */
static void
permission_finish(Load *l, void *def)
{
	PermissionSetDef *d = def;

	check_ref(l, d->ref);
	d->label = label_or_made(l, d->label, d->ref);
	for (size_t i = 0; i < d->grants.n; i++) {
		const Json *g = &d->grants.items[i];

		if (str_none(json_get_text(g, "resource")) || !json_is(json_get(g, "actions"), JSON_ARRAY))
			load_fatal(
			    l, str_fmt(l->a, "/grants/%zu", i).p, "a grant has 'resource' and a list of 'actions'");
	}
}

/* In this order: what comes later may look at what came before. */
const Kind pack_kinds[] = {
	{
	    .folder = "permission_sets",
	    .name = "permission set",
	    .fields = permission_fields,
	    .field_count = countof(permission_fields),
	    .size = sizeof(PermissionSetDef),
	    .ref_at = offsetof(PermissionSetDef, ref),
	    .preset = permission_preset,
	    .finish = permission_finish,
	    .items_at = offsetof(Pack, permission_sets),
	    .count_at = offsetof(Pack, permission_set_count),
	},
	{
	    .folder = "runtimes",
	    .name = "runtime",
	    .fields = runtime_fields,
	    .field_count = countof(runtime_fields),
	    .size = sizeof(RuntimeDef),
	    .ref_at = offsetof(RuntimeDef, ref),
	    .preset = runtime_preset,
	    .finish = runtime_finish,
	    .items_at = offsetof(Pack, runtimes),
	    .count_at = offsetof(Pack, runtime_count),
	},
	{
	    .folder = "triggers",
	    .name = "trigger",
	    .fields = trigger_fields,
	    .field_count = countof(trigger_fields),
	    .size = sizeof(TriggerDef),
	    .ref_at = offsetof(TriggerDef, ref),
	    .preset = trigger_preset,
	    .finish = trigger_finish,
	    .items_at = offsetof(Pack, triggers),
	    .count_at = offsetof(Pack, trigger_count),
	},
	{
	    .folder = "actions",
	    .name = "action",
	    .fields = action_fields,
	    .field_count = countof(action_fields),
	    .size = sizeof(ActionDef),
	    .ref_at = offsetof(ActionDef, ref),
	    .preset = action_preset,
	    .finish = action_finish,
	    .items_at = offsetof(Pack, actions),
	    .count_at = offsetof(Pack, action_count),
	},
	{
	    .folder = "rules",
	    .name = "rule",
	    .fields = rule_fields,
	    .field_count = countof(rule_fields),
	    .size = sizeof(RuleDef),
	    .ref_at = offsetof(RuleDef, ref),
	    .preset = rule_preset,
	    .finish = rule_finish,
	    .items_at = offsetof(Pack, rules),
	    .count_at = offsetof(Pack, rule_count),
	},
	{
	    .folder = "policies",
	    .name = "policy",
	    .fields = policy_fields,
	    .field_count = countof(policy_fields),
	    .size = sizeof(PolicyDef),
	    .ref_at = offsetof(PolicyDef, ref),
	    .preset = policy_preset,
	    .finish = policy_finish,
	    .items_at = offsetof(Pack, policies),
	    .count_at = offsetof(Pack, policy_count),
	},
	{
	    .folder = "sensors",
	    .name = "sensor",
	    .fields = sensor_fields,
	    .field_count = countof(sensor_fields),
	    .size = sizeof(SensorDef),
	    .ref_at = offsetof(SensorDef, ref),
	    .preset = sensor_preset,
	    .finish = sensor_finish,
	    .items_at = offsetof(Pack, sensors),
	    .count_at = offsetof(Pack, sensor_count),
	},
};
const size_t pack_kind_count = countof(pack_kinds);
