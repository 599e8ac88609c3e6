/*
 * What people have answered to an inquiry, and the links by which they may without logging in. Each person counts once, and so does
 * each link.
 */
#pragma once

#include "store/inquiry.h"

typedef struct InquiryAnswer {
	Id inquiry;
	Id identity; /* 0: nobody we know */
	Id link;     /* 0: not by one */
	const Json *response;
} InquiryAnswer;

/* Until the commit nobody else answers it. *ret_open: it is pending, and its time is not over. */
MUST_CHECK bool inquiry_hold(Db *db, Arena *a, Id id, TimeUs now, bool *ret_open, Err *err);
/* ERR_CONFLICT when that person has answered already. *ret_n: how many have now. */
MUST_CHECK bool inquiry_answer_add(Db *db, Arena *a, const InquiryAnswer *x, TimeUs now, int64_t *ret_n, Err *err);
/* [{"by", "login", "response", "at", "link", "made_by"}], in the order in which they came. link: null when it came by none; made_by:
 * whoever made that link. */
MUST_CHECK bool inquiry_answers(Db *db, Arena *a, Id inquiry, Json *ret, Err *err);

MUST_CHECK bool identity_has_role(Db *db, Arena *a, Id identity, Str role, bool *ret, Err *err);
/* ERR_NOT_FOUND names the login. */
MUST_CHECK bool identity_of_login(Db *db, Arena *a, Str login, Id *ret, Err *err);

/* ---- links ---- */

typedef struct InquiryLink {
	Id id, inquiry, identity, made_by;
	TimeUs expires, used, created; /* used 0: not yet */
} InquiryLink;

MUST_CHECK bool inquiry_link_insert(Db *db, Arena *a, InquiryLink *l, TimeUs now, Err *err); /* sets id and created */
MUST_CHECK bool inquiry_link_get(Db *db, Arena *a, Id id, InquiryLink *ret, Err *err);       /* id 0: there is none */
/* *ret_done: it was not used before. */
MUST_CHECK bool inquiry_link_use(Db *db, Arena *a, Id id, TimeUs now, bool *ret_done, Err *err);
