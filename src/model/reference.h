/*
 * Who else may refer to an action or a trigger in rules: everybody ("public", and when nothing is said), its pack and the packs that it
 * names ("restricted"), its pack alone ("private"). Pure.
 */
#pragma once

#include "base/json.h"

typedef struct Reference {
	Str visibility;
	Json packs; /* refs; null: none */
} Reference;

extern const char *const reference_words[]; /* ends with NULL */

MUST_CHECK bool reference_check(const Reference *r, Err *err);
/* what, ref and pack: of the thing; from: the pack of the rule, none when it has none. ERR_VALIDATION says who may. */
MUST_CHECK bool reference_allows(const Reference *r, const char *what, Str ref, Str pack, Str from, Err *err);
