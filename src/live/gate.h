/*
 * Who bears a token, for connections that outlive the request they began with: they ask again every few seconds, so that a token
 * that has expired or was revoked, and rights that were taken away, stop counting. Made by the host of what knows tokens.
 */
#pragma once

#include "engine/engine.h"
#include "model/caller.h"

typedef struct Gate {
	/* The caller and all it refers to lie in the arena. ERR_UNAUTHORIZED says why not, in the words of clients:
	 * missing_token, invalid_or_expired_token, refresh_tokens_not_allowed, ... */
	bool (*admit)(void *self, Db *db, Arena *a, Str token, Caller *ret, Err *err);
	void *self;
} Gate;
