/*
 * An arena: memory of one unit of work (a request, a message batch, a run's step). Allocation moves a
 * pointer, freeing is resetting the whole. One thread at a time. Memory comes zeroed and aligned to 16.
 * A small allocation that fails aborts the process; sizes chosen by a peer are limited by the caller first.
 */
#pragma once

#include "base/attr.h"

typedef struct Arena Arena;

/* A place to return to with arena_rewind. */
typedef struct ArenaMark {
	void *chunk;
	size_t used;
} ArenaMark;

Arena *arena_open(void);
void arena_close(Arena *a);
void arena_done(Arena **a); /* for CLEANUP */

void *arena_alloc(Arena *a, size_t size);
void *arena_alloc_raw(Arena *a, size_t size); /* not zeroed, for buffers filled at once */
void *arena_array_of(Arena *a, size_t count, size_t size);
/* Grows in place when old is the last allocation, else copies. */
void *arena_grow(Arena *a, void *old, size_t old_size, size_t new_size);
void *arena_copy(Arena *a, const void *data, size_t size);

void arena_reset(Arena *a); /* keeps one chunk for the next round */
ArenaMark arena_mark(const Arena *a);
void arena_rewind(Arena *a, ArenaMark m);
size_t arena_used(const Arena *a); /* bytes held in chunks, for limits and tests */

#define arena_new(a, T) ((T *)arena_alloc((a), sizeof(T)))
#define arena_array(a, T, n) ((T *)arena_array_of((a), (n), sizeof(T)))
