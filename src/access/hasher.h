/*
 * Passwords are hashed on threads of their own, few and of low priority, with a queue that is short: who comes when it is full is
 * told so at once, and nobody else waits for a hash. A job is known by the key its caller chose (one per request); the caller
 * looks again when it is woken. What nobody fetches is dropped when there is no room else. Any thread may call.
 */
#pragma once

#include "base/clock.h"
#include "base/secret.h"

typedef struct Hasher Hasher;

typedef struct HasherConfig {
	const Clock *clock;
	unsigned threads; /* 0: one for every two processors */
	unsigned queue;   /* jobs that wait; 0: 8 for each thread */
	void (*done)(void *self, int64_t key);
	void *self;
} HasherConfig;

typedef enum HashState { HASH_NONE, HASH_WAITS, HASH_DONE } HashState;

/* What to do: check a password, make a hash, or the second only if the first holds. */
typedef struct HashJob {
	Str check, against; /* check none: nothing is checked */
	Str make;           /* none: nothing is made */
} HashJob;

typedef struct HashResult {
	bool good; /* the password fits, or none was to be checked, and what was to be made is made */
	Str hash;
} HashResult;

MUST_CHECK bool hasher_open(const HasherConfig *config, Hasher **ret, Err *err);
void hasher_close(Hasher *h);
/* False when the queue is full. */
MUST_CHECK bool hasher_give(Hasher *h, int64_t key, const HashJob *job);
/* HASH_DONE only once: with it the job is gone. */
HashState hasher_take(Hasher *h, Arena *a, int64_t key, HashResult *ret);
