/*
 * Whatever is written as an expression or a template: it compiles or says where not, and its evaluation ends within its budget with a
 * value that prints as JSON, or an error with a place.
 */
#include "base/codec.h"
#include "expr/tmpl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 100000, MEMORY = 1 << 20, MEMORY_HELD = 16 << 20 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static size_t
find(const void *self, Arena *a, const Str *parts, size_t n, Json *ret)
{
	const Json *found = json_get_str(self, parts[0]);

	(void)a;
	(void)n;
	if (found == NULL)
		return 0;
	*ret = *found;
	return 1;
}

static Uuid
uuid(const void *self)
{
	(void)self;
	return (Uuid){ .b = { 1 } };
}

static void
check_value(Arena *a, const Json *v)
{
	Str text = json_text(a, v);
	Json again;
	Err err;

	must(utf8_valid(text));
	must(json_parse(a, text, &(JsonLimits){ .depth = 1000 }, &again, &err));
}

static void
check_error(const Err *err)
{
	must(err->code == ERR_INVALID || err->code == ERR_TOO_LARGE);
	must(err->text[0] != '\0');
}

static void
run_expr(Arena *a, Str text, const ExprEnv *env)
{
	const Expr *x;
	size_t n;
	Json v;
	Err err = { 0 };

	if (!expr_compile(a, text, &x, &err)) {
		check_error(&err);
		return;
	}
	(void)expr_paths(a, x, &n);
	(void)expr_equalities(a, x, &n);
	if (expr_eval(x, env, a, &v, &err))
		check_value(a, &v);
	else
		check_error(&err);
}

static void
run_tmpl(Arena *a, Str text, const ExprEnv *env, TmplMode mode)
{
	const Tmpl *t;
	size_t n;
	Json v;
	Err err = { 0 };

	if (!utf8_valid(text))
		return;
	if (!tmpl_compile(a, text, mode, &t, &err)) {
		must(mode == TMPL_STRICT);
		check_error(&err);
		return;
	}
	(void)tmpl_paths(a, t, &n);
	if (tmpl_render(t, env, a, &v, &err)) {
		check_value(a, &v);
		return;
	}
	must(mode == TMPL_STRICT);
	check_error(&err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char vars_text[] =
	    "{\"o\": {\"a\": {\"b\": \"x\"}, \"n\": 5, \"s\": \"h\\u00e9llo\"}, \"w\": [3, 1, 2],"
	    " \"s\": \"a,b\", \"i\": 4, \"r\": [{\"k\": 1}, {\"k\": 2.5}], \"z\": null}";
	CLEANUP(arena_done) Arena *a = arena_open();
	const Str text = { (const char *)data, size };
	Json vars;
	Err err = { 0 };

	must(json_parse(a, str_of(vars_text), NULL, &vars, &err));
	for (int missing = 0; missing < 2; missing++) {
		ExprEnv env = { .lookup = find,
			.self = &vars,
			.missing = (ExprMissing)missing,
			.own_constants = missing == 0,
			.now = 1,
			.uuid = uuid,
			.steps = STEPS,
			.memory = MEMORY };

		run_expr(a, text, &env);
		run_tmpl(a, text, &env, missing == 0 ? TMPL_STRICT : TMPL_FORGIVING);
	}
	must(arena_used(a) < MEMORY_HELD + 64 * size);
	return 0;
}
