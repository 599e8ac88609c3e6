/*
 * The expression language: compiled once, run many times against values in arenas. Pure: the clock, the ids and everything a name
 * stands for come in through ExprEnv, and every evaluation ends within its budget of steps and memory. docs/expressions.md is the
 * language for people. A compiled expression is never written to: any number of threads may run it at once.
 */
#pragma once

#include "base/json.h"
#include "base/uuid.h"

typedef struct Expr Expr;

enum {
	EXPR_TEXT_MOST = 16 * 1024,  /* bytes of one expression */
	EXPR_DEPTH_MOST = 64,        /* of nesting */
	EXPR_STEPS_MOST = 5000000,   /* unless the budget says otherwise */
	EXPR_MEMORY_MOST = 16 << 20, /* bytes, likewise */
};

/* A name and what it stands for. */
typedef struct ExprVar {
	Str name;
	const Json *value; /* NULL is null */
} ExprVar;

/*
 * Finds what a path starts with. parts[0] is the name, the others are the fixed fields that follow. Answers how many parts *ret
 * covers, so that a root need not be built when only one field of it is asked for; 0: there is no such name.
 */
typedef size_t ExprLookup(const void *self, Arena *a, const Str *parts, size_t n, Json *ret);

/* What result(), succeeded(), failed() and timed_out() say: the task that has just completed. */
typedef struct ExprRun {
	const Json *result;
	bool succeeded, failed, timed_out;
} ExprRun;

typedef enum ExprMissing {
	EXPR_MISSING_IS_ERROR, /* that names the whole path, unless inside default() or coalesce() */
	EXPR_MISSING_IS_NULL,
} ExprMissing;

typedef struct ExprEnv {
	const ExprVar *vars; /* are looked at first */
	size_t n_vars;
	ExprLookup *lookup; /* may be NULL */
	const void *self;   /* of lookup and uuid */
	ExprMissing missing;
	bool own_constants; /* the result must not point into the expression: it outlives it */
	TimeUs now;         /* 0: now() is an error */
	Uuid (*uuid)(const void *self);
	const ExprRun *run; /* NULL: no task has completed yet */
	uint64_t steps;     /* 0: EXPR_STEPS_MOST */
	size_t memory;      /* 0: EXPR_MEMORY_MOST */
} ExprEnv;

/* Errors of both are ERR_INVALID, "column 7: ..."; a budget that is used up is ERR_TOO_LARGE. The text is copied. */
MUST_CHECK bool expr_compile(Arena *a, Str text, const Expr **ret, Err *err);
/* *ret may point into the values of env and, unless own_constants is set, into the expression. */
MUST_CHECK bool expr_eval(const Expr *x, const ExprEnv *env, Arena *a, Json *ret, Err *err);

/* "a.b-c.0.d" as one path, whatever the segments hold: what rules could write before there was a language. */
const Expr *expr_compile_path(Arena *a, Str dotted);

bool expr_truthy(const Json *v); /* false for null, false, 0, 0.0, "", [] and {} */
/* How a value stands inside text: strings as they are, null as nothing, the rest as JSON. */
void expr_print(Buf *b, const Json *v);

/* The paths an expression looks at, for checks before it runs: names and the fixed fields behind them, in order of appearance. */
typedef struct ExprPath {
	const Str *parts;
	size_t n;
	unsigned column;
	bool may_miss; /* it stands inside default() or coalesce(): leading nowhere is no error */
} ExprPath;

ExprPath *expr_paths(Arena *a, const Expr *x, size_t *ret_n);

/* `path == constant`, demanded whatever else holds: the expression is that, or such parts joined by `and`. */
typedef struct ExprEquality {
	const Str *parts;
	size_t n;
	const Json *value;
} ExprEquality;

ExprEquality *expr_equalities(Arena *a, const Expr *x, size_t *ret_n);
