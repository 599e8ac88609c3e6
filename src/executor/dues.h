/*
 * The thread for what has its time: delayed tasks and time limits of workflows, questions nobody has answered. It sleeps until the next
 * of them is due; with several executors it looks every 5 s besides, for what one that died has left behind.
 */
#pragma once

#include "engine/moves.h"

typedef struct Dues Dues;

MUST_CHECK bool dues_start(Engine *e, Dues **ret, Err *err);
void dues_stop(Dues *d);
void dues_arm(Dues *d); /* something may have got a time; from any thread, cheap when it is known already */
