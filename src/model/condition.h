/*
 * Conditions of a rule, compiled: does this payload meet them? A missing field is a non-match, never an error.
 */
#pragma once

#include "expr/expr.h"
#include "model/path.h"
#include "model/rules.h"

typedef struct Condition Condition;

/* conditions must live as long as the result. false: ret_problem says why; the rule then matches nothing. */
bool condition_compile(Arena *a, const Json *conditions, const Condition **ret, Str *ret_problem);
bool condition_met(Arena *a, const Condition *c, const EventView *e);

/* For people: each condition with what it saw and whether it held, nested as they are. */
Json condition_explain(Arena *a, const Condition *c, const EventView *e);

/* An equality that the condition demands in every case: a payload in which this path has not this value cannot meet it. The index
 * is built on it. false when there is none. */
typedef struct EqualityKey {
	Path path;
	Str path_text;
	const Json *value; /* a string or an integer */
} EqualityKey;

bool condition_key(Arena *a, const Condition *c, EqualityKey *ret);

/* The expression form, over the root `event`; see condition_expr.c. */
MUST_CHECK bool condition_expr_compile(Arena *a, Str text, const Expr **ret, Err *err);
bool condition_expr_holds(Arena *a, const Expr *x, const EventView *e); /* an error in it is a no */
/* false: err says why it has no value for this event. */
bool condition_expr_value(Arena *a, const Expr *x, const EventView *e, Err *err);
bool condition_expr_key(Arena *a, const Expr *x, EqualityKey *ret);
