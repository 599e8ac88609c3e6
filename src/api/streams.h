/*
 * What streams sleep on (http_wake): those of one execution on a number of its own, those of all on another. Ids are positive, so
 * neither is the key of a request that waits for a run's end.
 */
#pragma once

#include "api/app.h"
#include "http/stream.h"

enum {
	STREAM_KEY_ALL = -1,
	STREAM_CHECK_US = 4 * US_PER_S, /* how often it is asked whether the token still counts */
};

/* Who follows, asked again in each turn: a token that has expired or was revoked ends the stream, rights that were taken away end what it
 * tells. False: nothing may be told in this turn; the turn is over, or tried again when nobody can say so now. */
MUST_CHECK bool stream_caller(App *app, StreamTurn *turn, Str token, Caller *ret);
/* Without the beginning of a character, or of a line's end, that the next part may complete. */
Str stream_whole_part(Str part);
/* The token of the request, in its arena. */
Str stream_token(Req *q);

static inline int64_t
stream_key(Id execution)
{
	return -1 - execution;
}
