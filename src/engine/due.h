/* What has its time: questions nobody has answered, delayed tasks, time limits of workflows. */
#pragma once

#include "engine/moves.h"

/* One look, with transactions of its own. All that is due is looked at together; when something in it is bad, each alone, and what is
 * bad is put off a minute, so that it holds up nobody. *ret_next: when the next is due; 0: nothing has a time. */
MUST_CHECK bool due_turn(Uow *u, TimeUs *ret_next, Err *err);
