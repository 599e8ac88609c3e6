#include "cli/families.h"
#include "cli/handlers.h"

static const Thing actions = { "/api/v1/actions",
	{ { "REF", "ref", COLUMN_FIXED }, { "LABEL", "label", COLUMN_TEXT }, { "PACK", "pack_ref", COLUMN_TEXT },
	    { "RUNTIME", "runtime_ref", COLUMN_TEXT }, { "DESCRIPTION", "description", COLUMN_TEXT },
	    { "PRIORITY", "priority", COLUMN_FIXED, true }, { "ENTRY POINT", "entrypoint", COLUMN_TEXT, true },
	    { "ID", "id", COLUMN_FIXED, true } } };
static const Thing hits = { "/api/v1/actions/search",
	{ { "REF", "ref", COLUMN_FIXED }, { "LABEL", "label", COLUMN_TEXT }, { "PACK", "pack_ref", COLUMN_TEXT },
	    { "DESCRIPTION", "description", COLUMN_TEXT } } };

#define PLACE_OPTS \
	{ "worker-selector", '\0', "JSON", "worker_selector", "labels that a worker must have", KIND_OBJECT }, \
	    { "worker-tolerations", '\0', "JSON", "worker_tolerations", "taints that it may have", KIND_JSON }, \
	{ \
		"worker-affinity", '\0', "JSON", "worker_affinity", "workers that are preferred", KIND_OBJECT \
	}

#define PRIORITY_OPT \
	{ \
		"priority", '\0', "N", "priority", "of its runs before others that wait, -100 to 100", KIND_INT \
	}

#define SCHEMA_OPTS \
	{ "params-schema", '\0', "JSON", "param_schema", "its parameters (@FILE: from a file)", KIND_OBJECT }, \
	{ \
		"output-schema", '\0', "JSON", "out_schema", "what it gives back", KIND_OBJECT \
	}

#define EXECUTE \
	.run = cmd_action_execute, .args = "REF", \
	.opts = OPTS({ "param", '\0', "NAME=VALUE", NULL, \
			 "a parameter: JSON or text; NAME=@FILE reads it from a file; may be repeated" }, \
	    { "params-json", '\0', "JSON", NULL, "all parameters as one object; @FILE or - (standard input)" }, \
	    { "wait", 'w', NULL, NULL, "wait for the end and print what it gave" }, \
	    { "watch", '\0', NULL, NULL, "the same, with its states and output as they come" }, \
	    { "timeout", '\0', "SECONDS", NULL, "how long to wait (default 300)" }, \
	    { "time-limit", '\0', "SECONDS", "timeout_seconds", "end it after so long", KIND_INT }, \
	    { "env", '\0', "JSON", "env_vars", "variables of its environment", KIND_OBJECT }, \
	    { "at", '\0', "TIME", "start_at", "not before this time: 2030-01-31T08:00:00Z" }, \
	    { "delay", '\0', "TIME", "delay", "not before so long has passed: 30s, 5m, 2h" }, \
	    { "priority", '\0', "N", "priority", "before others that wait, -100 to 100 (default 0)", KIND_INT }, \
	    { "permission-sets", '\0', "REFS", "permission_set_refs", "what its token may do", KIND_WORDS }, \
	    { "dry-run", '\0', NULL, NULL, "only check the parameters" }, PLACE_OPTS)

static const Command commands[] = {
	{ .words = "run",
	    EXECUTE,
	    .help = "the same as action execute",
	    .example = "attune run core.echo --param message=hi --wait" },
	{ .words = "action execute",
	    EXECUTE,
	    .help = "run an action",
	    .example = "attune action execute core.echo --param message=hi --watch" },
	{ .words = "action run",
	    EXECUTE,
	    .help = "the same as action execute",
	    .example = "attune action run core.sleep --params-json '{\"seconds\": 2}'" },
	{ .words = "action list",
	    .run = cmd_list_run,
	    .opts = OPTS(
		LIST_OPTS, PACK_OPT, { "name", 'n', "TEXT", "search", "only with this in ref, label or description" }),
	    .thing = &actions,
	    .help = "actions",
	    .example = "attune action list --pack core" },
	{ .words = "action search",
	    .run = cmd_list_run,
	    .args = "[QUERY]",
	    .ask = "/api/v1/actions/search?q={0}",
	    .opts = OPTS(LIST_OPTS, { "pack", 'p', "REFS", "packs", "only of these packs" }),
	    .thing = &hits,
	    .help = "actions with these words in ref, label or description",
	    .example = "attune action search \"http request\"" },
	{ .words = "action show",
	    .run = cmd_show_run,
	    .args = "REF",
	    .thing = &actions,
	    .help = "one action",
	    .example = "attune action show core.echo" },
	{ .words = "action create",
	    .run = cli_ask,
	    .ask = "POST /api/v1/actions",
	    .opts = OPTS({ "ref", 'r', "REF", "ref", "its ref", KIND_TEXT, true },
		{ "pack", 'p', "REF", "pack_ref", "the pack it belongs to", KIND_TEXT, true },
		{ "label", 'l', "TEXT", "label", "for people", KIND_TEXT, true },
		{ "description", 'd', "TEXT", "description", "for people" },
		{ "entrypoint", 'e', "FILE", "entrypoint", "the file it runs, or the text of a script", KIND_VALUE,
		    true },
		{ "runtime", '\0', "REF", "runtime_ref", "what runs it: core.shell", KIND_TEXT, true }, SCHEMA_OPTS,
		{ "timeout", '\0', "SECONDS", "timeout_seconds", "its time limit", KIND_INT }, PRIORITY_OPT,
		{ "sandbox", '\0', "NAME", "sandbox", "off, standard or strict" },
		{ "limits", '\0', "JSON", "limits", "memory_mb, processes, open_files, output_bytes, disk_mb",
		    KIND_OBJECT },
		PLACE_OPTS),
	    .done = "Action {ref} is created.",
	    .help = "make an action that is in no pack's files",
	    .example = "attune action create -r core.hi -p core -l Hi --runtime core.shell -e 'echo hi'" },
	{ .words = "action update",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "PUT /api/v1/actions/{0}",
	    .opts = OPTS({ "label", '\0', "TEXT", "label", "for people" },
		{ "description", 'd', "TEXT", "description", "for people" },
		{ "entrypoint", '\0', "FILE", "entrypoint", "the file it runs" },
		{ "runtime", '\0', "REF", "runtime_ref", "what runs it" }, SCHEMA_OPTS,
		{ "timeout", '\0', "SECONDS", "timeout_seconds", "its time limit; empty: none", KIND_PATCH_INT },
		PRIORITY_OPT, { "sandbox", '\0', "NAME", "sandbox", "off, standard or strict" },
		{ "limits", '\0', "JSON", "limits", "memory_mb, processes, open_files, output_bytes, disk_mb",
		    KIND_OBJECT },
		{ "enabled", '\0', "BOOL", "enabled", "true or false", KIND_BOOL }, PLACE_OPTS),
	    .done = "Action {ref} is changed.",
	    .help = "change it",
	    .example = "attune action update core.hi --label Hello" },
	{ .words = "action delete",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "DELETE /api/v1/actions/{0}",
	    .confirm = "Delete action {0}?",
	    .done = "Action {0} is deleted.",
	    .help = "remove it",
	    .example = "attune action delete core.hi" },
};

const Family family_action = { "Actions", commands, countof(commands) };
