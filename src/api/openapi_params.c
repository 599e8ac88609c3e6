#include "api/openapi.h"

/* What a parameter is, by its name, which means the same wherever it stands. What is not here is a text. */
typedef struct Param {
	const char *name;
	const char *type, *format; /* format NULL: none */
	const char *help;
} Param;

static const Param params[] = {
	/* of paths */
	{ "ref", "string", NULL, "the ref, or the id" },
	{ "pack_ref", "string", NULL, "ref of a pack" },
	{ "action_ref", "string", NULL, "ref of an action" },
	{ "trigger_ref", "string", NULL, "ref of a trigger" },
	{ "sensor_ref", "string", NULL, "ref of a sensor" },
	{ "rule_ref", "string", NULL, "ref of a rule" },
	{ "id", "string", NULL, "the id; of what has a ref or a name, that too" },
	{ "enforcement_id", "integer", "int64", "id of an enforcement" },
	{ "execution_id", "integer", "int64", "id of an execution" },
	{ "token_id", "integer", "int64", "id of a token" },
	{ "version", "integer", "int32", "number of a version, from 1" },
	{ "request_id", "string", NULL, "a request's id, as X-Request-Id gave it" },
	{ "entity_type", "string", NULL, "execution or worker" },
	{ "status", "string", NULL, "state" },
	{ "stream", "string", NULL, "stdout or stderr" },
	{ "webhook_key", "string", NULL, "the secret that was given when the webhook was enabled" },
	/* of every list */
	{ "page", "integer", "int64", "number of the page, from 1" },
	{ "page_size", "integer", "int64", "rows of a page; also per_page and limit" },
	{ "offset", "integer", "int64", "rows to leave out, instead of a page" },
	{ "after", "string", NULL, "next_cursor of the page before: the same cost however deep" },
	{ "include_total", "boolean", NULL, "count all rows, however many" },
	/* of some */
	{ "q", "string", NULL, "words to be found, all of them" },
	{ "packs", "string", NULL, "refs of packs, with commas between" },
	{ "search", "string", NULL, "text to be found in ref, label or description" },
	{ "tags", "string", NULL, "tags, with commas between: one of them is enough" },
	{ "enabled", "boolean", NULL, "switched on, or off" },
	{ "cordoned", "boolean", NULL, "is given nothing new, or is" },
	{ "top_level_only", "boolean", NULL, "those without a parent" },
	{ "include_secret_values", "boolean", NULL, "show secrets; needs the right to decrypt" },
	{ "dry_run", "boolean", NULL, "check only, and do nothing" },
	{ "wait_seconds", "integer", "int64", "answer when it has ended, or after so many seconds; 60 at most" },
	{ "format", "string", NULL, "json (the default), text, dot or svg" },
	{ "under", "integer", "int64", "id of an execution: of it, and of whatever came of it" },
	{ "tail", "integer", "int64", "only so many lines, from the end" },
	{ "since", "string", "date-time", "nothing before this" },
	{ "until", "string", "date-time", "nothing after this" },
	{ "created_after", "string", "date-time", "made then or later" },
	{ "created_before", "string", "date-time", "made then or earlier" },
	{ "hours", "integer", "int64", "so many hours back from now" },
	{ "http_status", "integer", "int32", "status of the answer" },
	{ "actor_identity", "integer", "int64", "id of an identity" },
	{ "resource_id", "integer", "int64", "id of the thing it was done to" },
	{ "entity_id", "integer", "int64", "id of the thing that changed" },
	{ "executor", "integer", "int64", "id of the identity for which it runs" },
	{ "enforcement", "integer", "int64", "id of an enforcement" },
	{ "parent", "integer", "int64", "id of the execution that made it" },
	{ "execution", "integer", "int64", "id of an execution" },
	{ "trigger", "integer", "int64", "id of a trigger" },
	{ "rule", "integer", "int64", "id of a rule" },
	{ "event", "integer", "int64", "id of an event" },
	{ "source", "integer", "int64", "id of the sensor it came from" },
	{ "assigned_to", "integer", "int64", "id of the identity that shall answer" },
};

Json
openapi_parameter(Arena *a, Str name, const char *in)
{
	Json p = json_object(), schema = json_object();
	Param it = { .type = "string" };

	for (size_t i = 0; i < countof(params); i++)
		if (str_is(name, params[i].name))
			it = params[i];
	json_add(a, &schema, "type", json_cstr(it.type));
	if (it.format != NULL)
		json_add(a, &schema, "format", json_cstr(it.format));
	json_add(a, &p, "name", json_str(name));
	json_add(a, &p, "in", json_cstr(in));
	json_add(a, &p, "required", json_bool(strcmp(in, "path") == 0));
	if (it.help != NULL)
		json_add(a, &p, "description", json_cstr(it.help));
	json_add(a, &p, "schema", schema);
	return p;
}
