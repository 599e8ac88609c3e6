/*
 * A message inside the in-process bus: one piece of memory with its items and their strings, made by the publisher's
 * thread, copied into the receiver's arena when taken, and kept until it is acknowledged. Foreign-facing kinds carry their
 * payload as text, so that both worlds read it by the same code.
 */
#pragma once

#include "bus/bus_impl.h"

typedef struct Parcel Parcel;
struct Parcel {
	Parcel *next;
	size_t size; /* of the whole piece */
	MsgKind kind;
	bool redelivered;
	Uuid message_id;
	Uuid correlation;
	size_t n; /* items */
	Str text; /* payload of a foreign-facing kind */
	MsgItem items[];
};

typedef struct ParcelHead {
	MsgKind kind;
	Uuid message_id;
	Uuid correlation; /* none: the message id */
} ParcelHead;

/* The scratch arena is used for the text of a payload. */
Parcel *parcel_make(Arena *scratch, const ParcelHead *head, const MsgItem *items, size_t n);
void parcel_free(Parcel *p);
/* Everything msg refers to lies in the arena. */
MUST_CHECK bool parcel_open(const Parcel *p, Arena *a, Msg *msg, Err *err);
Str parcel_body(const Parcel *p, Arena *a, TimeUs now, const char *source); /* as on the wire */
Str parcel_key(const Parcel *p, Arena *a);
