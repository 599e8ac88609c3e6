/*
 * Tokens: JSON Web Tokens signed with HMAC-SHA256 and nothing else. Pure: key and time are arguments.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"

typedef enum TokenType {
	TOKEN_ACCESS,
	TOKEN_REFRESH,
	TOKEN_SENSOR,
	TOKEN_EXECUTION,
	TOKEN_WORKER,
	TOKEN_TYPES
} TokenType;

typedef struct Claims {
	TokenType type;
	Id subject; /* identity */
	Str login;
	int64_t issued, expires; /* seconds since 1970 */
	Str scope;
	Json metadata;      /* an object, or null */
	Id session;         /* of access and refresh tokens; 0: none */
	int64_t generation; /* of a refresh token: how often its session was refreshed before */
} Claims;

enum { TOKEN_MAX = 8 * 1024, TOKEN_LEEWAY = 60 };

Str token_sign(Arena *a, const MacKey *key, const Claims *c);
/* ERR_UNAUTHORIZED: "Invalid authentication token", "Authentication token expired" */
MUST_CHECK bool token_read(Arena *a, const MacKey *key, Str token, TimeUs now, Claims *ret, Err *err);
