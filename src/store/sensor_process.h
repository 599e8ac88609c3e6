/*
 * Where each sensor's process runs, and how it fares: one row a sensor. Whoever holds its lease runs it; `instance` rises each time
 * the lease changes hands or is taken anew, and fences: what an earlier instance writes or reports finds the guard closed.
 */
#pragma once

#include "store/db.h"

typedef struct SensorProcess {
	Id sensor;
	bool stop;             /* somebody has stopped it by hand */
	int64_t restart_asked; /* rises with each asking */
	Str status, reason;    /* reason: why it does not run, for people */
	Str holder, host;
	TimeUs lease_until;
	int64_t instance, pid, rules;
	int64_t restarts, failures;
	int64_t exit_code, signal; /* -1: none */
	TimeUs started, stopped, next_restart;
	Str error, stderr_excerpt;
	int64_t events, refused; /* refused: lines that were none */
	TimeUs last_event, created, updated;
} SensorProcess;

MUST_CHECK bool sensor_process_list(Db *db, Arena *a, SensorProcess **ret, size_t *ret_n, Err *err);
/* One that was never there is one that was never started. */
MUST_CHECK bool sensor_process_get(Db *db, Arena *a, Id sensor, SensorProcess *ret, Err *err);
MUST_CHECK bool sensor_process_make(Db *db, Arena *a, Id sensor, TimeUs now, Err *err); /* fine when it is there */

typedef struct SensorLease {
	Str holder, host;
	TimeUs length;
	bool alone; /* no other process can hold it: the data directory is ours */
} SensorLease;

/* *ret_instance is 0 when somebody else holds it. */
MUST_CHECK bool sensor_process_claim(
    Db *db, Arena *a, Id sensor, const SensorLease *l, TimeUs now, int64_t *ret_instance, Err *err);
/* *ret_held false: it was taken over, or its row is gone. */
MUST_CHECK bool sensor_process_renew(
    Db *db, Arena *a, Id sensor, int64_t instance, TimeUs until, bool *ret_held, Err *err);
/* All but lease, wishes and counts of events; guarded by the instance. */
MUST_CHECK bool sensor_process_write(Db *db, Arena *a, const SensorProcess *p, TimeUs now, Err *err);
/* Nobody holds it any more. */
MUST_CHECK bool sensor_process_release(Db *db, Arena *a, Id sensor, int64_t instance, Err *err);
/* So many events of this instance came in; the row stays locked until the commit. *ret_held false: its lease is gone. */
MUST_CHECK bool sensor_process_events(Db *db, Arena *a, Id sensor, int64_t instance, int64_t events, int64_t refused,
    TimeUs now, bool *ret_held, Err *err);
/* It does not run, and why; only while nobody holds it. */
MUST_CHECK bool sensor_process_idle(Db *db, Arena *a, Id sensor, Str reason, TimeUs now, Err *err);

typedef enum SensorWish { SENSOR_START, SENSOR_STOP, SENSOR_RESTART } SensorWish;

/* What somebody asks of it; whoever holds it, or comes to, obeys. */
MUST_CHECK bool sensor_process_ask(Db *db, Arena *a, Id sensor, SensorWish wish, TimeUs now, Err *err);
