#include "api/access.h"

#include <stdio.h>

const Caller *
app_caller(const App *app)
{
	return &app->caller;
}

bool
may(App *app, const char *right, const Target *t)
{
	return grants_allow(&app->caller, right, t);
}

bool
need(App *app, const char *right, const Target *t, Err *err)
{
	return may(app, right, t) || err_set(err, ERR_FORBIDDEN, "Insufficient permissions: %s", right);
}

static bool
not_there(const char *right, const Target *t, Err *err)
{
	const char *noun = right_noun(right);
	Id id;

	if (!str_none(t->asked) && !str_to_int(t->asked, &id))
		return err_set(err, ERR_NOT_FOUND, "%s '%.*s' not found", noun, STR_ARG(t->asked));
	return err_set(
	    err, ERR_NOT_FOUND, "%s with ID %lld not found", noun, (long long)(t->id != 0 ? t->id : t->execution));
}

bool
see(App *app, const char *right, const Target *t, Err *err)
{
	return may(app, right, t) || not_there(right, t, err);
}

bool
reach(App *app, const char *right, const Target *t, Err *err)
{
	char read[64];
	size_t n = strcspn(right, ":");

	snprintf(read, sizeof(read), "%.*s:read", (int)n, right);
	if (may(app, right, t))
		return true;
	return see(app, read, t, err) && need(app, right, t, err);
}

Scope
app_scope(App *app, Arena *a, const char *right)
{
	return grants_scope(a, &app->caller, right);
}

/* ---- the dispatcher ---- */

bool
api_admit(void *self, App *app, Req *q, const Route *route, Err *err)
{
	(void)self;
	(void)route;
	(void)err;
	app->caller = (Caller){
		.kind = CALLER_USER, .identity = 1, .login = str_of("system"), .grants = grants_all(req_arena(q))
	};
	return true;
}

bool
api_routes_check(const Route *routes, size_t n, Err *err)
{
	for (size_t i = 0; i < n; i++) {
		const Route *r = &routes[i];
		Right right;

		if ((r->flags & ROUTE_PUBLIC) != 0 && r->right == NULL)
			continue;
		if ((r->flags & ROUTE_PUBLIC) != 0 || !right_parse(r->right, &right))
			return err_set(err, ERR_INTERNAL,
			    "route %s %s has the right '%s', which does not exist: rights stand in src/model/grants.c, "
			    "and a "
			    "route that everybody may use is ROUTE_PUBLIC and has none",
			    r->method, r->path, r->right == NULL ? "(none)" : r->right);
	}
	return true;
}
