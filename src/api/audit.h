/*
 * What handlers say to the audit. A request is recorded by itself, after its answer; what matters by itself (a secret read, a login, a
 * refusal, a change of rights) is said here, and is stored before the caller hears of it. Caller, address, agent and request are
 * filled in.
 */
#pragma once

#include "api/app.h"
#include "api/audit_log.h"

typedef struct AuditNote {
	AuditCategory category;
	AuditOutcome outcome;
	const char *event_type;    /* "key.decrypt" */
	const char *resource_type; /* "key"; NULL: none */
	Id id;
	Str ref;
	const Json *details; /* NULL: none; no secrets */
	Str login;           /* who it claims to be, where nobody is known yet; none: the caller */
} AuditNote;

/* Within the running transaction: what it tells of happens if and only if the row does. */
MUST_CHECK bool audit_add(App *app, const Req *q, const AuditNote *note, Err *err);
/* Within the running transaction, when the handler has said nothing itself: a definition was changed, in the words of the route. */
MUST_CHECK bool audit_change(App *app, Err *err);
/* In a transaction of its own, for what changes nothing else. */
MUST_CHECK bool audit_now(App *app, const Req *q, const AuditNote *note, Err *err);
/* The record of a request, called by the server after the answer; app NULL: no handler was called. */
void audit_request(AuditLog *log, const Clock *clock, App *app, const Req *q, int status);
