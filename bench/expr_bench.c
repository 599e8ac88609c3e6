/*
 * What one evaluation and one rendering cost once compiled. Prints "expr_eval_us N" and "template_render_us N", medians.
 */
#include "base/clock.h"
#include "expr/tmpl.h"

#include <stdio.h>
#include <stdlib.h>

enum { TIMES = 200000, ROUNDS = 7 };

typedef struct Work {
	Arena *a;
	ExprEnv env;
	const Expr *expr;
	const Tmpl *tmpl;
} Work;

/* As rules have it: the root is not built when a field of it is asked for. */
static size_t
find(const void *self, Arena *a, const Str *parts, size_t n, Json *ret)
{
	(void)a;
	if (n < 2 || !str_is(parts[0], "event") || !str_is(parts[1], "payload"))
		return 0;
	*ret = *(const Json *)self;
	return 2;
}

static void
evaluate(Work *w)
{
	Json v;

	if (!expr_eval(w->expr, &w->env, w->a, &v, NULL) || v.kind != JSON_BOOL || !v.b)
		abort();
}

static void
render(Work *w)
{
	Json v;

	if (!tmpl_render(w->tmpl, &w->env, w->a, &v, NULL) || v.n != 10)
		abort();
}

static int
compare(const void *x, const void *y)
{
	double l = *(const double *)x, r = *(const double *)y;

	return (l > r) - (l < r);
}

static void
measure(const char *name, void (*task)(Work *w), Work *w)
{
	double rounds[ROUNDS];

	for (size_t r = 0; r < ROUNDS; r++) {
		TimeUs from = clock_mono(clock_real());

		for (size_t i = 0; i < TIMES; i++) {
			task(w);
			if (i % 64 == 0)
				arena_reset(w->a);
		}
		rounds[r] = (double)(clock_mono(clock_real()) - from) / TIMES;
	}
	qsort(rounds, ROUNDS, sizeof(*rounds), compare);
	printf("%s %.3f\n", name, rounds[ROUNDS / 2]);
}

int
main(void)
{
	static const char payload_text[] = "{\"kind\": \"disk\", \"host\": \"db-1\", \"a\": {\"c\": 1, \"b\": \"x\"}, "
					   "\"n\": 5, \"tags\": [\"a\", \"b\"]}";
	static const char *const fields[] = { "{{ event.payload.host }}", "disk of {{ event.payload.host }} is full",
		"{{ event.payload.n * 2 }}", "{{ event.payload.a }}", "fixed", "{{ upper(event.payload.kind) }}",
		"{{ event.payload.tags[0] }}", "{{ default(event.payload.none, 'none') }}",
		"{{ event.payload.n }} of {{ event.payload.a.c }}", "{{ 'big' if event.payload.n > 3 else 'small' }}" };
	Arena *a = arena_open();
	Json payload, object = json_object();
	Work w = { .a = arena_open(), .env = { .lookup = find, .self = &payload, .own_constants = true } };
	Err err = { 0 };

	for (size_t i = 0; i < countof(fields); i++)
		json_set_str(a, &object, str_fmt(a, "field_%zu", i), json_cstr(fields[i]));
	if (!json_parse(a, str_of(payload_text), NULL, &payload, &err) ||
	    !expr_compile(a, str_of("event.payload.a.b == \"x\" and event.payload.n > 3"), &w.expr, &err) ||
	    !tmpl_compile_json(a, &object, TMPL_STRICT, &w.tmpl, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	measure("expr_eval_us", evaluate, &w);
	measure("template_render_us", render, &w);
	arena_close(w.a);
	arena_close(a);
	return 0;
}
