/*
 * What the consumers hand to the worker's one thread. Thread-safe.
 */
#pragma once

#include "base/attr.h"

typedef struct InboxItem {
	bool cancel; /* else a dispatch */
	Id execution;
	int attempt;
	Id action;
} InboxItem;

typedef struct Inbox Inbox;

Inbox *inbox_open(void);
void inbox_close(Inbox *b);
void inbox_put(Inbox *b, InboxItem item);
size_t inbox_take(Inbox *b, InboxItem *ret, size_t max);
bool inbox_waiting(Inbox *b);
