/*
 * Named crash points, before and after each commit and publish. In production a point costs one load and a branch.
 * A process dies at one when ATTUNE_CRASH_POINT=name[:n] is set (at its nth pass); the simulation installs a hook
 * that decides by itself and does not return when the role dies. crash_points() lists every name, for the test that
 * checks each was passed.
 */
#pragma once

#include "base/attr.h"

typedef void CrashHook(void *self, const char *name);

void crash_point(const char *name);
void crash_hook(CrashHook *hook, void *self); /* NULL: none */
void crash_from_env(void);                    /* reads ATTUNE_CRASH_POINT and ATTUNE_CRASH_LOG; called by main */
const char *const *crash_points(size_t *ret_count);
