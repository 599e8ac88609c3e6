/*
 * Idempotency-Key: a request that is sent again under the same key gets the same answer and does nothing. What the handler
 * changes is held back (app_work) until it has answered; then the answer is kept in the same transaction, so that a crash leaves
 * both or none, and of two requests at the same time one does it and the other gets its answer. What fails has done nothing,
 * keeps nothing, and may be tried again under its key.
 */
#pragma once

#include "api/app.h"

/* Calls the route's handler: the dispatcher's way to it. */
MUST_CHECK bool api_call(void *self, App *app, Req *q, Res *s, const Route *route, Err *err);
