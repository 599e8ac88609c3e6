/*
 * A hash map from int64 or Str to a pointer, in an arena (grows by rehashing; the old table is left behind in it)
 * and a growing array of pointers. For tables of the process's life use an arena of the process's life.
 */
#pragma once

#include "base/str.h"

typedef struct MapSlot MapSlot;

typedef struct Map {
	Arena *a;
	MapSlot *slots;
	size_t n;    /* live entries */
	size_t cap;  /* power of two */
	size_t used; /* live and deleted */
} Map;

Map map_open(Arena *a);
void *map_get(const Map *m, int64_t key);
void map_put(Map *m, int64_t key, void *value); /* value NULL is a deletion */
void *map_get_str(const Map *m, Str key);
void map_put_str(Map *m, Str key, void *value); /* the key's bytes must live as long as the map */
/* Walks live entries: start with *at = 0; false at the end. key or name may be NULL. */
bool map_next(const Map *m, size_t *at, int64_t *key, Str *name, void **value);

typedef struct Vec {
	Arena *a;
	void **items;
	size_t n;
	size_t cap;
} Vec;

Vec vec_open(Arena *a);
void vec_push(Vec *v, void *item);
