/*
 * How the tests of packs ended, each time they were run.
 */
#pragma once

#include "model/pack_tests.h"
#include "store/listing.h"

typedef enum PackTestReason {
	PACK_TEST_INSTALL,
	PACK_TEST_UPDATE,
	PACK_TEST_MANUAL,
	PACK_TEST_VALIDATION,
	PACK_TEST_REASONS
} PackTestReason;

typedef struct PackTestRow {
	Id pack;
	Str version;
	PackTestReason reason;
	TimeUs began;
	int64_t took_ms;
	TestCounts counts;
	const Json *result; /* whole, as clients see it */
} PackTestRow;

MUST_CHECK bool pack_test_add(Db *db, Arena *a, const PackTestRow *row, TimeUs now, Err *err);
/* Of one pack, newest first. */
MUST_CHECK bool pack_test_list(Db *db, Arena *a, Id pack, const Slice *slice, SliceOut *ret, Err *err);
