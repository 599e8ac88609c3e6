/*
 * Versions and constraints on them (semver ranges): = >= <= > < ~ ^ and *, a comma is AND, short versions are padded
 * with zeros, a leading v is allowed. A bare version means "same minor" for runtimes and exactly that one for packs.
 */
#pragma once

#include "base/err.h"

typedef struct Version {
	int64_t part[3];
	Str pre; /* after '-'; none: a release */
} Version;

typedef enum VersionBare { BARE_SAME_MINOR, BARE_EXACT } VersionBare;

MUST_CHECK bool version_parse(Str text, Version *ret);
bool version_is_semver(Str text);                    /* all three parts, no v: what a pack must have */
int version_cmp(const Version *a, const Version *b); /* builds (+x) do not count */
/* An empty constraint is met by all. What cannot be read is met by nothing. */
bool version_meets(Str version, Str constraint, VersionBare bare);
MUST_CHECK bool version_constraint_check(Str constraint, Err *err);
