/*
 * Secrets in the config of executions and enforcements, for those who may see them: ?include_secret_values=true.
 */
#pragma once

#include "api/access.h"
#include "engine/secrets.h"

/* Puts them into the member "config" of *shown when the request asks for it. right: "executions:decrypt". The audit has it before the
 * caller has. */
MUST_CHECK bool reveal_config(App *app, Req *q, SecretOf of, Id id, const char *right, Json *shown, Err *err);
