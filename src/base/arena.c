#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1 /* as gcc says it */
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum {
	CHUNK_FIRST = 16 * 1024,
	CHUNK_MOST = 1024 * 1024, /* chunks double up to here; larger requests get their own */
	ALIGN = 16,
};

typedef struct Chunk Chunk;
struct Chunk {
	Chunk *before;
	size_t size; /* of data */
	size_t used;
	_Alignas(ALIGN) unsigned char data[];
};

struct Arena {
	Chunk *top;
	size_t held;
	unsigned char *last; /* the latest allocation, which may grow in place */
};

static void
out_of_memory(size_t size)
{
	fprintf(stderr, "attune: out of memory (%zu bytes)\n", size);
	abort();
}

static void
chunk_push(Arena *a, size_t least)
{
	size_t size = a->top == NULL ? CHUNK_FIRST : a->top->size * 2;
	Chunk *c;

	if (size > CHUNK_MOST)
		size = CHUNK_MOST;
	if (size < least)
		size = least;
	c = malloc(sizeof(Chunk) + size);
	if (c == NULL)
		out_of_memory(size);
	c->before = a->top;
	c->size = size;
	c->used = 0;
	ASAN_POISON_MEMORY_REGION(c->data, size);
	a->top = c;
	a->held += size;
}

static void
chunk_pop(Arena *a)
{
	Chunk *c = a->top;

	a->top = c->before;
	a->held -= c->size;
	ASAN_UNPOISON_MEMORY_REGION(c->data, c->size);
	free(c);
}

Arena *
arena_open(void)
{
	Arena *a = calloc(1, sizeof(Arena));

	if (a == NULL)
		out_of_memory(sizeof(Arena));
	return a;
}

void
arena_close(Arena *a)
{
	if (a == NULL)
		return;
	while (a->top != NULL)
		chunk_pop(a);
	free(a);
}

void
arena_done(Arena **a)
{
	arena_close(*a);
	*a = NULL;
}

void *
arena_alloc_raw(Arena *a, size_t size)
{
	size_t need = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	unsigned char *p;

	if (need < size)
		out_of_memory(size);
	if (need == 0)
		need = ALIGN;
	if (a->top == NULL || a->top->size - a->top->used < need)
		chunk_push(a, need);
	p = a->top->data + a->top->used;
	a->top->used += need;
	a->last = p;
	ASAN_UNPOISON_MEMORY_REGION(p, size);
	return p;
}

void *
arena_alloc(Arena *a, size_t size)
{
	void *p = arena_alloc_raw(a, size);

	memset(p, 0, size);
	return p;
}

void *
arena_array_of(Arena *a, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		out_of_memory(SIZE_MAX);
	return arena_alloc(a, total);
}

static bool
grow_in_place(Arena *a, unsigned char *old, size_t new_size)
{
	size_t start, need;

	if (old == NULL || a->last != old)
		return false;
	start = (size_t)(old - a->top->data);
	need = (new_size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (need < new_size || a->top->size - start < need)
		return false;
	a->top->used = start + need;
	ASAN_UNPOISON_MEMORY_REGION(old, new_size);
	return true;
}

void *
arena_grow(Arena *a, void *old, size_t old_size, size_t new_size)
{
	void *p;

	if (new_size <= old_size && old != NULL)
		return old;
	if (grow_in_place(a, old, new_size))
		return old;
	p = arena_alloc_raw(a, new_size);
	if (old_size > 0)
		memcpy(p, old, old_size);
	return p;
}

void *
arena_copy(Arena *a, const void *data, size_t size)
{
	void *p = arena_alloc_raw(a, size);

	if (size > 0)
		memcpy(p, data, size);
	return p;
}

void
arena_reset(Arena *a)
{
	if (a->top == NULL)
		return;
	while (a->top->before != NULL && a->top->size > CHUNK_FIRST)
		chunk_pop(a);
	while (a->top->before != NULL)
		chunk_pop(a);
	a->top->used = 0;
	a->last = NULL;
	ASAN_POISON_MEMORY_REGION(a->top->data, a->top->size);
}

ArenaMark
arena_mark(const Arena *a)
{
	ArenaMark m = { a->top, a->top == NULL ? 0 : a->top->used };

	return m;
}

void
arena_rewind(Arena *a, ArenaMark m)
{
	while (a->top != NULL && a->top != m.chunk)
		chunk_pop(a);
	a->last = NULL;
	if (a->top == NULL)
		return;
	a->top->used = m.used;
	ASAN_POISON_MEMORY_REGION(a->top->data + m.used, a->top->size - m.used);
}

size_t
arena_used(const Arena *a)
{
	return a->held;
}
