#include "cli/families.h"
#include "cli/handlers.h"

static const Thing triggers = { "/api/v1/triggers",
	{ { "REF", "ref", COLUMN_FIXED }, { "LABEL", "label", COLUMN_TEXT }, { "PACK", "pack_ref", COLUMN_TEXT },
	    { "ENABLED", "enabled", COLUMN_FIXED }, { "WEBHOOK", "webhook_enabled", COLUMN_FIXED },
	    { "DESCRIPTION", "description", COLUMN_TEXT }, { "ID", "id", COLUMN_FIXED, true } } };

#define SCHEMAS(kind) \
	{ "params-schema", '\0', "JSON", "param_schema", "what a rule may set", kind }, \
	{ \
		"output-schema", '\0', "JSON", "out_schema", "what its events hold", kind \
	}

static const Thing deliveries = { NULL,
	{ { "TIME", "created", COLUMN_TIME }, { "STATUS", "status_code", COLUMN_FIXED },
	    { "FROM", "source_ip", COLUMN_FIXED }, { "BYTES", "payload_size_bytes", COLUMN_BYTES },
	    { "EVENT", "event_id", COLUMN_FIXED }, { "ERROR", "error_message", COLUMN_TEXT } } };

static const Command commands[] = {
	{ .words = "trigger list",
	    .run = cmd_list_run,
	    .opts = OPTS(LIST_OPTS, PACK_OPT),
	    .thing = &triggers,
	    .help = "triggers",
	    .example = "attune trigger list" },
	{ .words = "trigger show",
	    .run = cmd_show_run,
	    .args = "REF",
	    .thing = &triggers,
	    .help = "one trigger",
	    .example = "attune trigger show core.intervaltimer" },
	{ .words = "trigger create",
	    .run = cli_ask,
	    .ask = "POST /api/v1/triggers",
	    .opts = OPTS({ "ref", 'r', "REF", "ref", "its ref: pack.name", KIND_TEXT, true },
		{ "pack", 'p', "REF", "pack_ref", "the pack it belongs to" },
		{ "label", 'l', "TEXT", "label", "for people", KIND_TEXT, true },
		{ "description", 'd', "TEXT", "description", "for people" }, SCHEMAS(KIND_OBJECT),
		{ "disabled", '\0', NULL, "enabled", "create it without enabling it", KIND_OFF }),
	    .done = "Trigger {ref} is created.",
	    .help = "make one, for a webhook or `event emit`",
	    .example = "attune trigger create -r core.pushed -p core -l Pushed" },
	{ .words = "trigger update",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "PUT /api/v1/triggers/{0}",
	    .opts = OPTS({ "label", 'l', "TEXT", "label", "for people" },
		{ "description", 'd', "TEXT", "description", "for people; empty: none", KIND_PATCH },
		{ "enabled", '\0', "BOOL", "enabled", "true or false", KIND_BOOL }),
	    .done = "Trigger {ref} is changed.",
	    .help = "change it",
	    .example = "attune trigger update core.pushed --label \"Somebody pushed\"" },
	{ .words = "trigger enable",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/triggers/{0}/enable",
	    .done = "Trigger {0} is enabled.",
	    .help = "take its events",
	    .example = "attune trigger enable core.pushed" },
	{ .words = "trigger disable",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/triggers/{0}/disable",
	    .done = "Trigger {0} is disabled.",
	    .help = "take no more events",
	    .example = "attune trigger disable core.pushed" },
	{ .words = "trigger delete",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "DELETE /api/v1/triggers/{0}",
	    .confirm = "Delete trigger {0}?",
	    .done = "Trigger {0} is deleted.",
	    .help = "remove it",
	    .example = "attune trigger delete core.pushed" },
	{ .words = "trigger webhook show",
	    .run = cmd_webhook_show,
	    .args = "REF",
	    .help = "the address others post to, and how it is guarded",
	    .example = "attune trigger webhook show core.pushed" },
	{ .words = "trigger webhook enable",
	    .run = cmd_webhook_show,
	    .args = "REF",
	    .ask = "POST /api/v1/triggers/{0}/webhooks/enable",
	    .help = "give it an address",
	    .example = "attune trigger webhook enable core.pushed" },
	{ .words = "trigger webhook regenerate",
	    .run = cmd_webhook_show,
	    .args = "REF",
	    .ask = "POST /api/v1/triggers/{0}/webhooks/regenerate",
	    .confirm = "Give {0} a new address? The old one ends at once.",
	    .help = "give it another address; the old one ends at once",
	    .example = "attune trigger webhook regenerate core.pushed" },
	{ .words = "trigger webhook disable",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/triggers/{0}/webhooks/disable",
	    .done = "The webhook of {0} is gone.",
	    .help = "take its address away",
	    .example = "attune trigger webhook disable core.pushed" },
	{ .words = "trigger webhook config",
	    .run = cmd_webhook_config,
	    .args = "REF",
	    .opts = OPTS({ "from", '\0', "JSON", "", "all of it as one object; @FILE or -", KIND_OBJECT }),
	    .help = "how it is guarded: size, addresses, rate, signature; --from changes it",
	    .example = "attune trigger webhook config core.pushed --from '{\"payload_size_limit_kb\": 64}'" },
	{ .words = "trigger webhook log",
	    .run = cmd_list_run,
	    .args = "REF",
	    .ask = "/api/v1/triggers/{0}/webhooks/log",
	    .opts = OPTS(LIST_OPTS),
	    .thing = &deliveries,
	    .help = "what was posted, and what came of it",
	    .example = "attune trigger webhook log core.pushed" },
};

const Family family_trigger = { "Triggers", commands, countof(commands) };

static Str
guard_path(const Cli *c)
{
	return cli_fill(c, "/api/v1/triggers/{0}", NULL, true);
}

bool
cmd_webhook_show(Cli *c, int *ret_code, Err *err)
{
	Str path = guard_path(c), method = str_of("GET"), key;
	Json row;

	(void)ret_code;
	if (c->command->ask != NULL) {
		path = cli_fill(c, c->command->ask, NULL, true);
		str_cut(&path, ' ', &method);
	}
	if (c->command->confirm != NULL && !cli_sure(c, cli_fill(c, c->command->confirm, NULL, false)))
		return err_set(err, ERR_CONFLICT, "left as it is");
	if (!cli_call(c, str_cstr(c->a, method), path, NULL, &row, err))
		return false;
	if (out_raw(c, &row))
		return true;
	key = json_get_text(&row, "webhook_key");
	if (key.n == 0)
		out_line(c, "%.*s has no webhook. Give it one: attune trigger webhook enable %.*s", STR_ARG(c->args[0]),
		    STR_ARG(c->args[0]));
	else
		out_line(c, "%.*s/api/v1/webhooks/%.*s", STR_ARG(c->url), STR_ARG(key));
	return true;
}

bool
cmd_webhook_config(Cli *c, int *ret_code, Err *err)
{
	bool change = cli_has(c, "from");
	Json body, row;

	(void)ret_code;
	if (!cli_body(c, &body, err) ||
	    !cli_call(c, change ? "PUT" : "GET", cli_fill(c, "/api/v1/triggers/{0}/webhooks/config", NULL, true),
		change ? &body : NULL, &row, err))
		return false;
	cli_said(c, change ? "The webhook of {0} is configured." : NULL, &row);
	return true;
}
