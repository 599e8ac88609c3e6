#include "expr/expr.h"

#include "rig.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

enum { CASES_LEAST = 700, LINE_MOST = 4096 };

/* One line of cases.txt; "expression => value" or "expression => ! error". */
static void
check_case(Arena *a, Str line, const Json *vars, int number)
{
	size_t at = 0;
	Str text, want, got;

	CHECK(str_find(line, str_of(" => "), &at));
	text = str_sub(line, 0, at);
	want = str_sub(line, at + 4, line.n);
	got = rig_answer(a, text, &(ExprEnv){ .lookup = rig_lookup, .self = vars, .now = 1 });
	if (!str_eq(got, want))
		test_fail("cases.txt", number, "%.*s => %.*s", STR_ARG(text), STR_ARG(got));
}

TEST(expressions_are_worth_what_the_table_says)
{
	FILE *f = fopen(ATTUNE_SOURCE_ROOT "/tests/unit/expr/cases.txt", "r");
	CLEANUP(arena_done) Arena *a = arena_open();
	CLEANUP(arena_done) Arena *turn = arena_open();
	char line[LINE_MOST];
	int number = 0, cases = 0;
	Json vars = json_null();
	Err err = { 0 };

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		Str s = str_of(line);

		number++;
		s.n -= s.n > 0 && s.p[s.n - 1] == '\n';
		if (number == 1) {
			CHECK_OK(json_parse(a, str_copy(a, s), NULL, &vars, &err), err);
			continue;
		}
		if (s.n == 0 || str_starts(s, str_of("# ")))
			continue;
		check_case(turn, s, &vars, number);
		arena_reset(turn);
		cases++;
	}
	fclose(f);
	CHECK(cases >= CASES_LEAST);
}

static Str
nested(Arena *a, const char *open, const char *inside, const char *close, int depth)
{
	Buf b = buf_open(a);

	for (int i = 0; i < depth; i++)
		buf_text(&b, open);
	buf_text(&b, inside);
	for (int i = 0; i < depth; i++)
		buf_text(&b, close);
	return buf_str(&b);
}

TEST(nesting_is_bounded_but_chains_are_long)
{
	static const struct {
		const char *open, *inside, *close;
	} deep[] = { { "(", "1", ")" }, { "[", "1", "]" }, { "not ", "1", "" }, { "- ", "i", "" },
		{ "string(", "1", ")" }, { "1 if 1 else ", "1", "" }, { "w[", "0", "]" } };
	CLEANUP(arena_done) Arena *a = arena_open();
	ExprEnv env = { .missing = EXPR_MISSING_IS_NULL };

	for (size_t i = 0; i < countof(deep); i++) {
		Str text = nested(a, deep[i].open, deep[i].inside, deep[i].close, 1000);
		Str got = rig_answer(a, text, &env);

		if (!str_ends(got, str_of("nested too deeply")))
			test_fail(__FILE__, __LINE__, "%s is %.*s", deep[i].open, STR_ARG(got));
		text = nested(a, deep[i].open, deep[i].inside, deep[i].close, 40);
		CHECK(!str_ends(rig_answer(a, text, &env), str_of("nested too deeply")));
	}
	CHECK_STR(rig_answer(a, nested(a, "1 + ", "0", "", 4000), &env), str_of("4000"));
	CHECK_STR(rig_answer(a, nested(a, "true and ", "1", "", 1500), &env), str_of("true"));
	CHECK_STR(rig_answer(a, nested(a, "", "nope", ".x", 6000), &env), str_of("null"));
	CHECK_STR(rig_answer(a, nested(a, "1 + ", "0", "", 5000), &env),
	    str_of("! an expression of 20001 bytes is longer than 16384"));
}

