/*
 * Records of requests on their way to the audit: a bounded queue that any thread may add to, and one thread that stores what is in
 * it in small transactions. What is queued when the process is killed is lost, what does not fit is counted; whatever matters
 * by itself is stored by audit_add instead. While no requests come it does nothing.
 */
#pragma once

#include "base/clock.h"
#include "store/audit.h"

typedef struct AuditLog AuditLog;

typedef struct AuditLogConfig {
	Store *store;
	const Clock *clock;
	size_t room;   /* records that wait at most; 0: 4,096 */
	TimeUs linger; /* how long the first may wait for company; 0: 100 ms */
} AuditLogConfig;

MUST_CHECK bool audit_log_open(const AuditLogConfig *config, AuditLog **ret, Err *err);
/* Stores what is queued, once more tried when the database is away, and ends the thread. NULL is fine. */
void audit_log_close(AuditLog *l);
/* Copies the row, but for its details; never waits for the database. */
void audit_log_add(AuditLog *l, const AuditRow *row);
