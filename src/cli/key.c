#include "cli/families.h"
#include "cli/handlers.h"

#include "base/crypto.h"

static const Thing keys = { "/api/v1/keys",
	{ { "REF", "ref", COLUMN_FIXED }, { "NAME", "name", COLUMN_TEXT }, { "OWNER", "owner_type", COLUMN_FIXED },
	    { "OF", "owner", COLUMN_TEXT }, { "ENCRYPTED", "encrypted", COLUMN_FIXED },
	    { "CREATED", "created", COLUMN_TIME } } };

#define VALUE_HELP "JSON or text; @FILE or - (standard input) keeps it off the command line"

static const Command commands[] = {
	{ .words = "key list",
	    .run = cmd_list_run,
	    .opts = OPTS(LIST_OPTS,
		{ "owner-type", '\0', "KIND", "owner_type", "system, identity, pack, action or sensor" },
		{ "owner", '\0', "REF", "owner", "only of this one" }),
	    .thing = &keys,
	    .help = "keys, without their values",
	    .example = "attune key list --owner-type pack" },
	{ .words = "key show",
	    .run = cmd_key_show,
	    .args = "REF",
	    .opts = OPTS({ "decrypt", 'd', NULL, NULL, "with its value, instead of the value's digest" }),
	    .thing = &keys,
	    .help = "one key",
	    .example = "attune key show ops.token -d --field value" },
	{ .words = "key create",
	    .run = cli_ask,
	    .ask = "POST /api/v1/keys owner_type=system",
	    .opts = OPTS({ "ref", 'r', "REF", "ref", "its ref", KIND_TEXT, true },
		{ "name", 'n', "NAME", "name", "what actions call it", KIND_TEXT, true },
		{ "value", '\0', "VALUE", "value", VALUE_HELP, KIND_VALUE, true },
		{ "owner-type", '\0', "KIND", "owner_type", "system (default), identity, pack, action or sensor" },
		{ "owner", '\0', "REF", "owner", "whose it is" },
		{ "owner-pack-ref", '\0', "REF", "owner_pack_ref", "the pack whose it is" },
		{ "owner-action-ref", '\0', "REF", "owner_action_ref", "the action whose it is" },
		{ "owner-sensor-ref", '\0', "REF", "owner_sensor_ref", "the sensor whose it is" },
		{ "encrypt", 'e', NULL, "encrypted", "store it encrypted", KIND_ON }),
	    .done = "Key {ref} is created.",
	    .help = "keep a value for actions",
	    .example = "attune key create -r ops.token -n token --value @token.txt --encrypt" },
	{ .words = "key update",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "PUT /api/v1/keys/{0}",
	    .opts = OPTS({ "name", 'n', "NAME", "name", "what actions call it" },
		{ "value", '\0', "VALUE", "value", VALUE_HELP, KIND_VALUE },
		{ "encrypt", 'e', NULL, "encrypted", "store it encrypted", KIND_ON },
		{ "plain", '\0', NULL, "encrypted", "store it as it is", KIND_OFF }),
	    .done = "Key {ref} is changed.",
	    .help = "change it",
	    .example = "attune key update ops.token --value - < token.txt" },
	{ .words = "key delete",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "DELETE /api/v1/keys/{0}",
	    .confirm = "Delete key {0}?",
	    .done = "Key {0} is deleted.",
	    .help = "remove it",
	    .example = "attune key delete ops.token" },
	{ .words = "key rotate",
	    .run = cmd_key_rotate,
	    .help = "give every stored secret the current encryption key, while everything runs",
	    .example = "attune key rotate" },
};

const Family family_key = { "Keys", commands, countof(commands) };

/* Step by step; one that breaks off is simply begun again, for what is done is done. */
bool
cmd_key_rotate(Cli *c, int *ret_code, Err *err)
{
	int64_t rewrapped = 0, unreadable = 0;
	Str next = { "", 0 };
	Json step, sum = json_object();

	while (!str_none(next)) {
		Str path = next.n == 0 ? str_of("/api/v1/keys/rotate")
				       : str_fmt(c->a, "/api/v1/keys/rotate?after=%.*s", STR_ARG(next));

		if (!cli_call(c, "POST", path, NULL, &step, err))
			return false;
		rewrapped += json_as_int(json_get(&step, "rewrapped"), 0);
		unreadable += json_as_int(json_get(&step, "unreadable"), 0);
		next = json_get_text(&step, "next");
		if (!str_none(next))
			out_note(c, "%lld are re-wrapped, %lld are left", (long long)rewrapped,
			    (long long)json_as_int(json_get(&step, "left"), 0));
	}
	json_add(c->a, &sum, "key_id", json_str(json_get_text(&step, "key_id")));
	json_add(c->a, &sum, "rewrapped", json_int(rewrapped));
	json_add(c->a, &sum, "unreadable", json_int(unreadable));
	json_add(c->a, &sum, "left", json_int(json_as_int(json_get(&step, "left"), 0)));
	if (!out_raw(c, &sum))
		out_fields(c, &sum);
	if (unreadable > 0)
		*ret_code = CLI_FAILED;
	return true;
}

/* Without -d two people can compare what they hold, and nobody looking over a shoulder learns it. */
bool
cmd_key_show(Cli *c, int *ret_code, Err *err)
{
	const Json *value;
	Str text;
	Json row;

	(void)ret_code;
	if (!cli_call(c, "GET", cli_fill(c, "/api/v1/keys/{0}", NULL, true), NULL, &row, err))
		return false;
	value = json_get(&row, "value");
	if (!cli_has(c, "decrypt") && !json_is_null(value)) {
		text = json_is(value, JSON_STRING) ? json_as_str(value) : json_text(c->a, value);
		json_set(c->a, &row, "value", json_str(str_fmt(c->a, "sha256:%.*s", STR_ARG(sha256_hex(c->a, text)))));
	}
	if (!out_raw(c, &row))
		out_fields(c, &row);
	return true;
}
