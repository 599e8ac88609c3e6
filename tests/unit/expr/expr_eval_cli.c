/*
 * Evaluates expressions for an oracle: each line of stdin is {"expr": text, "vars": {...}}; each line of stdout {"ok": value} or
 * {"error": text}. With an argument "template" the text is one.
 */
#include "expr/tmpl.h"

#include <stdio.h>
#include <stdlib.h>

static size_t
lookup(const void *self, Arena *a, const Str *parts, size_t n, Json *ret)
{
	const Json *found = json_get_str(self, parts[0]);

	(void)a;
	(void)n;
	if (found == NULL)
		return 0;
	*ret = *found;
	return 1;
}

static bool
answer(Arena *a, Str line, bool template, Json *ret, Err *err)
{
	ExprEnv env = { .lookup = lookup, .now = 1, .own_constants = true };
	const Expr *x;
	const Tmpl *t;
	Json ask;
	Str text;

	if (!json_parse(a, line, NULL, &ask, err))
		return false;
	env.self = json_get(&ask, "vars");
	text = json_get_text(&ask, "expr");
	if (template)
		return tmpl_compile(a, text, TMPL_STRICT, &t, err) && tmpl_render(t, &env, a, ret, err);
	return expr_compile(a, text, &x, err) && expr_eval(x, &env, a, ret, err);
}

int
main(int argc, char **argv)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	(void)argv;
	while ((n = getline(&line, &cap, stdin)) > 0) {
		Json out = json_object(), v;
		Err err = { 0 };

		if (answer(a, (Str){ line, (size_t)n }, argc > 1, &v, &err))
			json_add(a, &out, "ok", v);
		else
			json_add(a, &out, "error", json_cstr(err.text));
		puts(json_text(a, &out).p);
		fflush(stdout);
		arena_reset(a);
	}
	free(line);
	return 0;
}
