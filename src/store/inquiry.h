/*
 * Inquiries: questions to people, one for an execution at most. They are in one of four states; only a pending one moves.
 */
#pragma once

#include "store/listing.h"

typedef struct Inquiry {
	Id id, execution, assigned_to;
	Str prompt, status;
	Json response_schema, response;
	TimeUs timeout_at, responded_at, created, updated;
} Inquiry;

typedef struct InquiryFilter {
	Str status; /* none or 0: no filter */
	Id execution, assigned_to;
	const Scope *scope; /* NULL: all */
} InquiryFilter;

MUST_CHECK bool inquiry_get(Db *db, Arena *a, Id id, Inquiry *ret, Err *err); /* ERR_NOT_FOUND */
MUST_CHECK bool inquiry_list(Db *db, Arena *a, const InquiryFilter *f, const Slice *slice, SliceOut *ret, Err *err);
Json inquiry_json(Arena *a, const Inquiry *i);
/* i->id is set. ERR_NOT_FOUND names what is not there, ERR_CONFLICT when the execution has one. */
MUST_CHECK bool inquiry_insert(Db *db, Arena *a, Inquiry *i, TimeUs now, Err *err);
/* What may be changed by hand: status, response, assigned_to. */
MUST_CHECK bool inquiry_update(Db *db, Arena *a, const Inquiry *i, TimeUs now, Err *err);
/* Guarded: only a pending one. *ret_done: it was. */
MUST_CHECK bool inquiry_respond(Db *db, Arena *a, Id id, const Json *response, TimeUs now, bool *ret_done, Err *err);
MUST_CHECK bool inquiry_delete(Db *db, Arena *a, Id id, Err *err); /* ERR_NOT_FOUND */

/* Is the time of any pending one over? */
MUST_CHECK bool inquiry_any_due(Db *db, Arena *a, TimeUs now, bool *ret, Err *err);
/* Those whose time is over become `timeout`; their ids. */
MUST_CHECK bool inquiry_time_out(Db *db, Arena *a, TimeUs now, Id **ret, size_t *ret_n, Err *err);

/* The first time at which one is over; 0: none has a time. */
MUST_CHECK bool inquiry_next_due(Db *db, Arena *a, TimeUs *ret, Err *err);
/* What a run of core.ask was given; null: it is none. */
MUST_CHECK bool inquiry_asked(Db *db, Arena *a, Id execution, Json *ret, Err *err);
/* The pending one of a run, if any, is over. */
MUST_CHECK bool inquiry_cancel(Db *db, Arena *a, Id execution, TimeUs now, Err *err);

/* Is that the run itself, or one that led to it? */
MUST_CHECK bool execution_descends(Db *db, Arena *a, Id execution, Id from, bool *ret, Err *err);
