/*
 * What a caller may do: grants {resource, actions, constraints} as permission sets hold them, compiled once and evaluated against
 * what is known of an object. Access is the union of grants; within one every constraint must hold, and one about something that
 * is not known of the object does not. Pure; compiled grants lie in the arena given and may be read by any thread.
 */
#pragma once

#include "base/err.h"
#include "model/caller.h"

/* What is known of an object. What is none or 0 is not known. */
typedef struct Target {
	Id id;
	Str ref, pack_ref;
	Str owner_type, owner_ref; /* "identity" "pack" "action" "sensor" "system" */
	Id owner;                  /* identity that owns it, or for which a run goes */
	Str visibility;
	Id execution;  /* of an execution: its id */
	Str ancestors; /* the runs it came of, outermost first: "/1/5/" */
	int encrypted; /* of keys: 1 yes, -1 no */
	Str asked;     /* how the caller named it, for the sentence that it is not there */
} Target;

enum { GRANT_TEXTS_MAX = 256 }; /* refs in one constraint */

typedef struct Grant {
	uint8_t resource;
	uint16_t actions;                                               /* bits */
	bool limited;                                                   /* has constraints */
	bool never;                                                     /* a constraint that nothing meets */
	Json pack_refs, refs, ids, owner_refs, owner_types, visibility; /* arrays, or null: not constrained */
	Json attributes;                                                /* object, or null */
	uint8_t owner, execution;                                       /* see grants.c; 0: not constrained */
	int8_t encrypted;                                               /* as in Target */
} Grant;

enum { OWNER_ANY = 1, OWNER_SELF, OWNER_NONE };
enum { RUNS_ANY = 1, RUNS_SELF, RUNS_DESCENDANTS };

/* "keys:decrypt" as numbers; false when there is no such right. */
typedef struct Right {
	uint8_t resource;
	uint16_t action; /* one bit */
} Right;

bool right_parse(const char *text, Right *ret);
/* The noun of its objects: "Key". */
const char *right_noun(const char *text);

/* Of an array as permission sets hold it. What cannot be understood gives nothing. */
const Grants *grants_compile(Arena *a, const Json *const *sets, size_t n);
/* All that there is. */
const Grants *grants_all(Arena *a);
/* As an operator writes it: ERR_VALIDATION names the grant, what is wrong, and what there is. */
MUST_CHECK bool grants_check(const Json *grants, Err *err);
/* [{"resource", "actions"}], the union, whatever the constraints. */
Json grants_json(Arena *a, const Grants *g);

/* A copy of a caller with all that it points to. */
Caller caller_keep(Arena *a, const Caller *c);

/* t NULL: on anything at all. */
bool grants_allow(const Caller *c, const char *right, const Target *t);
/* Does c hold all that these grants give? Else *ret_missing names one that it lacks. */
bool grants_cover(const Caller *c, Arena *a, const Json *grants, Str *ret_missing);

/* What a list may show: all, or what one of these grants allows. The store makes conditions of it (store/listing.h). */
typedef struct Scope {
	bool all;
	const Caller *caller;
	const Grant **grants;
	size_t n; /* 0 and not all: nothing */
} Scope;

Scope grants_scope(Arena *a, const Caller *c, const char *right);
