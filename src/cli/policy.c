#include "cli/families.h"

static const Thing policies = { "/api/v1/policies",
	{ { "REF", "ref", COLUMN_FIXED }, { "PACK", "pack_ref", COLUMN_TEXT }, { "ACTION", "action_ref", COLUMN_TEXT },
	    { "CONCURRENCY", "concurrency", COLUMN_TEXT }, { "RATE", "rate", COLUMN_TEXT },
	    { "BREAKER", "breaker", COLUMN_TEXT }, { "LABEL", "label", COLUMN_TEXT },
	    { "ENABLED", "enabled", COLUMN_FIXED }, { "DESCRIPTION", "description", COLUMN_TEXT, true } } };

#define POLICY_OPTS(or_none, kind) \
	{ "label", 'l', "TEXT", "label", "for people" }, { "description", 'd', "TEXT", "description", "for people" }, \
	    { "concurrency", '\0', "JSON", "concurrency", \
		    "{limit, key, method: enqueue|cancel|cancel_oldest}" or_none, kind }, \
	    { "rate", '\0', "JSON", "rate", "{limit, per_seconds, burst, key, method: delay|cancel}" or_none, kind }, \
	    { "breaker", '\0', "JSON", "breaker", "{failures, within, open_for, key, method: wait|fail}" or_none, \
		    kind }, \
	{ \
		"tags", '\0', "A,B", "tags", "words to find it by", KIND_WORDS \
	}
#define MAKE_OPTS POLICY_OPTS("", KIND_OBJECT)
#define CHANGE_OPTS POLICY_OPTS("; none: no such limit", KIND_PATCH_OBJECT)

static const Command commands[] = {
	{ .words = "policy list",
	    .run = cmd_list_run,
	    .opts = OPTS(LIST_OPTS, PACK_OPT, { "action", 'a', "REF", "action_ref", "only of this action" }),
	    .thing = &policies,
	    .help = "limits on how much runs at once",
	    .example = "attune policy list" },
	{ .words = "policy show",
	    .run = cmd_show_run,
	    .args = "REF",
	    .thing = &policies,
	    .help = "one policy",
	    .example = "attune policy show ops.one_at_a_time" },
	{ .words = "policy create",
	    .run = cli_ask,
	    .ask = "POST /api/v1/policies label={ref}",
	    .opts = OPTS({ "ref", 'r', "REF", "ref", "its ref", KIND_TEXT, true },
		{ "pack", 'p', "REF", "pack_ref", "for this pack's actions" },
		{ "action", 'a', "REF", "action_ref", "for this action alone" }, MAKE_OPTS),
	    .done = "Policy {ref} is created.",
	    .help = "make one",
	    .example = "attune policy create -r ops.one -a ops.restart --concurrency '{\"limit\": 1}'" },
	{ .words = "policy set",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "PUT /api/v1/policies/{0}",
	    .opts = OPTS(CHANGE_OPTS),
	    .done = "Policy {ref} is changed.",
	    .help = "change it",
	    .example = "attune policy set ops.one --concurrency '{\"limit\": 2}'" },
	{ .words = "policy enable",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/policies/{0}/enable",
	    .done = "Policy {0} is enabled.",
	    .help = "let it count",
	    .example = "attune policy enable ops.one" },
	{ .words = "policy disable",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/policies/{0}/disable",
	    .done = "Policy {0} is disabled.",
	    .help = "let it count no more, until it is enabled",
	    .example = "attune policy disable ops.one" },
	{ .words = "policy remove",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "DELETE /api/v1/policies/{0}",
	    .confirm = "Remove policy {0}?",
	    .done = "Policy {0} is removed.",
	    .help = "remove it",
	    .example = "attune policy remove ops.one" },
	{ .words = "policy update", /* as the other families call it */
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "PUT /api/v1/policies/{0}",
	    .opts = OPTS(CHANGE_OPTS),
	    .done = "Policy {ref} is changed.",
	    .help = "the same as policy set",
	    .example = "attune policy update ops.one --label 'One at a time'" },
	{ .words = "policy delete",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "DELETE /api/v1/policies/{0}",
	    .confirm = "Remove policy {0}?",
	    .done = "Policy {0} is removed.",
	    .help = "the same as policy remove",
	    .example = "attune policy delete ops.one" },
};

const Family family_policy = { "Policies", commands, countof(commands) };
