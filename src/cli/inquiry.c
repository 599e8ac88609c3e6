#include "cli/families.h"

static const Thing inquiries = { "/api/v1/inquiries",
	{ { "ID", "id", COLUMN_FIXED }, { "EXECUTION", "execution", COLUMN_FIXED },
	    { "STATUS", "status", COLUMN_STATUS }, { "PROMPT", "prompt", COLUMN_TEXT },
	    { "FOR", "assigned_login", COLUMN_FIXED }, { "ROLE", "assigned_role", COLUMN_FIXED },
	    { "GOT", "responses_received", COLUMN_FIXED }, { "NEEDS", "required_responses", COLUMN_FIXED },
	    { "UNTIL", "timeout_at", COLUMN_TIME }, { "CREATED", "created", COLUMN_TIME } } };

static const Command commands[] = {
	{ .words = "inquiry list",
	    .run = cmd_list_run,
	    .opts = OPTS(LIST_OPTS, { "status", 's', "STATUS", "status", "pending, responded, timeout or cancelled" },
		{ "execution", '\0', "ID", "execution", "only of this execution" },
		{ "assigned-to", '\0', "ID", "assigned_to", "only for this identity" }),
	    .thing = &inquiries,
	    .help = "questions that runs ask people",
	    .example = "attune inquiry list --status pending" },
	{ .words = "inquiry show",
	    .run = cmd_show_run,
	    .args = "ID",
	    .thing = &inquiries,
	    .help = "one question",
	    .example = "attune inquiry show 3" },
	{ .words = "inquiry respond",
	    .run = cli_ask,
	    .args = "ID",
	    .ask = "POST /api/v1/inquiries/{0}/respond",
	    .opts = OPTS({ "response", 'r', "JSON", "response", "the answer; @FILE or -", KIND_OBJECT, true }),
	    .done = "Inquiry {0} is {status}: {responses_received} of {required_responses} answers.",
	    .help = "answer it",
	    .example = "attune inquiry respond 3 -r '{\"approved\": true}'" },
	{ .words = "inquiry link",
	    .run = cli_ask,
	    .args = "ID",
	    .ask = "POST /api/v1/inquiries/{0}/links",
	    .opts =
		OPTS({ "identity", '\0', "ID", "identity", "for whom it answers; else for whoever is asked", KIND_INT },
		    { "expires-in", '\0', "SECONDS", "expires_in", "how long it can be used", KIND_INT }),
	    .done = "{url} answers inquiry {0} once, until {expires_at}.",
	    .help = "make a link by which somebody answers once, without logging in",
	    .example = "attune inquiry link 3 --identity 7" },
};

const Family family_inquiry = { "Inquiries", commands, countof(commands) };
