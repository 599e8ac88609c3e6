#include "model/build.h"

#include "model/version.h"

static bool
better(Str version, Str best)
{
	Version a, b;

	if (!version_parse(version, &a))
		return false;
	return str_none(best) || !version_parse(best, &b) || version_cmp(&a, &b) > 0;
}

/* The usual one when it meets the constraint or nothing else does; else the newest that meets it. */
const Json *
build_choose(const RuntimeDef *r, const Json *capabilities, Str constraint, Str *ret_version)
{
	const Json *builds = json_get_str(json_get(capabilities, "runtime_builds"), r->ref);
	Str usual = json_get_text(builds, ""), best = { 0 };
	const Json *chosen = &r->execution_config;

	*ret_version = (Str){ 0 };
	if (builds == NULL || (usual.n > 0 && version_meets(usual, constraint, BARE_SAME_MINOR)))
		return chosen;
	for (size_t i = 0; i < r->version_count; i++) {
		Str found = json_as_str(json_get_str(builds, r->versions[i].version));

		if (found.n == 0 || !version_meets(found, constraint, BARE_SAME_MINOR) || !better(found, best))
			continue;
		best = found;
		chosen = &r->versions[i].execution_config;
		*ret_version = r->versions[i].version;
	}
	return chosen;
}
