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
	Str assigned_role;          /* none: of any */
	int64_t required, received; /* answers of so many people */
	Json default_response;      /* when nobody answers in time; null: none */
	Json escalation;            /* [{"after": microseconds, "assigned_to", "assigned_role"}], in order */
	int64_t escalated;          /* steps of it that have been taken */
	TimeUs remind_every;        /* 0: never */
	int64_t reminded;
	Json answers; /* for inquiry_json; null: they are not shown */
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
/* What may be changed by hand: status, response, assigned_to, assigned_role; and responded_at, which no hand sets. before: as it was read;
 * ERR_CONFLICT: somebody has answered, or it asks others since. */
MUST_CHECK bool inquiry_update(Db *db, Arena *a, const Inquiry *before, const Inquiry *i, TimeUs now, Err *err);
/* Guarded: only a pending one. *ret_done: it was. */
MUST_CHECK bool inquiry_respond(Db *db, Arena *a, Id id, const Json *response, TimeUs now, bool *ret_done, Err *err);
MUST_CHECK bool inquiry_delete(Db *db, Arena *a, Id id, Err *err); /* ERR_NOT_FOUND */

/* Is the time of any pending one over? */
MUST_CHECK bool inquiry_any_due(Db *db, Arena *a, TimeUs now, bool *ret, Err *err);
/* Those for which something is to be done by now: a reminder, an escalation, their end. */
MUST_CHECK bool inquiry_due(Db *db, Arena *a, TimeUs now, size_t most, Id **ret, size_t *ret_n, Err *err);
/* Has its run ended since it was asked? One that is asked of a run that has ended is none of these. */
MUST_CHECK bool inquiry_outlived(Db *db, Arena *a, const Inquiry *i, bool *ret, Err *err);
/* It is not looked at before this time. */
MUST_CHECK bool inquiry_later(Db *db, Arena *a, Id id, TimeUs until, Err *err);
/* Its time is over. Guarded: *ret_done, it was pending. */
MUST_CHECK bool inquiry_time_out(Db *db, Arena *a, Id id, TimeUs now, bool *ret_done, Err *err);
/* Keeps who is asked now and how often it was reminded of, if it is as it was. before: as it was read. */
MUST_CHECK bool inquiry_go_on(
    Db *db, Arena *a, const Inquiry *before, const Inquiry *now, TimeUs at, bool *ret_done, Err *err);
/* The first time at which something is to be done; 0: none has a time. */
MUST_CHECK bool inquiry_next_due(Db *db, Arena *a, TimeUs *ret, Err *err);
/* What a run of core.ask was given; null: it is none. */
MUST_CHECK bool inquiry_asked(Db *db, Arena *a, Id execution, Json *ret, Err *err);
/* The pending one of a run, if any, is over. */
MUST_CHECK bool inquiry_cancel(Db *db, Arena *a, Id execution, TimeUs now, Err *err);

/* The run that asked waits for this inquiry, and says so. */
MUST_CHECK bool inquiry_waits(Db *db, Arena *a, Id execution, Id inquiry, Err *err);
/* Did both come of one run, or is one of them the other? */
MUST_CHECK bool execution_same_tree(Db *db, Arena *a, Id x, Id y, bool *ret, Err *err);
