/*
 * Templates: JSON values whose strings may hold {{ expression }}. Compiled once, rendered many times. A string that is exactly one
 * block yields the value of the expression with its type; anything else becomes text. Keys are not rendered, and what has been
 * rendered is not rendered again. An unclosed {{ is text; a }} inside a string literal does not end its block.
 */
#pragma once

#include "expr/expr.h"

typedef struct Tmpl Tmpl;

typedef enum TmplMode {
	TMPL_STRICT,    /* workflows: an error in a block is an error of the template */
	TMPL_FORGIVING, /* rules: it is null, in text nothing; what is no expression is taken for a dotted path */
} TmplMode;

/* The text, or value, must live as long as the template. TMPL_FORGIVING never fails. */
MUST_CHECK bool tmpl_compile(Arena *a, Str text, TmplMode mode, const Tmpl **ret, Err *err);
MUST_CHECK bool tmpl_compile_json(Arena *a, const Json *value, TmplMode mode, const Tmpl **ret, Err *err);
/* The budget of env is for the whole. With own_constants the result shares nothing with the template. */
MUST_CHECK bool tmpl_render(const Tmpl *t, const ExprEnv *env, Arena *a, Json *ret, Err *err);

bool tmpl_is_fixed(const Tmpl *t); /* has no block at all */
ExprPath *tmpl_paths(Arena *a, const Tmpl *t, size_t *ret_n);
