/*
 * What the resources that are definitions have in common: a list, one by ref or id, and deletion. A Resource adds to the store's
 * table how its rows are shown.
 */
#pragma once

#include "api/page.h"
#include "api/work.h"
#include "store/definition.h"

typedef Json View(Arena *a, const void *def);

typedef struct Resource {
	const DefTable *table;
	View *whole, *summary;
} Resource;

extern const Resource packs, runtimes, actions, triggers, sensors, rules, policies;

/* By ref, or by id where it is a number; ERR_NOT_FOUND. */
MUST_CHECK bool resource_find(App *app, Arena *a, const Resource *r, Str key, void *ret, Err *err);
/* The one that the path names. */
MUST_CHECK bool resource_of_path(App *app, Req *q, const Resource *r, const char *param, void *ret, Err *err);

typedef bool Keep(const void *def, void *self);

/* keep may be NULL: all that the filter leaves. */
MUST_CHECK bool resource_list(
    App *app, Req *q, Res *s, const Resource *r, DefFilter filter, Keep *keep, void *self, Err *err);
MUST_CHECK bool resource_show(App *app, Req *q, Res *s, const Resource *r, Err *err);
/* ERR_CONFLICT when the ref is taken. */
MUST_CHECK bool resource_ref_free(App *app, Arena *a, const Resource *r, Str ref, Err *err);
/* ERR_VALIDATION when it does not look like "pack.name". */
MUST_CHECK bool component_ref_check(Str ref, Err *err);
