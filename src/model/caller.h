/*
 * Who asks. Made for each request from the token that came with it (src/access), read by whoever decides what may be done
 * (grants.h). A value: its strings and grants live as long as the request.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"

typedef enum CallerKind {
	CALLER_NOBODY, /* no token: may use public routes only */
	CALLER_USER,
	CALLER_EXECUTION, /* a running action */
	CALLER_SENSOR,
	CALLER_WORKER,
	CALLER_KINDS
} CallerKind;

typedef struct Grants Grants;

typedef struct Caller {
	CallerKind kind;
	Id identity; /* the person, or on whose behalf a run goes; 0: nobody */
	Str login;
	const Json *attributes; /* of the identity; NULL: none are known */
	const Grants *grants;   /* NULL: may do nothing */
	TimeUs expires;         /* of the token */
	Id session;             /* of a user's login; 0: none */
	Id execution;           /* CALLER_EXECUTION: the run */
	Str line;               /* the ancestors that its children have, "/1/5/" for run 5 */
	Str action_ref, pack_ref;
	Str sensor_ref;     /* CALLER_SENSOR */
	Json trigger_types; /* CALLER_SENSOR: refs of the triggers it may report */
	int64_t instance;   /* CALLER_SENSOR: of its process; 0: not started by us */
	Id worker;          /* CALLER_WORKER */
	bool by_cookie;     /* the token came in the browser's cookie */
} Caller;
