/*
 * What the resources that are definitions have in common: a list, one by ref or id, and deletion. A Resource adds to the store's
 * table how its rows are shown.
 */
#pragma once

#include "api/page.h"
#include "api/work.h"
#include "store/definition.h"

typedef Json View(Arena *a, const void *def);
typedef bool Hide(App *app, Arena *a, void *defs, size_t n, Err *err);

typedef struct Resource {
	const DefTable *table;
	View *whole, *summary;
	const char *rights; /* the resource whose rights are asked for: "rules" */
	size_t pack_at;     /* where the ref of its pack lies */
	Hide *hide;         /* takes secrets out of what is to be shown; NULL: there are none */
} Resource;

extern const Resource packs, runtimes, actions, triggers, sensors, rules, policies;

/* By ref, or by id where it is a number; ERR_NOT_FOUND. */
MUST_CHECK bool resource_find(App *app, Arena *a, const Resource *r, Str key, void *ret, Err *err);
/* The same for who would do that to it ("update"): not found when it may not even be seen, forbidden when only the right lacks. */
MUST_CHECK bool resource_held(App *app, Arena *a, const Resource *r, Str key, const char *action, void *ret, Err *err);
/* May one of this ref be made, in that pack? */
MUST_CHECK bool resource_makeable(App *app, const Resource *r, Str ref, Str pack_ref, Err *err);
/* The one that the path names, for who may see it. */
MUST_CHECK bool resource_of_path(App *app, Req *q, const Resource *r, const char *param, void *ret, Err *err);

typedef bool Keep(const void *def, void *self);

/* keep may be NULL: all that the filter leaves. What the caller may not see is not there. */
MUST_CHECK bool resource_list(
    App *app, Req *q, Res *s, const Resource *r, DefFilter filter, Keep *keep, void *self, Err *err);
MUST_CHECK bool resource_show(App *app, Req *q, Res *s, const Resource *r, Err *err);
/* ERR_CONFLICT when the ref is taken. */
MUST_CHECK bool resource_ref_free(App *app, Arena *a, const Resource *r, Str ref, Err *err);
/* ERR_VALIDATION when it does not look like "pack.name". */
MUST_CHECK bool component_ref_check(Str ref, Err *err);
