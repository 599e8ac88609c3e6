/*
 * What the headers of a request say about the answer they would like: compressed or not, only when it has changed, for a page of
 * which origin, as part of which trace. Pure.
 */
#pragma once

#include "base/str.h"

/* Accept-Encoding names gzip, or *, and not with q=0. */
bool accepts_gzip(Str accept_encoding);
/* Text of some kind: the first words of a Content-Type. */
bool type_shrinks(const char *type);
/* A weak validator: W/"..." */
Str etag_of(Arena *a, Str body);
/* If-None-Match names the tag, or is "*". */
bool etag_matches(Str if_none_match, Str tag);
/* The origin may use the answers: it stands in the list, or, when that is empty, is a development server on this machine. */
bool origin_allowed(Str origin, const Str *origins, size_t n);
/* The traceparent of the answer: the trace of the request's, a span of our own; none when the request has no valid one. */
Str trace_answer(Arena *a, Str traceparent, uint64_t span);
