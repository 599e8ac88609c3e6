/*
 * UUIDs as values. Version 7 (time-ordered) for everything we make, so that indexes stay local.
 */
#pragma once

#include "base/clock.h"

typedef struct Uuid {
	uint8_t b[16];
} Uuid;

enum { UUID_TEXT = 36 };

Uuid uuid_new(TimeUs now); /* random bits from getrandom, buffered per thread */
bool uuid_none(Uuid u);    /* all zero */
bool uuid_eq(Uuid a, Uuid b);
Str uuid_text(Arena *a, Uuid u);
void uuid_write(Uuid u, char text[UUID_TEXT]);
MUST_CHECK bool uuid_parse(Str text, Uuid *ret);