TEST(every_evaluation_ends_within_its_budget)
{
	static const char *const greedy[] = {
		"range(100000000)",
		"flat([range(400000), range(400000)])",
		"flat(zip(range(300000), range(300000)))",
		"replace(replace(replace(long, 'a', long), 'a', long), 'a', long)",
		"join(split(replace(long, 'a', long), ''), long)",
		"string(chunks(range(200000), 1))",
		"to_json([big, big, big, big, big, big, big, big, big, big, big, big, big, big])",
		"[big, big, big, big, big, big, big, big, big, big, big, big, big, big, big, big]",
		"upper(replace(replace(long, 'a', long), 'a', long))",
		"match('^(a+)+$', long + 'b')",
		"match('(a*)*[cd]', long + long)",
		"match('(.*)(.*)(.*)(.*)(.*)[xy]', long)",
		"regex_replace('', replace(long, 'a', long), long)",
		"regex_find('((a|a)+)+[bc]', long)",
		"unique(map(chunks(range(100000), 1), '0')) == unique(flat(chunks(range(100000), 1)))",
		"from_json('[' + replace(replace(long, 'a', long), 'a', '0,') + '0]')",
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	Json vars = json_object(), big = json_array();

	for (int i = 0; i < 50000; i++)
		json_push(a, &big, json_int(i));
	json_set(a, &vars, "big", big);
	json_set(a, &vars, "long", json_str(nested(a, "a", "", "", 500)));
	for (size_t i = 0; i < countof(greedy); i++) {
		CLEANUP(arena_done) Arena *turn = arena_open();
		ExprEnv env = { .lookup = rig_lookup, .self = &vars };
		Str got = rig_answer(turn, str_of(greedy[i]), &env);

		if (!str_find(got, str_of("too many steps"), NULL) && !str_find(got, str_of("too much memory"), NULL))
			test_fail(__FILE__, __LINE__, "%s is %.*s", greedy[i], (int)(got.n > 200 ? 200 : got.n), got.p);
		CHECK(arena_used(turn) < 5u * EXPR_MEMORY_MOST);
	}
}

TEST(a_smaller_budget_is_kept)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	ExprEnv env = { .steps = 20, .memory = 1000 };
	const Expr *x;
	Json v;
	Err err = { 0 };

	CHECK_STR(rig_answer(a, str_of("1 + 2 + 3"), &env), str_of("6"));
	CHECK_STR(rig_answer(a, str_of("range(30)"), &env), str_of("! column 1: the expression takes too many steps"));
	env.steps = 0;
	CHECK_STR(
	    rig_answer(a, str_of("range(100)"), &env), str_of("! column 1: the expression takes too much memory"));
	CHECK_OK(expr_compile(a, str_of("default(range(100), 1)"), &x, &err), err);
	CHECK(!expr_eval(x, &env, a, &v, &err));
	CHECK_INT(err.code, ERR_TOO_LARGE);
	CHECK(!expr_eval(x, &env, a, &v, NULL));
}

TEST(what_is_missing_can_be_null)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{ "nope", "null" },
		{ "nope.a.b[0].c", "null" },
		{ "o.x.y", "null" },
		{ "o.n.y", "null" },
		{ "w[9]", "null" },
		{ "w.9.x", "null" },
		{ "nope[0]", "null" },
		{ "o.x == null", "true" },
		{ "o.x is null and not o.x", "true" },
		{ "default(o.x, 1)", "1" },
		{ "default(o.x + 1, 1)", "1" },
		{ "coalesce(nope, o.x, 2)", "2" },
		{ "o.x + 1", "! column 5: '+' does not take null and a number" },
		{ "w['a' + 'b']", "null" },
		{ "w[true]", "! column 2: an array is indexed by an integer, not by a boolean" },
		{ "default(nope.a, o.x)", "null" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	Json vars = rig_value(a, "{'o': {'n': 1}, 'w': [1]}");
	ExprEnv env = { .lookup = rig_lookup, .self = &vars, .missing = EXPR_MISSING_IS_NULL };

	for (size_t i = 0; i < countof(table); i++)
		if (!str_is(rig_answer(a, str_of(table[i].text), &env), table[i].want))
			test_fail(__FILE__, __LINE__, "%s is %s", table[i].text,
			    rig_answer(a, str_of(table[i].text), &env).p);
}

static Uuid
one_uuid(const void *self)
{
	Uuid u = { .b = { 1, 2, 3 } };

	(void)self;
	u.b[15] = 0xff;
	return u;
}

TEST(clock_ids_and_the_run_come_from_outside)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const Json result = rig_value(a, "{'data': {'count': 3}}");
	const ExprRun run = { .result = &result, .failed = true };
	ExprEnv env = { 0 };

	CHECK_STR(rig_answer(a, str_of("now()"), &env), str_of("! column 1: now(): not available here"));
	CHECK_STR(rig_answer(a, str_of("uuid()"), &env), str_of("! column 1: uuid(): not available here"));
	CHECK_STR(rig_answer(a, str_of("[result(), succeeded(), failed(), timed_out()]"), &env),
	    str_of("[null,false,false,false]"));
	env = (ExprEnv){ .now = 1500000, .uuid = one_uuid, .run = &run };
	CHECK_STR(rig_answer(a, str_of("now()"), &env), str_of("\"1970-01-01T00:00:01.500Z\""));
	CHECK_STR(rig_answer(a, str_of("uuid()"), &env), str_of("\"01020300-0000-0000-0000-0000000000ff\""));
	CHECK_STR(rig_answer(a, str_of("[result().data.count, succeeded(), failed('x'), timed_out()]"), &env),
	    str_of("[3,false,true,false]"));
}

