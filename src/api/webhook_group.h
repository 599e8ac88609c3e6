/*
 * What requests to webhooks leave in the store: an event with what its rules make of it, and a line of the webhook's log. Those that
 * come at the same time are written together (api/gather.h); each still gets its own answer, and one that cannot be written spoils
 * nothing for the others.
 */
#pragma once

#include "api/app.h"
#include "api/gather.h"

#include <stdatomic.h>

typedef struct HookGroup HookGroup;

/* One request's part. All that it points at lies in its own arena: it may outlive the request. */
typedef struct HookPart {
	Part part; /* first */
	Arena *a;
	HookGroup *group; /* which uses the arena again */
	atomic_int holds; /* by its request, and by its group until that has told others of its event */

	Id trigger;
	Str trigger_ref, webhook_key;
	int64_t requests; /* of one address in a window; 0: any number */
	TimeUs window;
	Json body;
	const Json *payload, *headers; /* in the body; headers NULL: none */
	Str ip;                        /* of the client; "": not known */
	Str agent;
	Str tick; /* the mark by which its event is known again; none: it is never looked for */
	Uuid correlation;
	int64_t bytes;
	TimeUs began;         /* on the monotonic clock */
	int64_t wait_seconds; /* for what comes of its event; 0: it is answered at once */
	bool signed_only, verified, allowed;
	bool refused;    /* before it came here: only the line is written */
	int64_t version; /* of the definitions by which it was let in; 0: by what the database said */

	/* what came of it, or what was known before */
	bool stale;   /* the definitions have changed since: nothing was done, it is to be looked at anew */
	bool limited; /* it was one too many */
	bool ok;
	Err err;
	Id event;
	bool again; /* its sender has sent it before */
	TimeUs received;

	int64_t counted; /* of its sender, with it; for those behind it in the group */
} HookPart;

HookPart *hook_part_open(HookGroup *g);
void hook_part_close(HookPart *p); /* one hold of it */
void hook_part_done(HookPart **p); /* for CLEANUP */

/* done: told when what waits under these keys may be taken. */
HookGroup *hook_group_open(Engine *e, void (*done)(void *self, const int64_t *keys, size_t n), void *self);
void hook_group_close(HookGroup *g);
/* See gather_give and gather_take. */
MUST_CHECK bool hook_group_give(HookGroup *g, HookPart *p, Err *err);
HookPart *hook_group_take(HookGroup *g, int64_t key);

/* ERR_FORBIDDEN, as it is told to who sends too many. */
bool hook_too_many(int64_t requests, TimeUs window, Err *err);
