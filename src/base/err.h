/*
 * An error travels up as a value: a code that decides the consequence (HTTP status, retry or dead letter,
 * exit code) and one sentence for people. Library code sets and wraps, only the boundary logs, once.
 * Functions that can fail return bool, are MUST_CHECK, and take `Err *err` last.
 */
#pragma once

#include "base/str.h"

typedef enum ErrCode {
	ERR_NONE,
	ERR_INVALID,    /* the input is wrong: the caller must change it */
	ERR_VALIDATION, /* well-formed, but breaks a rule of the thing it is for */
	ERR_NOT_FOUND,
	ERR_CONFLICT, /* exists already, or is in a state that forbids this */
	ERR_STALE,    /* a guard was closed: somebody else moved the row first */
	ERR_TOO_LARGE,
	ERR_UNAUTHORIZED,
	ERR_FORBIDDEN,
	ERR_BUSY, /* too many at once, or too often: later */
	ERR_UNSUPPORTED,
	ERR_AWAY, /* database or broker cannot be reached just now: try again later */
	ERR_TIMEOUT,
	ERR_SYS,      /* the operating system said no */
	ERR_CORRUPT,  /* stored data that cannot be read */
	ERR_INTERNAL, /* a defect of ours */
	ERR_CODES
} ErrCode;

enum { ERR_TEXT_MAX = 600 };

typedef struct Err {
	ErrCode code;
	char text[ERR_TEXT_MAX];
} Err;

/* All return false, so that a failing function can say `return err_set(...)`. err may be NULL. */
bool err_set(Err *err, ErrCode code, const char *fmt, ...) PRINTF(3, 4);
bool err_sys(Err *err, int errnum, const char *fmt, ...) PRINTF(3, 4); /* "fmt: strerror" */
bool err_wrap(Err *err, const char *fmt, ...) PRINTF(2, 3);            /* "fmt: what was there", code kept */
void err_clear(Err *err);
const char *err_code_name(ErrCode code); /* the CODE clients see: "NOT_FOUND" */
int err_http_status(ErrCode code);
bool err_passes(ErrCode code); /* may go away by itself: worth trying again */
