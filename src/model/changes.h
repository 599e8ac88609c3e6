/*
 * What people who watch can be told: one row per kind of notification, with the name it has on the wire and what it is about. The
 * engine announces changes by it, live streams name, filter and allow them by it. Constant; any thread.
 */
#pragma once

#include "base/err.h"

typedef enum Subject {
	SUBJECT_EXECUTION,
	SUBJECT_EVENT,
	SUBJECT_ENFORCEMENT,
	SUBJECT_INQUIRY,
	SUBJECT_ARTIFACT,
	SUBJECTS
} Subject;

typedef enum ChangeKind {
	CHANGE_NONE,
	CHANGE_EXECUTION_CREATED,
	CHANGE_EXECUTION_STATUS,
	CHANGE_EVENT_CREATED,
	CHANGE_ENFORCEMENT_CREATED,
	CHANGE_ENFORCEMENT_STATUS,
	CHANGE_INQUIRY_CREATED,
	CHANGE_INQUIRY_RESPONDED,
	CHANGE_INQUIRY_REMINDER,
	CHANGE_INQUIRY_ESCALATED, /* somebody else is asked */
	CHANGE_INQUIRY_TIMEOUT,
	CHANGE_ARTIFACT_CREATED,
	CHANGE_ARTIFACT_UPDATED,
	CHANGE_KINDS
} ChangeKind;

typedef struct ChangeRow {
	const char *name; /* notification_type: "execution_created" */
	Subject subject;
} ChangeRow;

extern const ChangeRow change_rows[CHANGE_KINDS];
extern const char *const subject_names[SUBJECTS];     /* entity_type: "execution" */
extern const char *const subject_resources[SUBJECTS]; /* whose read right is asked for: "executions" */

ChangeKind change_of(Str name);          /* CHANGE_NONE when unknown */
bool subject_of(Str name, Subject *ret); /* false when unknown */
