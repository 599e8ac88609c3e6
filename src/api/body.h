/*
 * Bodies of requests, checked against a table of fields: what is needed, of which kind, how long. Everything that is wrong is named
 * in one answer. Fields that are not in the table are ignored.
 */
#pragma once

#include "http/http.h"

enum {
	FIELD_TEXT = 1,
	FIELD_NUMBER = 2,
	FIELD_BOOL = 4,
	FIELD_MAP = 8,    /* a JSON object */
	FIELD_ITEMS = 16, /* a JSON array */
	FIELD_ANY = 32,
	FIELD_NEEDED = 64,
	FIELD_REFS = 128, /* an array of strings */
	FIELD_POSITIVE = 256,
	FIELD_PATCH = 512, /* or {"op": "set", "value": ...}, {"op": "clear"} */
};

typedef struct BodyField {
	const char *key;
	unsigned kind;
	size_t most; /* characters of a text, of which one must be there; 0: any */
} BodyField;

/* ERR_INVALID when it is no JSON object, ERR_VALIDATION "Validation failed: label: is missing, ..." with each field in details. */
MUST_CHECK bool body_read(Req *q, const BodyField *fields, size_t n, Json *ret, Err *err);

/* One of several things in a body that was read otherwise: fields are called "[3].label" where at is "[3].". */
MUST_CHECK bool body_check(Req *q, const BodyField *fields, size_t n, Str at, const Json *body, Err *err);

/* Each changes *to only when the field is there and not null. */
void body_text(const Json *body, const char *key, Str *to);
void body_bool(const Json *body, const char *key, bool *to);
void body_int(const Json *body, const char *key, int64_t *to);
void body_json(const Json *body, const char *key, Json *to);
/* The same for fields that may be cleared by {"op": "clear"}; what they are when cleared is zero. */
void body_patch_text(const Json *body, const char *key, Str *to);
void body_patch_int(const Json *body, const char *key, int64_t *to);
void body_patch_json(const Json *body, const char *key, Json *to);
/* "priority", null being 0. ERR_VALIDATION beyond PRIORITY_MOST. */
MUST_CHECK bool body_priority(const Json *body, int64_t *to, Err *err);
