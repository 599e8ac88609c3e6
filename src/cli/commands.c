#include "cli/output.h"

static const CliOpt global_opts[] = {
	{ "api-url", '\0', "URL", NULL, "the server (default: ATTUNE_API_URL, else http://127.0.0.1:8080)" },
	{ "output", '\0', "FORMAT", NULL, "table, json or yaml" },
	{ "json", 'j', NULL, NULL, "the same as --output json" },
	{ "yaml", 'y', NULL, NULL, "the same as --output yaml" },
	{ "verbose", 'v', NULL, NULL, "show the requests that are made" },
	{ "help", 'h', NULL, NULL, "say how this command is used" },
	{ "version", 'V', NULL, NULL, "say which version this is" },
};

#define LIST_OPTS \
	{ "limit", 'l', "N", "limit", "at most so many rows" }, \
	{ \
		"page", '\0', "N", "page", "the Nth page of them" \
	}

static const Thing actions = { "/api/v1/actions",
	{ { "REF", "ref", COLUMN_TEXT }, { "LABEL", "label", COLUMN_TEXT }, { "PACK", "pack_ref", COLUMN_TEXT },
	    { "RUNTIME", "runtime_ref", COLUMN_TEXT }, { "DESCRIPTION", "description", COLUMN_TEXT } } };
static const Thing executions = { "/api/v1/executions",
	{ { "ID", "id", COLUMN_TEXT }, { "ACTION", "action_ref", COLUMN_TEXT }, { "STATUS", "status", COLUMN_TEXT },
	    { "RULE", "rule_ref", COLUMN_TEXT }, { "CREATED", "created", COLUMN_TIME },
	    { "STARTED", "started_at", COLUMN_TIME } } };
static const Thing rules = { "/api/v1/rules",
	{ { "REF", "ref", COLUMN_TEXT }, { "TRIGGER", "trigger_ref", COLUMN_TEXT },
	    { "ACTION", "action_ref", COLUMN_TEXT }, { "ENABLED", "enabled", COLUMN_TEXT },
	    { "LABEL", "label", COLUMN_TEXT } } };
static const Thing events = { "/api/v1/events",
	{ { "ID", "id", COLUMN_TEXT }, { "TRIGGER", "trigger_ref", COLUMN_TEXT }, { "RULE", "rule_ref", COLUMN_TEXT },
	    { "SOURCE", "source_ref", COLUMN_TEXT }, { "CREATED", "created", COLUMN_TIME } } };
static const Thing enforcements = { "/api/v1/enforcements",
	{ { "ID", "id", COLUMN_TEXT }, { "RULE", "rule_ref", COLUMN_TEXT }, { "TRIGGER", "trigger_ref", COLUMN_TEXT },
	    { "EVENT", "event", COLUMN_TEXT }, { "STATUS", "status", COLUMN_TEXT },
	    { "CREATED", "created", COLUMN_TIME } } };
static const Thing triggers = { "/api/v1/triggers",
	{ { "REF", "ref", COLUMN_TEXT }, { "LABEL", "label", COLUMN_TEXT }, { "PACK", "pack_ref", COLUMN_TEXT },
	    { "ENABLED", "enabled", COLUMN_TEXT }, { "DESCRIPTION", "description", COLUMN_TEXT } } };
static const Thing packs = { "/api/v1/packs",
	{ { "REF", "ref", COLUMN_TEXT }, { "VERSION", "version", COLUMN_TEXT }, { "LABEL", "label", COLUMN_TEXT },
	    { "DESCRIPTION", "description", COLUMN_TEXT } } };
static const Thing workers = { "/api/v1/workers",
	{ { "ID", "id", COLUMN_TEXT }, { "NAME", "name", COLUMN_TEXT }, { "STATUS", "status", COLUMN_TEXT },
	    { "HEALTH", "health_state", COLUMN_TEXT }, { "CORDONED", "cordoned", COLUMN_TEXT },
	    { "HOST", "host", COLUMN_TEXT }, { "LAST SEEN", "last_heartbeat", COLUMN_TIME } } };
static const Thing runtimes = { "/api/v1/runtimes",
	{ { "REF", "ref", COLUMN_TEXT }, { "NAME", "name", COLUMN_TEXT }, { "PACK", "pack_ref", COLUMN_TEXT },
	    { "DESCRIPTION", "description", COLUMN_TEXT } } };

#define EXECUTE_OPTS \
	{ \
		{ "param", '\0', "NAME=VALUE", NULL, "a parameter; the value is JSON or text; may be repeated" }, \
		    { "params-json", '\0', "JSON", NULL, "all parameters as one object" }, \
		    { "wait", 'w', NULL, NULL, "wait for the end and print what it gave" }, \
		    { "watch", '\0', NULL, NULL, "the same as --wait" }, \
		    { "timeout", '\0', "SECONDS", NULL, "how long to wait (default 300)" }, \
	}

