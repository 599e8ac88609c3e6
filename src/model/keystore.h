/*
 * `keystore` in the parameters of rules: {{ keystore.NAME }} is the value of a key, and may stand only where the action's schema says
 * `secret`, so that it is sealed wherever the parameters go. Looks at templates before they run; nothing here holds a value.
 */
#pragma once

#include "base/err.h"
#include "expr/tmpl.h"

/* The keys that a template names, in order of appearance; one may be there twice. */
const Str *keystore_names(Arena *a, const Tmpl *t, size_t *ret_n);
/* Does some template in it look at keystore at all? */
bool keystore_wanted(Arena *a, const Json *value);
/* Parameters of an action with this schema, called what ("action_params"). ERR_VALIDATION names the parameter and the cure. */
MUST_CHECK bool keystore_check(
    Arena *a, const char *what, Str action_ref, const Json *schema, const Json *params, Err *err);
