/* Questions to people, for those who carry answers to them and look at their time. */
#pragma once

#include "engine/moves.h"
#include "store/inquiry.h"

/* Questions whose time is over end, or are answered as they say themselves. *ret_next: when the next is; 0: never. */
MUST_CHECK bool inquiries_due(Uow *u, TimeUs *ret_next, Err *err);
/* The run that asked goes on. */
MUST_CHECK bool inquiry_answered(Uow *u, const Inquiry *i, Err *err);
