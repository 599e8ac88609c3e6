/*
 * What `attune apply` and `attune export` know of each kind of thing: its route and the members a document may have. A document is an
 * object with `kind` and `ref` and some of these members, as the API names them.
 */
#pragma once

#include "cli/input.h"

enum {
	MEMBER_FIXED = 1,      /* given when it is made, and never changed */
	MEMBER_PATCH = 2,      /* changed as {"op": "set", "value": ...} */
	MEMBER_NEEDED = 4,     /* without it the thing cannot be made */
	MEMBER_SECRET = 8,     /* not shown, and exported only when asked for */
	MEMBER_ASIDE = 16,     /* not exported */
	MEMBER_OF_ACTION = 32, /* of a workflow: its action keeps it, and is asked for it and told it */
	MEMBER_FILLED = 64,    /* an object that is answered with all it may say, and its times in seconds */
};

typedef struct KindMember {
	const char *name;
	unsigned flags;
	const char *refers; /* the kind of thing whose ref it is */
} KindMember;

enum { KIND_MEMBERS = 40 };

typedef struct ApplyKind {
	const char *name; /* "rule" */
	const char *path; /* "/api/v1/rules" */
	KindMember members[KIND_MEMBERS];
} ApplyKind;

/* In the order in which things are made, so that what is referred to is there. */
const ApplyKind *apply_kinds(size_t *ret_count);
const ApplyKind *apply_kind_named(Str name); /* "rule" or "rules"; NULL when there is none */
const KindMember *apply_member(const ApplyKind *k, Str name);
Str apply_path(Arena *a, const ApplyKind *k, Str ref);
/* GET of one, of a workflow with what its action keeps; false without an error (err->code ERR_NONE): it is not there. */
bool apply_fetch(Cli *c, const ApplyKind *k, Str ref, Json *ret, Err *err);
