/*
 * JSON values in an arena: one type for REST bodies, YAML files, expressions and JSON columns. A value is
 * 24 bytes, passed by pointer or by value; strings, items and members lie in the arena that made them.
 * Integers are exact int64, reals print shortest and round-trip, numbers beyond both stay text (JSON_BIG).
 * Objects keep the order of their members. Nothing is freed singly.
 */
#pragma once

#include "base/err.h"

typedef enum JsonKind {
	JSON_NULL, /* zero, so that a fresh Json is null */
	JSON_BOOL,
	JSON_INT,
	JSON_REAL,
	JSON_BIG, /* a number too large or too precise for both, kept as its text */
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
	JSON_KINDS
} JsonKind;

typedef struct Json Json;
typedef struct JsonMember JsonMember;

struct Json {
	JsonKind kind;
	uint32_t n;   /* bytes of a string or big number, items of an array, members of an object */
	uint32_t cap; /* room in items or members */
	union {
		bool b;
		int64_t i;
		double d;
		const char *s; /* strict UTF-8, may hold NUL, followed by a NUL */
		Json *items;
		JsonMember *members;
	};
};

struct JsonMember {
	Str key;
	Json value;
};

typedef struct JsonLimits {
	size_t size;      /* bytes of text; 0: 64 MiB */
	unsigned depth;   /* 0: 64 */
	bool unique_keys; /* a key given twice is an error (our own files) instead of last-wins (foreign data) */
} JsonLimits;

/* limits may be NULL. Errors are ERR_INVALID and name line and column. */
MUST_CHECK bool json_parse(Arena *a, Str text, const JsonLimits *limits, Json *ret, Err *err);
void json_print(Buf *b, const Json *v);        /* compact */
void json_print_pretty(Buf *b, const Json *v); /* two spaces per level */
Str json_text(Arena *a, const Json *v);        /* compact */
void json_print_string(Buf *b, Str s);         /* quoted and escaped */
void json_print_real(Buf *b, double d);        /* shortest that reads back the same */

/* Making values. Strings are not copied: they must live as long as the value. */
static inline Json
json_null(void)
{
	return (Json){ .kind = JSON_NULL };
}

static inline Json
json_bool(bool b)
{
	return (Json){ .kind = JSON_BOOL, .b = b };
}

static inline Json
json_int(int64_t i)
{
	return (Json){ .kind = JSON_INT, .i = i };
}

Json json_real(double d); /* NaN and infinity become null: JSON has no word for them */
Json json_str(Str s);     /* null when str_none(s) */
Json json_cstr(const char *s);
Json json_array(void);
Json json_object(void);
void json_push(Arena *a, Json *array, Json item);
void json_set(Arena *a, Json *object, const char *key, Json value); /* replaces or appends; key not copied */
void json_set_str(Arena *a, Json *object, Str key, Json value);
void json_add(Arena *a, Json *object, const char *key, Json value); /* appends without looking; for new keys */
bool json_remove(Json *object, Str key);

/* Reading. All accept NULL and answer NULL or the fallback. */
const Json *json_get(const Json *object, const char *key);
const Json *json_get_str(const Json *object, Str key);
const Json *json_at(const Json *array, size_t index);
/* "a.b.0.c": keys and array indexes, NULL when any is missing */
const Json *json_path(const Json *v, Str path);
static inline Str
json_as_str(const Json *v) /* Str{0} when not a string */
{
	return v != NULL && v->kind == JSON_STRING ? (Str){ v->s, v->n } : (Str){ 0 };
}
int64_t json_as_int(const Json *v, int64_t fallback); /* a real with an integer value counts */
double json_as_real(const Json *v, double fallback);
bool json_as_bool(const Json *v, bool fallback);
Str json_get_text(const Json *object, const char *key); /* json_as_str(json_get(...)) */
bool json_is(const Json *v, JsonKind kind);             /* false for NULL */
bool json_is_null(const Json *v);                       /* true for NULL */
bool json_is_number(const Json *v);
const char *json_kind_name(JsonKind kind); /* "null" "bool" "number" "string" "array" "object" */

bool json_eq(const Json *a, const Json *b); /* deep; 1 equals 1.0; order of members does not matter */
Json json_clone(Arena *a, const Json *v);   /* deep, into another arena */

/* A number of so many digits, or with such an exponent, that a database writes it out in thousands of digits or cannot have it. */
bool json_has_vast(const Json *v);
/* U+0000 may stand in JSON, but PostgreSQL keeps no text that holds it. */
bool json_has_nul(const Json *v); /* in any string or key */
/* What every database keeps as it is: U+FFFD for U+0000, and such a number as the text that it was; v itself when it has neither. */
Json json_storable(Arena *a, const Json *v);
