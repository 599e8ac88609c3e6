/*
 * What the platform has to say about itself: events of the trigger core.alert, to which rules can react like to any other.
 */
#pragma once

#include "engine/engine.h"

typedef struct Alert {
	const char *severity; /* "info" "warning" "error" "critical" */
	const char *category, *failure_type, *component_type;
	Id component;
	Str component_ref;
	const char *worker_role; /* "action", "sensor"; NULL: neither */
	Str summary;
	const Json *details; /* NULL: none */
	Str key;             /* the same thing is said once */
} Alert;

/* Inside the caller's transaction, outside of defs_enter. Without the core pack nothing is said. */
MUST_CHECK bool alert_raise(Uow *u, const Alert *a, Err *err);
