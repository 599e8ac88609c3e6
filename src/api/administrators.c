#include "api/administrators.h"

#include "model/grants.h"
#include "store/identity.h"
#include "store/permission_set.h"

/* Without constraints: who may manage some sets only cannot help the others. */
static bool
manages(Arena *a, const Json *grants)
{
	Caller c = { .kind = CALLER_USER, .grants = grants_compile(a, &grants, 1) };

	return grants_allow(&c, "permissions:manage", &(Target){ 0 });
}

static bool
anybody(App *app, bool *ret, Err *err)
{
	Arena *a = app->uow->arena;
	Json ids = json_array();
	PermissionSetDef *sets;
	size_t n;

	if (!permission_set_list(app_db(app), a, &(DefFilter){ 0 }, &sets, &n, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (manages(a, &sets[i].grants))
			json_push(a, &ids, json_int(sets[i].id));
	return identity_any_with(app_db(app), a, &ids, ret, err);
}

typedef struct Guarded {
	Work *work;
	void *self;
} Guarded;

static bool
guarded(App *app, void *self, Err *err)
{
	const Guarded *g = self;
	bool before, after;

	if (!anybody(app, &before, err) || !g->work(app, g->self, err) || !anybody(app, &after, err))
		return false;
	return after || !before ||
	       err_set(err, ERR_CONFLICT,
		   "Then nobody could manage permissions any more: give somebody else a set that may (core.admin) "
		   "first");
}

bool
define_keeping_one(App *app, Work *work, void *self, Err *err)
{
	return app_define(app, guarded, &(Guarded){ work, self }, err);
}
