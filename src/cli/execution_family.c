#include "cli/families.h"
#include "cli/handlers.h"

static const Thing executions = { "/api/v1/executions",
	{ { "ID", "id", COLUMN_FIXED }, { "ACTION", "action_ref", COLUMN_TEXT }, { "STATUS", "status", COLUMN_STATUS },
	    { "RULE", "rule_ref", COLUMN_TEXT }, { "CREATED", "created", COLUMN_TIME },
	    { "STARTED", "started_at", COLUMN_TIME }, { "WAITS FOR", "wait_reason", COLUMN_TEXT, true },
	    { "TRIGGER", "trigger_ref", COLUMN_TEXT, true }, { "ENFORCEMENT", "enforcement", COLUMN_FIXED, true },
	    { "PARENT", "parent", COLUMN_FIXED, true }, { "PRIORITY", "priority", COLUMN_FIXED, true },
	    { "RETRY OF", "original_execution", COLUMN_FIXED, true }, { "UPDATED", "updated", COLUMN_TIME, true } } };
static const Thing changes = { NULL,
	{ { "TIME", "time", COLUMN_TIME }, { "WHAT", "operation", COLUMN_FIXED },
	    { "CHANGED", "changed_fields", COLUMN_TEXT }, { "NEW", "new_values", COLUMN_TEXT },
	    { "OLD", "old_values", COLUMN_TEXT, true } } };

#define FILTER_OPTS \
	{ "status", 's', "STATUS", "status", "only with this status; may be repeated" }, \
	    { "action", 'a', "REF", "action_ref", "only of this action; * stands for anything" }, \
	    { "rule", '\0', "REF", "rule_ref", "only made by this rule" }, \
	    { "trigger", '\0', "REF", "trigger_ref", "only made by this trigger" }, \
	    { "pack", 'p', "REF", "pack_name", "only of this pack's actions" }, \
	    { "result", 'r', "TEXT", "result_contains", "only with this text in the result" }, \
	    { "parent", '\0', "ID", "parent", "only steps of this execution" }, \
	    { "enforcement", '\0', "ID", "enforcement", "only of this enforcement" }, \
	    { "executor", '\0', "ID", "executor", "only asked for by this identity" }, \
	{ \
		"top-level-only", '\0', NULL, "top_level_only", "without the steps of workflows" \
	}

static const Command commands[] = {
	{ .words = "execution list",
	    .run = cmd_execution_list,
	    .opts = OPTS(LIST_OPTS, FILTER_OPTS),
	    .thing = &executions,
	    .help = "executions, latest first",
	    .example = "attune execution list --status failed --limit 10" },
	{ .words = "execution watch",
	    .run = cmd_execution_watch,
	    .args = "[ID]",
	    .opts = OPTS({ "timeout", '\0', "SECONDS", NULL, "how long to watch (default 300)" }, FILTER_OPTS),
	    .help = "follow it to its end, the exit code says how it ended; without ID: whatever runs",
	    .example = "attune execution watch 7" },
	{ .words = "execution show",
	    .run = cmd_execution_show,
	    .args = "ID",
	    .opts = OPTS({ "secrets", '\0', NULL, "include_secret_values", "with its secret values" }),
	    .help = "one execution with its timeline",
	    .example = "attune execution show 7" },
	{ .words = "execution get",
	    .run = cmd_execution_show,
	    .args = "ID",
	    .opts = OPTS({ "secrets", '\0', NULL, "include_secret_values", "with its secret values" }),
	    .help = "the same as execution show",
	    .example = "attune execution get 7 --field status" },
	{ .words = "execution logs",
	    .run = cmd_execution_logs,
	    .args = "ID",
	    .opts = OPTS({ "follow", 'f', NULL, NULL, "go on as long as it runs" },
		{ "stream", '\0', "NAME", NULL, "stdout or stderr alone" }),
	    .help = "its output",
	    .example = "attune execution logs -f 7" },
	{ .words = "execution result",
	    .run = cmd_execution_result,
	    .args = "ID",
	    .opts = OPTS({ "format", 'f', "FORMAT", NULL, "json or yaml" }),
	    .help = "its result",
	    .example = "attune execution result 7 --field data" },
	{ .words = "execution cancel",
	    .run = cli_ask,
	    .args = "ID",
	    .ask = "POST /api/v1/executions/{0}/cancel",
	    .done = "Execution {0} is {status}.",
	    .help = "stop it",
	    .example = "attune execution cancel 7" },
	{ .words = "execution retry",
	    .run = cli_ask,
	    .args = "ID",
	    .ask = "POST /api/v1/executions/{0}/retry",
	    .done = "Execution {id} is {status}: execution {0} once more.",
	    .help = "run once more what has ended, as a retry of it",
	    .example = "attune execution retry 7" },
	{ .words = "execution pause",
	    .run = cli_ask,
	    .args = "ID",
	    .ask = "POST /api/v1/executions/{0}/pause",
	    .done = "Execution {0} is paused.",
	    .help = "keep one that waits from starting, or a workflow and all under it from going on",
	    .example = "attune execution pause 7" },
	{ .words = "execution resume",
	    .run = cli_ask,
	    .args = "ID",
	    .ask = "POST /api/v1/executions/{0}/resume",
	    .done = "Execution {0} may go on.",
	    .help = "let a paused one start, or go on",
	    .example = "attune execution resume 7" },
	{ .words = "execution rerun",
	    .run = cmd_execution_rerun,
	    .args = "ID",
	    .opts = OPTS({ "from", '\0', "TASK", NULL,
			     "of a workflow: only from this task on, with the results of the others; may be repeated" },
		{ "param", '\0', "NAME=VALUE", NULL, "a parameter that is to be another; may be repeated" },
		{ "params-json", '\0', "JSON", NULL, "all parameters anew" },
		{ "interactive", 'i', NULL, NULL, "edit them first, in $VISUAL or $EDITOR" },
		{ "wait", 'w', NULL, NULL, "wait for the end and print what it gave" },
		{ "watch", '\0', NULL, NULL, "the same, with its states and output as they come" },
		{ "timeout", '\0', "SECONDS", NULL, "how long to wait (default 300)" },
		{ "worker-selector", '\0', "JSON", "worker_selector", "labels that a worker must have", KIND_OBJECT },
		{ "worker-tolerations", '\0', "JSON", "worker_tolerations", "taints that it may have", KIND_JSON },
		{ "worker-affinity", '\0', "JSON", "worker_affinity", "workers that are preferred", KIND_JSON }),
	    .help = "run the same again, with what is given another",
	    .example = "attune execution rerun 7 --param message=again --wait" },
	{ .words = "execution history",
	    .run = cmd_list_run,
	    .args = "ID",
	    .ask = "/api/v1/executions/{0}/history",
	    .opts = OPTS(LIST_OPTS),
	    .thing = &changes,
	    .help = "each change of its row",
	    .example = "attune execution history 7" },
};

const Family family_execution = { "Executions", commands, countof(commands) };
