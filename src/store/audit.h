/*
 * The audit: who did what, when, from where, and how it ended. Rows are only ever added (and removed by age). Times and callers come
 * in as values; nothing here decides what is worth a row.
 */
#pragma once

#include "store/listing.h"

typedef enum AuditCategory {
	AUDIT_API,
	AUDIT_AUTH,
	AUDIT_RBAC,
	AUDIT_SECRET,
	AUDIT_ADMIN,
	AUDIT_EXECUTION,
	AUDIT_PACK,
	AUDIT_CATEGORIES
} AuditCategory;

typedef enum AuditOutcome { AUDIT_SUCCESS, AUDIT_FAILURE, AUDIT_DENIED, AUDIT_OUTCOMES } AuditOutcome;

const char *audit_category_name(AuditCategory c);
MUST_CHECK bool audit_category_of(Str name, AuditCategory *ret);
const char *audit_outcome_name(AuditOutcome o);
MUST_CHECK bool audit_outcome_of(Str name, AuditOutcome *ret);

typedef struct AuditRow {
	AuditCategory category;
	AuditOutcome outcome;
	Str event_type; /* "key.decrypt" */
	Id actor;       /* identity; 0: none */
	Str login, token_type, ip, agent;
	Str request; /* a UUID's text */
	Str resource_type;
	Id resource;
	Str resource_ref;
	Str method, path;
	int status;          /* 0: none */
	int64_t took_ms;     /* used when there is a status */
	const Json *details; /* NULL: none; no secrets */
	TimeUs at;
} AuditRow;

MUST_CHECK bool audit_insert(Db *db, Arena *a, const AuditRow *rows, size_t n, Err *err);

typedef struct AuditFilter {
	Str category, outcome, event_type, login, resource_type, resource_ref, request, method, path;
	Id actor, resource;
	int64_t status;      /* 0: any */
	TimeUs since, until; /* both inclusive; 0: any */
} AuditFilter;

MUST_CHECK bool audit_list(Db *db, Arena *a, const AuditFilter *f, const Slice *slice, SliceOut *ret, Err *err);
/* ERR_NOT_FOUND */
MUST_CHECK bool audit_show(Db *db, Arena *a, Id id, Json *ret, Err *err);
/* Oldest first, the first thousand. */
MUST_CHECK bool audit_of_request(Db *db, Arena *a, Str request, Json *ret, Err *err);
