#include "cli/families.h"

static const CliOpt global_opts[] = {
	{ "profile", 'p', "NAME", NULL, "the server and login to use (default: ATTUNE_PROFILE, else the current one)" },
	{ "api-url", '\0', "URL", NULL,
	    "the server (default: ATTUNE_API_URL, else the profile's, else http://127.0.0.1:8080)" },
	{ "output", 'o', "FORMAT", NULL, "table, wide, json, yaml or name" },
	{ "json", 'j', NULL, NULL, "the same as --output json" },
	{ "yaml", 'y', NULL, NULL, "the same as --output yaml" },
	{ "field", '\0', "PATH", NULL, "print only this part of the answer: status, result.data.0" },
	{ "quiet", 'q', NULL, NULL, "print names and ids alone" },
	{ "yes", '\0', NULL, NULL, "ask no questions" },
	{ "verbose", 'v', NULL, NULL, "show the requests that are made" },
	{ "help", 'h', NULL, NULL, "say how this command is used" },
	{ "version", 'V', NULL, NULL, "say which version this is" },
};

static const Family *const families[] = {
	&family_general,
	&family_action,
	&family_execution,
	&family_rule,
	&family_trigger,
	&family_sensor,
	&family_event,
	&family_pack,
	&family_workflow,
	&family_key,
	&family_artifact,
	&family_inquiry,
	&family_worker,
	&family_policy,
	&family_apply,
	&family_auth,
	&family_identity,
	&family_permission,
	&family_audit,
	&family_profile,
	&family_complete,
};

const Family *const *
cli_families(size_t *ret_count)
{
	*ret_count = countof(families);
	return families;
}

const Command *
cli_command_at(size_t i)
{
	for (size_t f = 0; f < countof(families); f++) {
		if (i < families[f]->count)
			return &families[f]->commands[i];
		i -= families[f]->count;
	}
	return NULL;
}

const CliOpt *
cli_global_opts(size_t *ret_count)
{
	*ret_count = countof(global_opts);
	return global_opts;
}
