/*
 * Announcements of one row, put back into the order in which they happened. Each is sent after its commit by whoever committed, so
 * two processes (or threads) may overtake each other by a moment. A change of state names the state before: one that comes before
 * the change it follows is held back until that has come, at most for a moment. One thread.
 */
#pragma once

#include "live/notice.h"

typedef struct Order Order;

Order *order_open(void);
void order_close(Order *o);
void order_forget(Order *o); /* what came before is not known any more, and nothing is held back */
/* Puts what may be told now, of what was held back and of what has come, into ret; it lies in the arena. */
void order_sort(Order *o, Arena *a, const Told *told, TimeUs now, Told *ret);
TimeUs order_due(const Order *o); /* when what is held back goes on at the latest; 0: nothing is */
