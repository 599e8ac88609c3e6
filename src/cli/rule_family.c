#include "cli/families.h"
#include "cli/handlers.h"

static const Thing rules = { "/api/v1/rules",
	{ { "REF", "ref", COLUMN_FIXED }, { "TRIGGER", "trigger_ref", COLUMN_TEXT },
	    { "ACTION", "action_ref", COLUMN_TEXT }, { "ENABLED", "enabled", COLUMN_FIXED },
	    { "LABEL", "label", COLUMN_TEXT }, { "PRIORITY", "priority", COLUMN_FIXED, true },
	    { "PACK", "pack_ref", COLUMN_TEXT, true }, { "UPDATED", "updated", COLUMN_TIME, true },
	    { "ID", "id", COLUMN_FIXED, true } } };

static const Thing explained = { NULL,
	{ { "EVENT", "event", COLUMN_FIXED }, { "CREATED", "created", COLUMN_TIME },
	    { "OUTCOME", "outcome", COLUMN_FIXED }, { "REASON", "reason", COLUMN_TEXT } } };

static const Thing ticks = { NULL, { { "NUMBER", "number", COLUMN_FIXED }, { "LOCAL", "local", COLUMN_FIXED },
				       { "DUE", "due", COLUMN_FIXED }, { "FIRES", "fires", COLUMN_FIXED, true } } };

#define WHEN_OPTS \
	{ "trigger-params", '\0', "JSON", "trigger_params", "parameters of the trigger", KIND_OBJECT }, \
	    { "action-params", '\0', "JSON", "action_params", "parameters of the action", KIND_OBJECT }, \
	    { "conditions", '\0', "JSON", "conditions", "what an event must meet", KIND_JSON }, \
	    { "throttle", '\0', "JSON", "throttle", "{limit, per, key}: so many within so long", KIND_OBJECT }, \
	    { "debounce", '\0', "JSON", "debounce", "{quiet, key, max_wait}: only after a silence", KIND_OBJECT }, \
	    { "once-within", '\0', "JSON", "once_within", "{within, key}: once in so long", KIND_OBJECT }, \
	    { "triggers", '\0', "JSON", "triggers", "several: [{trigger_ref, conditions, as}]", KIND_JSON }, \
	    { "correlate", '\0', "JSON", "correlate", "{mode, within, key}, for several triggers", KIND_OBJECT }, \
	    { "priority", '\0', "N", "priority", \
		    "of its runs before others that wait, -100 to 100; 0: as the action says", KIND_INT }, \
	    { "criteria", '\0', "JSON", "conditions", "the same as --conditions", KIND_JSON }, \
	    { "permission-sets", '\0', "REFS", "permission_set_refs", "what the token of its runs may do", \
		    KIND_WORDS }, \
	{ \
		"description", 'd', "TEXT", "description", "for people" \
	}

static const Command commands[] = {
	{ .words = "rule list",
	    .run = cmd_list_run,
	    .opts = OPTS(LIST_OPTS, PACK_OPT, { "action", 'a', "REF", "action_ref", "only with this action" },
		{ "trigger", 't', "REF", "trigger_ref", "only on this trigger" },
		{ "enabled", 'e', NULL, "enabled", "only enabled ones" }),
	    .thing = &rules,
	    .help = "rules",
	    .example = "attune rule list --trigger core.intervaltimer" },
	{ .words = "rule show",
	    .run = cmd_show_run,
	    .args = "REF",
	    .thing = &rules,
	    .help = "one rule",
	    .example = "attune rule show core.timer_echo" },
	{ .words = "rule create",
	    .run = cmd_rule_create,
	    .opts = OPTS({ "name", 'n', "NAME", NULL, "its name or ref", KIND_TEXT, true },
		{ "pack", 'p', "REF", "pack_ref", "the pack it belongs to", KIND_TEXT, true },
		{ "trigger", 't', "REF", "trigger_ref", "what it listens to", KIND_TEXT, true },
		{ "action", 'a', "REF", "action_ref", "what it runs", KIND_TEXT, true }, WHEN_OPTS,
		{ "label", '\0', "TEXT", "label", "for people; default: the name" },
		{ "enabled", '\0', NULL, "enabled", "it acts at once: the default", KIND_ON },
		{ "disabled", '\0', NULL, "enabled", "create it without enabling it", KIND_OFF }),
	    .help = "make a rule",
	    .example = "attune rule create -n core.hello -p core -t core.intervaltimer -a core.echo "
		       "--trigger-params '{\"interval\": 60}'" },
	{ .words = "rule update",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "PUT /api/v1/rules/{0}",
	    .opts = OPTS({ "label", '\0', "TEXT", "label", "for people" },
		{ "trigger", 't', "REF", "trigger_ref", "what it listens to" },
		{ "action", 'a', "REF", "action_ref", "what it runs" }, WHEN_OPTS,
		{ "enabled", '\0', "BOOL", "enabled", "true or false", KIND_BOOL }),
	    .done = "Rule {ref} is changed.",
	    .help = "change it",
	    .example = "attune rule update core.hello --action-params '{\"message\": \"ho\"}'" },
	{ .words = "rule enable",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/rules/{0}/enable",
	    .done = "Rule {0} is enabled.",
	    .help = "let it act",
	    .example = "attune rule enable core.hello" },
	{ .words = "rule disable",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/rules/{0}/disable",
	    .done = "Rule {0} is disabled.",
	    .help = "stop it from acting",
	    .example = "attune rule disable core.hello" },
	{ .words = "rule explain",
	    .run = cmd_list_run,
	    .args = "REF",
	    .ask = "/api/v1/rules/{0}/explain",
	    .opts = OPTS({ "event", 'e', "ID", "event", "only this event" },
		{ "limit", 'l', "N", "limit", "the last N events of its triggers; default 10" }),
	    .thing = &explained,
	    .help = "why its last events made it act, or not; -j shows each condition",
	    .example = "attune rule explain core.hello --event 42 -j" },
	{ .words = "rule test",
	    .run = cmd_rule_test,
	    .args = "FILE",
	    .opts = OPTS({ "event", 'e', "ID", "event", "a stored event", KIND_INT },
		{ "payload", '\0', "JSON", "payload", "a payload", KIND_JSON },
		{ "since", '\0', "DURATION", "since", "the stored events of its triggers that are younger" }),
	    .help = "what the rule of a file would do, without doing it",
	    .example = "attune rule test rules/big_order.yaml --since 24h" },
	{ .words = "timer next",
	    .run = cmd_list_run,
	    .args = "RULE",
	    .ask = "/api/v1/rules/{0}/ticks",
	    .opts = OPTS({ "limit", 'l', "N", "limit", "so many; default 10" }),
	    .thing = &ticks,
	    .help = "when the timer of a rule is due next",
	    .example = "attune timer next core.timer_echo" },
	{ .words = "rule delete",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "DELETE /api/v1/rules/{0}",
	    .confirm = "Delete rule {0}?",
	    .done = "Rule {0} is deleted.",
	    .help = "remove it",
	    .example = "attune rule delete core.hello" },
};

const Family family_rule = { "Rules", commands, countof(commands) };
