/*
 * The few macros and attributes the whole project uses. Nothing here hides control flow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLEANUP(done) __attribute__((cleanup(done)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN __attribute__((noreturn))

#define countof(array) (sizeof(array) / sizeof((array)[0]))

/* Row ids of every table. 0 is no row. */
typedef int64_t Id;

/* Microseconds since 1970-01-01 UTC, or of the monotonic clock where a name says so. 0 is never. */
typedef int64_t TimeUs;

enum {
	US_PER_MS = 1000,
	US_PER_S = 1000000,
};
