/*
 * From announcements to notices: which rows have changed how, what is known of those rows, and the text that those who watch are
 * sent. A notice owns one piece of memory with its text and what its target names.
 */
#pragma once

#include "bus/bus.h"
#include "live/hub.h"

/* One change of one row, as it was announced. */
typedef struct ToldItem {
	ChangeKind kind;
	Id id;
	Str status, previous;
	TimeUs at;
	bool ends; /* a run's last change */
} ToldItem;

typedef struct Told {
	ToldItem *items;
	size_t n;
} Told;

/* In the order in which they were announced. ERR_INVALID for an announcement that cannot be read. */
MUST_CHECK bool told_read(Arena *a, const Msg *msgs, size_t n, Told *ret, Err *err);
/* Rows that are gone by now make none. The first gets the number given. */
MUST_CHECK bool notices_make(Db *db, Arena *a, const Told *told, uint64_t first, Notice **ret, size_t *ret_n, Err *err);
void notice_free(Notice *n);
