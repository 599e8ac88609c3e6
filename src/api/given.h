/*
 * What identities were given, and the limit of giving: nobody gives more than they have.
 */
#pragma once

#include "api/access.h"
#include "store/identity.h"

Json assignment_json(Arena *a, const Assignment *x);
Json role_json(Arena *a, const Assignment *x);
Json role_set_json(Arena *a, const Assignment *x);
/* {"data": {"success": true, "message": ...}} */
bool answer_done(Res *s, Arena *a, const char *message);

Target identity_target(const IdentityDef *d, Str asked);
/* By id or login, as the caller may reach it with the right. */
MUST_CHECK bool identity_reach(App *app, Arena *a, Str key, const char *right, IdentityDef *ret, Err *err);

/* ERR_FORBIDDEN names what the caller lacks. */
MUST_CHECK bool delegate_grants(App *app, Arena *a, const Json *grants, Str set_ref, Err *err);
MUST_CHECK bool delegate_role(App *app, Arena *a, Str role, Err *err);
MUST_CHECK bool delegate_identity(App *app, Arena *a, Id identity, Err *err);
/* permission_set_refs of executions, rules and actions: also ERR_VALIDATION for one that does not exist. NULL: none. */
MUST_CHECK bool delegate_refs(App *app, Arena *a, const Json *refs, Err *err);
