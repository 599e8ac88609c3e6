/*
 * Events and enforcements as people and programs see them, in the shape of the API.
 */
#pragma once

#include "store/listing.h"

/* What is none or 0 is no filter. The refs of events may hold *. */
typedef struct EventFilter {
	Id trigger, source;
	Str trigger_ref, rule_ref;
	const Scope *scope; /* NULL: all */
} EventFilter;

MUST_CHECK bool event_list(Db *db, Arena *a, const EventFilter *f, const Slice *slice, SliceOut *ret, Err *err);
MUST_CHECK bool event_show(Db *db, Arena *a, Id id, Json *ret, Err *err); /* ERR_NOT_FOUND */
/* An array of them, in the order of the ids; those that are not there are left out. */
MUST_CHECK bool events_show(Db *db, Arena *a, const Id *ids, size_t n, Json *ret, Err *err);

typedef struct EnforcementFilter {
	Id rule, event;
	Str status, trigger_ref, rule_ref;
	const Scope *scope; /* NULL: all */
} EnforcementFilter;

MUST_CHECK bool enforcement_list(
    Db *db, Arena *a, const EnforcementFilter *f, const Slice *slice, SliceOut *ret, Err *err);
MUST_CHECK bool enforcement_show(Db *db, Arena *a, Id id, Json *ret, Err *err); /* ERR_NOT_FOUND */
