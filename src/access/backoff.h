/*
 * Guessing passwords gets slower and slower: failed logins are counted by login and address together, by login alone and by address
 * alone; after a few the next try has to wait, twice as long each time. In memory of this process, of bounded size. Any thread
 * may call.
 */
#pragma once

#include "base/clock.h"

typedef struct Backoff Backoff;

Backoff *backoff_open(const Clock *clock);
void backoff_close(Backoff *b);
typedef enum TryEnd { TRY_GOOD, TRY_BAD, TRY_UNKNOWN } TryEnd;

/* How long to wait before the next try; 0: go on, and say how it ended. */
TimeUs backoff_try(Backoff *b, Str login, Str address);
void backoff_end(Backoff *b, Str login, Str address, TryEnd end);
