/*
 * The Range of a request (RFC 9110, 14), one range of bytes. Pure.
 */
#pragma once

#include "base/str.h"

typedef enum RangeKind {
	RANGE_WHOLE, /* none was asked for, or nothing that we take (several, another unit): all of it */
	RANGE_PART,
	RANGE_BAD, /* none of it is there: 416 */
} RangeKind;

typedef struct Range {
	uint64_t from, n;
} Range;

RangeKind range_parse(Str header, uint64_t size, Range *ret);
