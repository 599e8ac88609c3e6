#include "expr/tmpl.h"

#include "rig.h"
#include "test.h"

static const char vars_text[] =
    "{'event': {'payload': {'s': 'text', 'n': 5, 'r': 1.5, 'b': true, 'z': null, 'l': [1, 'two'], "
    "'o': {'k': 'v'}, 'content-type': 'x/y', 'my key': 'odd', 'a': 3, 'curly': '{{ event.payload.s }}'}}}";

static Str
rendered(Arena *a, const char *template, TmplMode mode)
{
	Json vars = rig_value(a, vars_text), t = rig_value(a, template), v;
	ExprEnv env = { .lookup = rig_lookup,
		.self = &vars,
		.missing = mode == TMPL_STRICT ? EXPR_MISSING_IS_ERROR : EXPR_MISSING_IS_NULL };
	const Tmpl *x;
	Err err = { 0 };

	if (!tmpl_compile_json(a, &t, mode, &x, &err) || !tmpl_render(x, &env, a, &v, &err))
		return str_fmt(a, "! %s", err.text);
	return json_text(a, &v);
}

typedef struct Case {
	const char *template, *want;
} Case;

static void
check_cases(const Case *table, size_t n, TmplMode mode)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < n; i++) {
		Str got = rendered(a, table[i].template, mode);
		Json want = table[i].want[0] == '!' ? json_null() : rig_value(a, table[i].want);

		if (!str_eq(got, table[i].want[0] == '!' ? str_of(table[i].want) : json_text(a, &want)))
			test_fail(__FILE__, __LINE__, "%s is %.*s", table[i].template, STR_ARG(got));
	}
}

TEST(templates_render_alike_in_both_modes)
{
	static const Case table[] = {
		{ "'plain'", "'plain'" },
		{ "''", "''" },
		{ "5", "5" },
		{ "null", "null" },
		{ "'{{ event.payload.n }}'", "5" },
		{ "'{{event.payload.r}}'", "1.5" },
		{ "'{{ event.payload.b }}'", "true" },
		{ "'{{ event.payload.z }}'", "null" },
		{ "'{{ event.payload.l }}'", "[1, 'two']" },
		{ "'{{ event.payload.o }}'", "{'k': 'v'}" },
		{ "'{{ event.payload.l.1 }}'", "'two'" },
		{ "'{{ event.payload.n + 1 }}'", "6" },
		{ "'n is {{ event.payload.n }}'", "'n is 5'" },
		{ "'{{ event.payload.n }}{{ event.payload.s }}'", "'5text'" },
		{ "'<{{ event.payload.z }}>'", "'<>'" },
		{ "'<{{ event.payload.b }}|{{ event.payload.r }}>'", "'<true|1.5>'" },
		{ "'l: {{ event.payload.o.k + event.payload.s }}'", "'l: vtext'" },
		{ "'l: {{ event.payload.l[0] }}'", "'l: 1'" },
		{ "'open {{ event.payload.n'", "'open {{ event.payload.n'" },
		{ "'{{'", "'{{'" },
		{ "'}} {{ event.payload.n }} }}'", "'}} 5 }}'" },
		{ "'{{ event.payload.n }} and {{ open'", "'5 and {{ open'" },
		{ "'{ {{ event.payload.n }} }'", "'{ 5 }'" },
		{ "'{{ event.payload.curly }}'", "'{{ event.payload.s }}'" },
		{ "'say {{ event.payload.curly }}'", "'say {{ event.payload.s }}'" },
		{ "{'a': ['{{ event.payload.n }}', {'b': 'x{{ event.payload.s }}'}], '{{ event.payload.n }}': 1}",
		    "{'a': [5, {'b': 'xtext'}], '{{ event.payload.n }}': 1}" },
		{ "[]", "[]" },
		{ "{}", "{}" },
	};

	check_cases(table, countof(table), TMPL_STRICT);
	check_cases(table, countof(table), TMPL_FORGIVING);
}

TEST(a_strict_template_says_what_is_wrong_and_where)
{
	static const Case table[] = {
		{ "' {{ event.payload.n }} '", "5" },
		{ "'{{ event.payload.none }}'", "! in '{{ event.payload.none }}': column 14: variable not found: field "
						"'none' (event.payload.none)" },
		{ "{'url': ['x', '{{ nope }}']}", "! url: [1]: in '{{ nope }}': column 1: variable not found: 'nope'" },
		{ "{'url': ['x', 'a{{ 1 + }}']}",
		    "! url: [1]: in '{{ 1 + }}': column 4: expected a value, found the end" },
		{ "'{{ }}'", "! in '{{  }}': column 1: expected a value, found the end" },
		{ "'{{ default(event.payload.none, 7) }}'", "7" },
		{ "'x {{ 1 / 0 }}'", "! in '{{ 1 / 0 }}': column 3: division by zero" },
	};

	check_cases(table, countof(table), TMPL_STRICT);
}

