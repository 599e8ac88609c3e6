/*
 * Which description of a runtime a run is started by: the runtime's own, or that of one of its versions, when the action asks for a
 * version that the runtime's usual interpreter on this worker is not. Pure.
 */
#pragma once

#include "model/defs.h"

/*
 * capabilities: of the worker; its `runtime_builds` says which versions it found, by the runtime's ref: {"": "3.11.2", "3.12": "3.12.1"},
 * "" being the usual one. *ret_version: the version row's name; none for the usual one.
 */
const Json *build_choose(const RuntimeDef *r, const Json *capabilities, Str constraint, Str *ret_version);
