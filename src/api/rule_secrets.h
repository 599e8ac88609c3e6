/*
 * Secrets that a rule says itself, in parameters that its action or its trigger marks `secret`: a mark stands in their place, unless the
 * whole value is a template, which names a secret and is none. Sensors see those of triggers, which they need.
 */
#pragma once

#include "api/app.h"
#include "model/defs.h"
#include "model/secrets.h"

/* In n rules that are to be shown. Where the action or the trigger is not there, nobody can say which are secret: then all are. */
MUST_CHECK bool rule_secrets_hide(App *app, Arena *a, void *rules, size_t n, Err *err);
/* The same for one, unless the request asks to see them (?include_secret_values=true) and the caller may decrypt the pack's keys; the
 * audit has it before the caller has. */
MUST_CHECK bool rule_secrets_show(App *app, Req *q, RuleDef *rule, Err *err);
/*
 * Marks that come back are the secrets that stood there. before: NULL for a new rule. ERR_VALIDATION where there is none, and where it
 * would go to another action or trigger, which might show it.
 */
MUST_CHECK bool rule_secrets_keep(App *app, Arena *a, const RuleDef *before, RuleDef *rule, Err *err);

/* ---- for workflows, whose tasks say secrets too ---- */

/* Takes what is secret, and leaves templates. */
Secrets secret_literals_take(Arena *a, const Json *schema, Json *values);
/* *ret_known false: the action is not there, and *ret says of all these values that they are secret. */
MUST_CHECK bool secret_schema_of_action(
    App *app, Arena *a, Str ref, const Json *values, Json *ret, bool *ret_known, Err *err);
/* Does the request ask to see them (?include_secret_values=true)? ERR_FORBIDDEN when the caller may not; the audit has it. */
MUST_CHECK bool secrets_asked(App *app, Req *q, const char *type, Id id, Str pack_ref, bool *ret, Err *err);
