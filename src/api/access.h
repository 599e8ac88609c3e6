/*
 * Rights in handlers. Before a handler runs, the dispatcher has made sure that the caller holds the route's right on something;
 * whether it holds it on this very object is the handler's to ask, with what it knows of the object.
 */
#pragma once

#include "api/app.h"
#include "model/grants.h"
#include "model/refs.h"

const Caller *app_caller(const App *app);

bool may(App *app, const char *right, const Target *t);
/* ERR_FORBIDDEN: "Insufficient permissions: keys:update" */
MUST_CHECK bool need(App *app, const char *right, const Target *t, Err *err);
/* ERR_NOT_FOUND in the words in which what does not exist is not found: set t->asked where it was named by its ref. */
MUST_CHECK bool see(App *app, const char *right, const Target *t, Err *err);
/* For changing what may be read: not found when it may not even be seen ("keys:read"), forbidden when only the right lacks. */
MUST_CHECK bool reach(App *app, const char *right, const Target *t, Err *err);
/* What of a list the caller may see. */
Scope app_scope(App *app, Arena *a, const char *right);

/* What rights look at, of an object as the API shows it: its ref, or for a run and the like the ref that says of which pack it is. */
Target target_of_json(const Json *o, const char *ref_key);
Target target_pack_keys(Str pack_ref); /* the sealed keys of a pack */

/* The dispatcher's question, before the handler: who is it, and may it at all? Sets app_caller. */
MUST_CHECK bool api_admit(void *self, App *app, Req *q, const Route *route, Err *err);
/* ERR_INTERNAL names a route that has neither a right that exists nor ROUTE_PUBLIC. */
MUST_CHECK bool api_routes_check(const Route *routes, size_t n, Err *err);
