#include "cli/families.h"
#include "cli/handlers.h"

static const Thing workflows = { "/api/v1/workflows",
	{ { "REF", "ref", COLUMN_FIXED }, { "LABEL", "label", COLUMN_TEXT }, { "PACK", "pack_ref", COLUMN_TEXT },
	    { "VERSION", "version", COLUMN_FIXED }, { "TAGS", "tags", COLUMN_TEXT },
	    { "DESCRIPTION", "description", COLUMN_TEXT } } };

static const Command commands[] = {
	{ .words = "workflow list",
	    .run = cmd_list_run,
	    .opts = OPTS(LIST_OPTS, PACK_OPT, { "tags", '\0', "A,B", "tags", "only with one of these" },
		{ "search", '\0', "TEXT", "search", "only with this text" }),
	    .thing = &workflows,
	    .help = "workflows",
	    .example = "attune workflow list --pack ops" },
	{ .words = "workflow show",
	    .run = cmd_show_run,
	    .args = "REF",
	    .thing = &workflows,
	    .help = "one workflow",
	    .example = "attune workflow show ops.restart" },
	{ .words = "workflow graph",
	    .run = cmd_workflow_graph,
	    .args = "REF",
	    .opts = OPTS({ "format", 'f', "FORMAT", NULL, "text, dot (for Graphviz) or svg; default text" }),
	    .help = "draw its tasks in layers, with the ways between them",
	    .example = "attune workflow graph ops.restart --format svg > restart.svg" },
	{ .words = "workflow upload",
	    .run = cmd_workflow_upload,
	    .args = "ACTION_YAML",
	    .opts = OPTS({ "force", 'f', NULL, NULL, "also when it is there" },
		{ "pack", 'p', "REF", NULL, "the pack it goes to (default: its ref's)" }),
	    .help = "send an action's file and the workflow file it names",
	    .example = "attune workflow upload actions/restart.yaml" },
	{ .words = "workflow delete",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "DELETE /api/v1/workflows/{0}",
	    .confirm = "Delete workflow {0}?",
	    .done = "Workflow {0} is deleted.",
	    .help = "remove it",
	    .example = "attune workflow delete ops.restart" },
};

const Family family_workflow = { "Workflows", commands, countof(commands) };
