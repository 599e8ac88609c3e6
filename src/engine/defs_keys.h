/*
 * The names of keys as the cache of definitions keeps them: by system, pack and action. defs.c has them under its lock.
 */
#pragma once

#include "base/map.h"
#include "model/defs.h"
#include "store/key.h"

typedef struct KeyNames {
	Map system;         /* by name */
	Map packs, actions; /* by id: KeyLink */
	bool any_system;
} KeyNames;

MUST_CHECK bool key_names_load(KeyNames *k, Db *db, Arena *a, Err *err);
const KeyName *const *key_names_of(const KeyNames *k, Arena *a, const ActionDef *action, size_t *ret_n);
