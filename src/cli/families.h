/*
 * The families of commands, in the order of help, and what their tables share.
 */
#pragma once

#include "cli/output.h"

extern const Family family_general, family_auth, family_action, family_execution, family_rule, family_trigger,
    family_sensor, family_event, family_pack, family_workflow, family_key, family_artifact, family_inquiry,
    family_worker, family_identity, family_permission, family_policy, family_audit, family_profile, family_apply,
    family_complete;

#define OPTS(...) ((const CliOpt[]){ __VA_ARGS__, { 0 } })

#define LIST_OPTS \
	{ "limit", 'l', "N", "limit", "at most so many rows" }, { "page", '\0', "N", "page", "the Nth page of them" }, \
	{ \
		"all", '\0', NULL, NULL, "every row" \
	}

#define PACK_OPT \
	{ \
		"pack", 'p', "REF", "pack_ref", "only of this pack" \
	}
