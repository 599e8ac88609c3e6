/*
 * Identities: who may log in, and what they were given. Each change of what an identity may do is noted as a change of "identity"
 * (change.h), so that every process forgets what it knew.
 */
#pragma once

#include "model/defs.h"
#include "store/definition.h"

extern const DefTable identity_table;

MUST_CHECK bool identity_get(Db *db, Arena *a, Id id, IdentityDef *ret, Err *err);           /* ERR_NOT_FOUND */
MUST_CHECK bool identity_get_login(Db *db, Arena *a, Str login, IdentityDef *ret, Err *err); /* ERR_NOT_FOUND */
/* By login. d->id is set. */
MUST_CHECK bool identity_put(Db *db, Arena *a, IdentityDef *d, TimeUs now, DefPut *ret, Err *err);
/* ERR_CONFLICT while an inquiry that waits is assigned to it. */
MUST_CHECK bool identity_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err);
MUST_CHECK bool identity_there(Db *db, Arena *a, Id id, bool *ret, Err *err);
/* Is there one besides the platform's own? */
MUST_CHECK bool identity_any(Db *db, Arena *a, bool *ret, Err *err);

/* Is there one, besides the platform's own and those that are frozen, that has one of these permission sets, directly or by a role? */
MUST_CHECK bool identity_any_with(Db *db, Arena *a, const Json *sets, bool *ret, Err *err);

/* The permission sets that an identity has, directly or by a role, each once, in order of ref. */
MUST_CHECK bool identity_sets(Db *db, Arena *a, Id identity, PermissionSetDef **ret, size_t *ret_n, Err *err);
/* The permission sets that a role gives. */
MUST_CHECK bool role_sets(Db *db, Arena *a, Str role, PermissionSetDef **ret, size_t *ret_n, Err *err);

/* A permission set or a role given to an identity, or a permission set to a role. */
typedef struct Assignment {
	Id id, identity, set;
	Str set_ref, role;
	Str source; /* of a role: "manual", or who manages it */
	bool managed;
	TimeUs created, updated;
} Assignment;

typedef enum AssignmentKind { ASSIGN_SET, ASSIGN_ROLE, ASSIGN_ROLE_SET, ASSIGNMENTS } AssignmentKind;

/* owner: the identity, or for ASSIGN_ROLE_SET the permission set; 0: of all */
MUST_CHECK bool assignment_list(
    Db *db, Arena *a, AssignmentKind kind, Id owner, Assignment **ret, size_t *ret_n, Err *err);
MUST_CHECK bool assignment_get(Db *db, Arena *a, AssignmentKind kind, Id id, Assignment *ret, Err *err);
/* ERR_CONFLICT when it is there already. x->id is set. */
MUST_CHECK bool assignment_put(Db *db, Arena *a, AssignmentKind kind, Assignment *x, TimeUs now, Err *err);
MUST_CHECK bool assignment_delete(Db *db, Arena *a, AssignmentKind kind, Id id, TimeUs now, Err *err);