TEST(variables_come_before_the_lookup_and_a_lookup_may_answer_for_several_parts)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	const Json vars = rig_value(a, "{'a': 1, 'b': 2, 'two': {'parts': {'x': 1}, 'more': 2}}"), three = json_int(3);
	const ExprVar own[] = { { str_of("a"), &three }, { str_of("none"), NULL } };
	ExprEnv env = { .vars = own, .n_vars = countof(own), .lookup = rig_lookup, .self = &vars };

	CHECK_STR(rig_answer(a, str_of("[a, b, none]"), &env), str_of("[3,2,null]"));
	env.lookup = rig_lookup_two;
	CHECK_STR(rig_answer(a, str_of("[two.parts.x, two['parts'].x, two.more]"), &env), str_of("[1,1,2]"));
	CHECK_STR(rig_answer(a, str_of("two.parts.y"), &env),
	    str_of("! column 10: variable not found: field 'y' (two.parts.y)"));
}

TEST(a_result_can_outlive_its_expression)
{
	Arena *a = arena_open(), *b = arena_open();
	ExprEnv env = { .own_constants = true };
	const Expr *x;
	Json v;
	Err err = { 0 };

	CHECK_OK(expr_compile(a, str_of("[['a', 'b'], 'c' if true else 'd', default(nope, 'e')]"), &x, &err), err);
	CHECK_OK(expr_eval(x, &env, b, &v, &err), err);
	arena_close(a);
	CHECK_STR(json_text(b, &v), str_of("[[\"a\",\"b\"],\"c\",\"e\"]"));
	arena_close(b);
}

static Str
joined(Arena *a, const Str *parts, size_t n)
{
	Buf b = buf_open(a);

	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s%.*s", i > 0 ? "|" : "", STR_ARG(parts[i]));
	return buf_str(&b);
}

TEST(the_paths_of_an_expression_are_known)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const char *const want[] = { "event|payload|a b|0", "w", "i", "task|x" };
	const Expr *x;
	ExprPath *paths;
	size_t n;
	Err err = { 0 };

	CHECK_OK(expr_compile(a, str_of("event.payload['a b'].0 in w[i].y or length(task.x[1].z) > 2"), &x, &err), err);
	paths = expr_paths(a, x, &n);
	CHECK_INT((int64_t)n, 4);
	for (size_t i = 0; i < n; i++)
		CHECK_STR(joined(a, paths[i].parts, paths[i].n), str_of(want[i]));
	CHECK_INT(paths[1].column, 27);
}

TEST(what_an_expression_demands_is_known)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{ "e.a == 'x'", "e|a=\"x\" " },
		{ "'x' == e.a", "e|a=\"x\" " },
		{ "e.a == 'x' and e.b == 2 and f()", "" },
		{ "e.a == 'x' and (e['b'].0 == -2 and e.c > 3)", "e|a=\"x\" e|b|0=-2 " },
		{ "e.a == 'x' or e.b == 2", "" },
		{ "not e.a == 'x'", "" },
		{ "e.a != 'x'", "" },
		{ "e.a == e.b", "" },
		{ "e.a == 'x' == true", "" },
		{ "e[i] == 'x'", "" },
		{ "e.a[0] == 'x'", "" },
		{ "e.a is null", "e|a=null " },
		{ "1 == 1", "" },
		{ "e.a == 'x' if true else e.b == 1", "" },
	};
	CLEANUP(arena_done) Arena *a = arena_open();

	for (size_t i = 0; i < countof(table); i++) {
		const Expr *x;
		Buf b = buf_open(a);
		size_t n = 0;
		ExprEquality *found =
		    expr_compile(a, str_of(table[i].text), &x, NULL) ? expr_equalities(a, x, &n) : NULL;

		for (size_t k = 0; k < n; k++)
			buf_fmt(&b, "%s=%s ", joined(a, found[k].parts, found[k].n).p, json_text(a, found[k].value).p);
		if (!str_is(buf_str(&b), table[i].want))
			test_fail(__FILE__, __LINE__, "%s demands %s", table[i].text, buf_str(&b).p);
	}
}

TEST(text_that_is_no_utf8_is_no_expression)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	ExprEnv env = { 0 };

	CHECK_STR(rig_answer(a, str_of("'\xff'"), &env), str_of("! an expression must be UTF-8"));
	CHECK(str_starts(rig_answer(a, (Str){ "1\0", 2 }, &env), str_of("! column 2: unexpected character")));
}