static const Command commands[] = {
	{ "status", cmd_status_run, "", 0, 0, { { 0 } }, NULL, "roles, workers, queues, and what waits for what" },
	{ "trace", cmd_trace_run, "ID", 1, 1, { { 0 } }, NULL,
	    "an execution's whole chain, and how long each hop took" },

	{ "action list", cmd_list_run, "", 0, 0, { LIST_OPTS, { "pack", 'p', "REF", "pack_ref", "only of this pack" } },
	    &actions, "actions" },
	{ "action show", cmd_show_run, "REF", 1, 1, { { 0 } }, &actions, "one action" },
	{ "action execute", cmd_action_execute, "REF", 1, 1, EXECUTE_OPTS, NULL, "run an action" },
	{ "run", cmd_action_execute, "REF", 1, 1, EXECUTE_OPTS, NULL, "the same as action execute" },

	{ "execution list", cmd_list_run, "", 0, 0,
	    { LIST_OPTS, { "status", 's', "STATUS", "status", "only with this status" },
		{ "action", 'a', "REF", "action_ref", "only of this action" },
		{ "rule", '\0', "REF", "rule_ref", "only made by this rule" },
		{ "trigger", '\0', "REF", "trigger_ref", "only made by this trigger" },
		{ "pack", 'p', "REF", "pack_name", "only of this pack's actions" },
		{ "result", 'r', "TEXT", "result_contains", "only with this text in the result" },
		{ "top-level-only", '\0', NULL, "top_level_only", "without the steps of workflows" } },
	    &executions, "executions, latest first" },
	{ "execution show", cmd_execution_show, "ID", 1, 1, { { 0 } }, NULL, "one execution with its timeline" },
	{ "execution get", cmd_execution_show, "ID", 1, 1, { { 0 } }, NULL, "the same as execution show" },
	{ "execution result", cmd_execution_result, "ID", 1, 1, { { 0 } }, NULL, "its result" },
	{ "execution logs", cmd_execution_logs, "ID", 1, 1, { { 0 } }, NULL, "its output" },
	{ "execution watch", cmd_execution_watch, "ID", 1, 1,
	    { { "timeout", '\0', "SECONDS", NULL, "how long to watch (default 300)" } }, NULL,
	    "follow it to its end; the exit code says how it ended" },
	{ "execution cancel", cmd_execution_cancel, "ID", 1, 1,
	    { { "yes", '\0', NULL, NULL, "accepted and not needed" } }, NULL, "stop it" },

	{ "rule list", cmd_list_run, "", 0, 0,
	    { LIST_OPTS, { "pack", 'p', "REF", "pack_ref", "only of this pack" },
		{ "action", 'a', "REF", "action_ref", "only with this action" },
		{ "trigger", 't', "REF", "trigger_ref", "only on this trigger" },
		{ "enabled", 'e', NULL, "enabled", "only enabled ones" } },
	    &rules, "rules" },
	{ "rule show", cmd_show_run, "REF", 1, 1, { { 0 } }, &rules, "one rule" },
	{ "rule create", cmd_rule_create, "", 0, 0,
	    { { "name", 'n', "NAME", NULL, "its name or ref" }, { "pack", 'p', "REF", NULL, "the pack it belongs to" },
		{ "trigger", 't', "REF", NULL, "what it listens to" }, { "action", 'a', "REF", NULL, "what it runs" },
		{ "trigger-params", '\0', "JSON", NULL, "parameters of the trigger" },
		{ "action-params", '\0', "JSON", NULL, "parameters of the action" },
		{ "conditions", '\0', "JSON", NULL, "what an event must meet" },
		{ "criteria", '\0', "JSON", NULL, "the same as --conditions" },
		{ "label", '\0', "TEXT", NULL, "for people; default: the name" },
		{ "description", 'd', "TEXT", NULL, "for people" },
		{ "disabled", '\0', NULL, NULL, "create it without enabling it" } },
	    NULL, "make a rule" },
	{ "rule enable", cmd_rule_enable, "REF", 1, 1, { { 0 } }, NULL, "let it act" },
	{ "rule disable", cmd_rule_disable, "REF", 1, 1, { { 0 } }, NULL, "stop it from acting" },
	{ "rule delete", cmd_rule_delete, "REF", 1, 1, { { "yes", '\0', NULL, NULL, "accepted and not needed" } }, NULL,
	    "remove it" },

	{ "event list", cmd_list_run, "", 0, 0,
	    { LIST_OPTS, { "trigger", 't', "REF", "trigger_ref", "only of this trigger" },
		{ "rule", '\0', "REF", "rule_ref", "only for this rule" } },
	    &events, "events, latest first" },
	{ "event show", cmd_show_run, "ID", 1, 1, { { 0 } }, &events, "one event" },
	{ "event emit", cmd_event_emit, "TRIGGER", 1, 1,
	    { { "payload", '\0', "JSON", NULL, "what it says (default {})" } }, NULL,
	    "report that something happened" },
	{ "enforcement list", cmd_list_run, "", 0, 0,
	    { LIST_OPTS, { "rule", '\0', "REF", "rule_ref", "only of this rule" },
		{ "trigger", 't', "REF", "trigger_ref", "only of this trigger" },
		{ "status", 's', "STATUS", "status", "only with this status" } },
	    &enforcements, "enforcements, latest first" },
	{ "enforcement show", cmd_show_run, "ID", 1, 1, { { 0 } }, &enforcements, "one enforcement" },
	{ "trigger list", cmd_list_run, "", 0, 0,
	    { LIST_OPTS, { "pack", 'p', "REF", "pack_ref", "only of this pack" } }, &triggers, "triggers" },
	{ "trigger show", cmd_show_run, "REF", 1, 1, { { 0 } }, &triggers, "one trigger" },
	{ "pack list", cmd_list_run, "", 0, 0, { LIST_OPTS }, &packs, "packs" },
	{ "pack show", cmd_show_run, "REF", 1, 1, { { 0 } }, &packs, "one pack" },
	{ "worker list", cmd_list_run, "", 0, 0, { LIST_OPTS }, &workers, "workers" },
	{ "worker show", cmd_show_run, "ID", 1, 1, { { 0 } }, &workers, "one worker" },
	{ "runtime list", cmd_list_run, "", 0, 0, { LIST_OPTS }, &runtimes, "runtimes" },
};

const Command *
cli_commands(size_t *ret_count)
{
	*ret_count = countof(commands);
	return commands;
}

const CliOpt *
cli_global_opts(size_t *ret_count)
{
	*ret_count = countof(global_opts);
	return global_opts;
}
