/*
 * What the files of the expression language share among themselves; nobody else includes this.
 */
#pragma once

#include "base/map.h"
#include "base/regex.h"
#include "expr/expr.h"

typedef struct Node Node;
typedef struct Ev Ev;
typedef struct Function Function;

typedef enum NodeKind {
	NODE_CONST,
	NODE_PATH,
	NODE_LIST,
	NODE_NOT,
	NODE_NEGATIVE,
	NODE_AND,
	NODE_OR,
	NODE_CHAIN, /* operators of one level, applied from left to right */
	NODE_IF,    /* kids: condition, then, else */
	NODE_CALL,
} NodeKind;

typedef enum StepKind {
	STEP_FIELD,   /* .name or ['name'] */
	STEP_ORDINAL, /* .0: an item of an array, or the field "0" */
	STEP_INDEX,   /* [expression] */
} StepKind;

typedef struct Step {
	StepKind kind;
	uint32_t at, end; /* bytes of the text: where it starts, where it ends */
	union {
		Str name;          /* not of STEP_INDEX */
		const Node *index; /* only of that */
	};
} Step;

typedef bool Apply(Ev *ev, uint32_t at, const Json *x, const Json *y, Json *ret);

typedef struct Operation {
	Apply *apply;
	uint32_t at;
} Operation;

typedef struct PathNode {
	Str *parts;  /* the name and the fixed steps that follow it */
	Step *steps; /* all steps; the fixed ones too */
	uint32_t n_parts, n_steps;
	bool may_miss; /* inside default() or coalesce() */
} PathNode;

struct Node {
	NodeKind kind;
	uint32_t at; /* byte of the text, for errors */
	union {
		const Node **kids; /* not of NODE_PATH */
		const Node *base;  /* only of that; NULL: parts[0] is a name */
	};
	size_t n; /* of kids */
	union {
		Json value;
		PathNode path;
		Operation *operations; /* one less than kids */
		struct {
			const Function *function;
			const Regex *regex; /* of a pattern that is a constant; the first PATTERNS_MOST of them */
		} call;
	};
};

struct Expr {
	Str text;
	const Node *root;
	const Node **paths; /* those that start with a name */
	size_t n_paths;
};

/* One evaluation. */
struct Ev {
	const ExprEnv *env;
	Arena *a;
	Str text;
	Err *err;
	uint64_t steps; /* left */
	size_t memory;  /* left, in bytes */
	ExprMissing missing;
	bool was_missing; /* the failure is a path that leads nowhere */
};

enum { ARGS_MOST = 3, ARGS_ANY = 255, MEMBERS_PER_STEP = 16, PATTERNS_MOST = 16 };

struct Function {
	const char *name;
	uint8_t least, most;
	bool (*call)(Ev *ev, const Node *x, const Json *args, Json *ret);
	bool lazy;     /* looks at x->kids itself; args is NULL */
	bool forgives; /* a path inside that leads nowhere is no error */
	bool pattern;  /* the first argument is a regular expression */
};

extern const Function expr_functions_basic[], expr_functions_text[], expr_functions_list[], expr_functions_more[];
const Function *expr_function(Str name);

/* compile */
Str expr_clip(Str s); /* for messages: the start of a long text */
bool expr_fail_at(Err *err, Str text, uint32_t at, const char *fmt, ...) PRINTF(4, 5);
/* scratch: for what is not there any more when it returns. */
const Node *expr_parse(Arena *a, Arena *scratch, Str text, Vec *paths, Err *err);

/* eval */
Ev ev_open(const ExprEnv *env, Arena *a, Err *err);
MUST_CHECK bool ev_run(Ev *ev, const Expr *x, Json *ret);
MUST_CHECK bool eval(Ev *ev, const Node *x, Json *ret);
bool ev_fail(Ev *ev, uint32_t at, const char *fmt, ...) PRINTF(3, 4); /* false, always */
MUST_CHECK bool ev_spend(Ev *ev, uint32_t at, uint64_t steps);
MUST_CHECK bool ev_room(Ev *ev, uint32_t at, size_t bytes);
/* Charges what writing the value out, or copying it, takes: a value may hold the same part a thousand times. */
MUST_CHECK bool ev_weigh(Ev *ev, uint32_t at, const Json *v, size_t *ret_bytes);
MUST_CHECK bool ev_print(Ev *ev, uint32_t at, Buf *b, const Json *v); /* as expr_print */
MUST_CHECK bool ev_array(Ev *ev, uint32_t at, size_t n, Json *ret);   /* with room for n items, all null */

/* values */
double real_of(const Json *v);
bool real_as_int(double d, int64_t *ret);
MUST_CHECK bool real_result(Ev *ev, uint32_t at, double d, Json *ret);
MUST_CHECK bool values_eq(Ev *ev, uint32_t at, const Json *x, const Json *y, bool *ret);
MUST_CHECK bool values_order(Ev *ev, uint32_t at, const Json *x, const Json *y, int *ret);
MUST_CHECK bool value_find(
    Ev *ev, uint32_t at, const Json *hay, const Json *needle, size_t *ret); /* SIZE_MAX: nowhere */
Str char_at(Str s, size_t index);                                           /* characters; Str{0} behind the end */
Str chars_sub(Str s, size_t from, size_t to);                               /* characters, clamped */
const char *kind_phrase(const Json *v);                                     /* "a string", "null" */
Str letters_lower(Arena *a, Str s);                                         /* not only ASCII's */
Str letters_upper(Arena *a, Str s);
Apply op_add, op_subtract, op_multiply, op_divide, op_modulo;
Apply op_equal, op_unequal, op_less, op_greater, op_at_most, op_at_least, op_in, op_not_in;
