#include "cli/families.h"

static const Thing audit = { "/api/v1/audit-events",
	{ { "ID", "id", COLUMN_FIXED }, { "TIME", "created", COLUMN_TIME }, { "WHO", "actor_login", COLUMN_TEXT },
	    { "WHAT", "event_type", COLUMN_TEXT }, { "OUTCOME", "outcome", COLUMN_STATUS },
	    { "ON", "resource_type", COLUMN_TEXT }, { "REF", "resource_ref", COLUMN_TEXT },
	    { "CATEGORY", "category", COLUMN_TEXT, true }, { "METHOD", "http_method", COLUMN_FIXED, true },
	    { "PATH", "http_path", COLUMN_TEXT, true }, { "STATUS", "http_status", COLUMN_FIXED, true },
	    { "REQUEST", "request_id", COLUMN_TEXT, true } } };

static const Command commands[] = {
	{ .words = "audit list",
	    .run = cmd_list_run,
	    .opts = OPTS(LIST_OPTS, { "category", '\0', "NAME", "category", "only of this category" },
		{ "event-type", '\0', "NAME", "event_type", "only of this type" },
		{ "outcome", '\0', "HOW", "outcome", "success, failure or denied" },
		{ "actor", 'a', "LOGIN", "actor_login", "only by this login" },
		{ "resource-type", '\0', "KIND", "resource_type", "only on this kind of thing" },
		{ "resource", 'r', "REF", "resource_ref", "only on this thing" },
		{ "request", '\0', "ID", "request_id", "only of this request" },
		{ "since", '\0', "TIME", "created_after", "not before this (RFC 3339)" },
		{ "until", '\0', "TIME", "created_before", "not after this" }),
	    .thing = &audit,
	    .help = "who did what, latest first",
	    .example = "attune audit list --outcome denied" },
	{ .words = "audit show",
	    .run = cmd_show_run,
	    .args = "ID",
	    .thing = &audit,
	    .help = "one of them whole",
	    .example = "attune audit show 7" },
	{ .words = "audit chain",
	    .run = cmd_list_run,
	    .args = "REQUEST_ID",
	    .ask = "/api/v1/audit-events/by-request/{0}",
	    .thing = &audit,
	    .help = "everything one request did",
	    .example = "attune audit chain 0199c0de-..." },
};

const Family family_audit = { "Audit", commands, countof(commands) };
