/*
 * What a client wants to hear of, as one word: `all`, `entity_type:execution`, `entity:execution:12`, `user:1`,
 * `notification_type:event_created`. Pure.
 */
#pragma once

#include "live/hub.h"

typedef enum FilterKind { FILTER_ALL, FILTER_SUBJECT, FILTER_ROW, FILTER_USER, FILTER_KIND, FILTER_NEVER } FilterKind;

typedef struct Filter {
	FilterKind kind;
	Subject subject;
	ChangeKind change;
	Id id; /* of the row, or of the user */
} Filter;

/* ERR_INVALID says what is wrong and what there is. */
MUST_CHECK bool filter_parse(Str text, Filter *ret, Err *err);
/* The subjects of which it may let something through, a bit for each. */
unsigned filter_subjects(const Filter *f);
bool filter_match(const Filter *f, const Notice *n);
bool filter_same(const Filter *a, const Filter *b);
