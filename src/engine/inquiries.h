/* Questions to people, for those who carry answers to them and look at their time. */
#pragma once

#include "engine/moves.h"
#include "model/question.h"
#include "store/inquiry_answer.h"

/* Asks: *ret is the inquiry. ERR_NOT_FOUND names who or what is not there, ERR_CONFLICT when the execution has one. */
MUST_CHECK bool inquiry_ask(Uow *u, Id execution, const Question *q, TimeUs timeout_at, Inquiry *ret, Err *err);
/* Somebody answers; the response fits the schema. *i is as it is then: `responded` when it was the last that was needed, and then the
 * run that asked goes on. ERR_INVALID when it is not pending any more, ERR_CONFLICT when that person has answered. */
MUST_CHECK bool inquiry_take(Uow *u, Inquiry *i, const InquiryAnswer *x, Err *err);
/* Somebody has set its state by hand, or is about to remove it (status "cancelled"): the run that asked does not wait any longer. */
MUST_CHECK bool inquiry_settled(Uow *u, const Inquiry *i, Str by, Id identity, Err *err); /* 0: nobody we know */
/* Of those that are due: people are reminded, others are asked, and those whose time is over end, or are answered as they say
 * themselves. *ret_next: when the next is; 0: never. */
MUST_CHECK bool inquiries_due(Uow *u, TimeUs *ret_next, Err *err);
/* The same for one of them. */
MUST_CHECK bool inquiry_look(Uow *u, Id id, Err *err);