TEST(a_forgiving_template_never_fails)
{
	static const Case table[] = {
		{ "' {{ event.payload.n }} '", "' 5 '" },
		{ "'{{ event.payload.none }}'", "null" },
		{ "'{{ event.payload.none.x.y }}'", "null" },
		{ "'<{{ event.payload.none }}>'", "'<>'" },
		{ "'{{ nope }}'", "null" },
		{ "'{{ nope.x }}'", "null" },
		{ "'{{ 1 + }}'", "null" },
		{ "'{{ 1 / 0 }}'", "null" },
		{ "'<{{ 1 / 0 }}>'", "'<>'" },
		{ "'{{ }}'", "null" },
		{ "'{{ . }}'", "null" },
		{ "'{{ event.payload.content-type }}'", "'x/y'" },
		{ "'{{ event.payload.n-3 }}'", "2" },
		{ "'{{ event.payload.n-event.payload.a }}'", "2" },
		{ "'{{ event.payload.my key }}'", "'odd'" },
		{ "'{{ event.payload.s.x }}'", "null" },
		{ "'{{ keystore.x }}'", "null" },
		{ "'{{ unknown(1) }}'", "null" },
	};

	check_cases(table, countof(table), TMPL_FORGIVING);
}

TEST(braces_inside_a_string_literal_do_not_end_the_block)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const struct {
		const char *text, *want;
	} table[] = {
		{ "{{ '}}' + \"}}\" }}", "\"}}}}\"" },
		{ "a{{ '\\'}}' }}b", "\"a'}}b\"" },
		{ "{{ 'it' }} isn't {{ 1 }}", "\"it isn't 1\"" },
		{ "{{ '{{' }}", "\"{{\"" },
		{ "{{ it's }} open", "! in '{{ it's }}': column 3: unterminated string" },
	};
	ExprEnv env = { 0 };

	for (size_t i = 0; i < countof(table); i++) {
		const Tmpl *x;
		Json v;
		Err err = { 0 };
		bool ok =
		    tmpl_compile(a, str_of(table[i].text), TMPL_STRICT, &x, &err) && tmpl_render(x, &env, a, &v, &err);

		CHECK_STR(ok ? json_text(a, &v) : str_fmt(a, "! %s", err.text), str_of(table[i].want));
	}
}

TEST(a_rendered_value_can_outlive_its_template)
{
	Arena *a = arena_open(), *b = arena_open();
	Json t = json_object(), v;
	ExprEnv env = { .own_constants = true };
	const Tmpl *x;
	Err err = { 0 };

	json_set_str(a, &t, str_copy(a, str_of("key")), rig_value(a, "['fixed', 'a{{ 1 }}']"));
	json_set_str(a, &t, str_copy(a, str_of("two")), json_str(str_copy(a, str_of("{{ ['x', upper('y')] }}"))));
	CHECK_OK(tmpl_compile_json(a, &t, TMPL_STRICT, &x, &err), err);
	CHECK(!tmpl_is_fixed(x));
	CHECK_OK(tmpl_render(x, &env, b, &v, &err), err);
	arena_close(a);
	CHECK_STR(json_text(b, &v), str_of("{\"key\":[\"fixed\",\"a1\"],\"two\":[\"x\",\"Y\"]}"));
	arena_close(b);
}

TEST(the_budget_is_for_the_whole_template)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json t = json_array(), v, big = json_array(), vars = json_object();
	ExprEnv env = { .lookup = rig_lookup, .self = &vars };
	const Tmpl *x;
	Err err = { 0 };

	for (int i = 0; i < 10000; i++)
		json_push(a, &big, json_int(i));
	json_set(a, &vars, "big", big);
	for (int i = 0; i < 1000; i++)
		json_push(a, &t, json_cstr("{{ big }}"));
	CHECK_OK(tmpl_compile_json(a, &t, TMPL_STRICT, &x, &err), err);
	CHECK(!tmpl_render(x, &env, a, &v, &err));
	CHECK_INT(err.code, ERR_TOO_LARGE);
}

TEST(the_paths_of_a_template_are_known)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Json t = rig_value(a, "{'a': ['x', '{{ p.q + r }}'], 'b': '{{ s }} and {{ t.u }}'}");
	static const char *const roots[] = { "p", "r", "s", "t" };
	const Tmpl *x;
	ExprPath *paths;
	size_t n;
	Err err = { 0 };

	CHECK_OK(tmpl_compile_json(a, &t, TMPL_STRICT, &x, &err), err);
	paths = tmpl_paths(a, x, &n);
	CHECK_INT((int64_t)n, countof(roots));
	for (size_t i = 0; i < n; i++)
		CHECK_STR(paths[i].parts[0], str_of(roots[i]));
	t = rig_value(a, "['x', {'y': 1}]");
	CHECK_OK(tmpl_compile_json(a, &t, TMPL_STRICT, &x, &err), err);
	CHECK(tmpl_is_fixed(x));
}
