/*
 * Definitions as clients see them. A key that the contract demands is always there, null when it has no value; an optional one is
 * left out then.
 */
#pragma once

#include "model/defs.h"

Json pack_whole(Arena *a, const void *def);
Json pack_config_shown(Arena *a, const PackDef *d); /* marks stand for what its schema says is secret */
Json pack_summary(Arena *a, const void *def);
Json runtime_whole(Arena *a, const void *def);
Json runtime_summary(Arena *a, const void *def);
Json action_whole(Arena *a, const void *def);
Json action_summary(Arena *a, const void *def);
Json action_hit(Arena *a, const void *def); /* of a search */
Json trigger_whole(Arena *a, const void *def);
Json trigger_summary(Arena *a, const void *def);
Json sensor_whole(Arena *a, const void *def);
Json sensor_summary(Arena *a, const void *def);
Json rule_whole(Arena *a, const void *def);
Json rule_summary(Arena *a, const void *def);
Json policy_whole(Arena *a, const void *def);
Json workflow_whole(Arena *a, const void *def);
Json workflow_summary(Arena *a, const void *def);

/* An id, or null. */
static inline Json
json_id(Id id)
{
	return id == 0 ? json_null() : json_int(id);
}

/* A time, or null. */
static inline Json
json_time(Arena *a, TimeUs t)
{
	return t == 0 ? json_null() : json_str(time_text(a, t));
}
