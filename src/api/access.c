#include "api/access.h"

#include "access/access.h"
#include "api/session.h"
#include "api/work.h"
#include "store/execution_read.h"

#include <stdio.h>

const Caller *
app_caller(const App *app)
{
	return &app->caller;
}

/* A run may have been given what came of it: then it must be known what each run came of. */
bool
may(App *app, const char *right, const Target *t)
{
	Err err = { 0 };
	ExecState status;
	Target known;

	if (t == NULL || t->execution == 0 || app->caller.kind != CALLER_EXECUTION || !str_none(t->ancestors))
		return grants_allow(&app->caller, right, t);
	known = *t;
	if (t->execution != app->caller.execution &&
	    !execution_standing(app_db(app), req_arena(app->req), t->execution, &status, &known.ancestors, &err))
		known.ancestors = (Str){ 0 };
	return grants_allow(&app->caller, right, &known);
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

	if (t != NULL && !str_none(t->asked) && !str_to_int(t->asked, &id))
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

Target
target_pack_keys(Str pack_ref)
{
	return (Target){ .ref = pack_ref,
		.pack_ref = pack_ref,
		.owner_type = str_of("pack"),
		.owner_ref = pack_ref,
		.encrypted = 1 };
}

Target
target_of_json(const Json *o, const char *ref_key)
{
	Str ref = json_get_text(o, ref_key);
	Id id = json_as_int(json_get(o, "id"), 0);

	return (Target){ .id = id,
		.ref = ref,
		.pack_ref = str_none(ref) ? (Str){ 0 } : ref_pack(ref),
		.owner = json_as_int(json_get(o, "executor"), 0),
		.execution = id };
}

/* ---- the dispatcher ---- */

/* A browser sends its cookie along wherever a page of somebody else's tells it to: what changes something must come from ours. */
static bool
same_origin(Req *q, Err *err)
{
	Str method = req_method(q), site = req_header(q, "Sec-Fetch-Site"), origin = req_header(q, "Origin");
	Str host = req_header(q, "Host");
	size_t at;

	if (str_is(method, "GET") || str_is(method, "HEAD"))
		return true;
	if (!str_none(site) && !str_is(site, "same-origin") && !str_is(site, "none"))
		return err_set(err, ERR_FORBIDDEN, "A cookie counts only for requests from this site's own pages");
	if (str_none(origin) ||
	    (str_find(origin, str_of("://"), &at) && str_eq(str_sub(origin, at + 3, origin.n), host)))
		return true;
	return err_set(err, ERR_FORBIDDEN, "A cookie counts only for requests from this site's own pages");
}

static bool
caller_find(App *app, Req *q, Err *err)
{
	bool cookie;
	Str token = bearer_of(q, &cookie);

	if (str_none(token))
		return err_set(err, ERR_UNAUTHORIZED, "Missing authentication token");
	if (!callers_find(app->callers, app_db(app), req_arena(q), token, &app->caller, err))
		return false;
	app->caller.by_cookie = cookie;
	return !cookie || same_origin(q, err);
}

bool
api_admit(void *self, App *app, Req *q, const Route *route, Err *err)
{
	(void)self;
	app->caller = (Caller){ 0 };
	app->right = route->right;
	if ((route->flags & ROUTE_PUBLIC) != 0)
		return true;
	return caller_find(app, q, err) && need(app, route->right, NULL, err);
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
