/*
 * Whether and when a run that went wrong is tried again: {"count", "delay", "backoff", "max_delay", "jitter", "on"}. Pure.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "model/lifecycle.h"

typedef enum RetryBackoff { BACKOFF_CONSTANT, BACKOFF_LINEAR, BACKOFF_EXPONENTIAL, BACKOFFS } RetryBackoff;
typedef enum RetryOn { RETRY_FAILED = 1, RETRY_TIMED_OUT = 2, RETRY_WORKER_LOST = 4 } RetryOn;

typedef struct RetryPlan {
	int64_t count; /* 0: never */
	TimeUs delay, max_delay;
	RetryBackoff backoff;
	double jitter; /* of the delay, up and down; 0 to 1 */
	unsigned on;   /* bits of RetryOn */
} RetryPlan;

/* null or an empty object: never. ERR_VALIDATION begins with where it is: "/retry/count: ...". */
MUST_CHECK bool retry_read(const Json *v, RetryPlan *ret, Err *err);
/* What this end is to a plan; 0: nothing to try again. */
unsigned retry_reason(ExecState to, const Json *result);
const char *retry_reason_name(unsigned reason);
/* Before the n-th retry, from 1. luck: anything, for the jitter. */
TimeUs retry_wait(const RetryPlan *p, int64_t n, uint64_t luck);
