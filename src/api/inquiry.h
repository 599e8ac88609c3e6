/*
 * Inquiries, for the files that carry answers to them.
 */
#pragma once

#include "api/access.h"
#include "engine/inquiries.h"

/* ERR_FORBIDDEN for a run that came of the same one as the inquiry's. */
MUST_CHECK bool inquiry_foreign(App *app, Arena *a, const Inquiry *i, Err *err);
/* ERR_FORBIDDEN when others are asked. */
MUST_CHECK bool inquiry_asks(App *app, Arena *a, const Inquiry *i, Id identity, Err *err);
MUST_CHECK bool inquiry_response_body(Req *q, Json *ret, Err *err);
/* The answer in a body that inquiry_response_body has read. In a transaction. */
MUST_CHECK bool inquiry_take_body(App *app, Arena *a, Inquiry *i, const Json *body, Id identity, Id link, Err *err);
