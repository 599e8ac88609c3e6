#include "packs_bench.h"
#include "store/workflow.h"
#include "test.h"

/* What the static check says of the actions that workflows of packs name, in both worlds. */

static void
write_tools(Bench *b, const char *folder, const char *version)
{
	bench_write(b, str_fmt(b->w->a, "%s/pack.yaml", folder).p,
	    str_fmt(b->w->a, "ref: %s\nversion: %s\n", folder, version).p);
	bench_write(b, str_fmt(b->w->a, "%s/actions/greet.yaml", folder).p,
	    str_fmt(b->w->a,
		"ref: %s.greet\nentry_point: 'echo hi'\nparameters:\n  name: {type: string, required: true}\n"
		"  times: {type: integer}\n  token: {type: string, required: true, secret: true}\n",
		folder)
		.p);
}

/* a's workflow, of one task. */
static RegisterResult
with_task(Bench *b, const char *task, TimeUs now)
{
	write_tools(b, "aa", "1.0.0");
	bench_write(b, "aa/workflows/w.yaml", str_fmt(b->w->a, "version: 1.0.0\ntasks:\n  - name: t\n%s", task).p);
	return bench_register_nth(b, 0, now);
}

static void
check_says(const RegisterResult *r, const char *place, const char *words)
{
	if (!str_find(r->problem, str_of(place), NULL) || !str_find(r->problem, str_of(words), NULL))
		test_fail(__FILE__, __LINE__, "'%.*s' lacks '%s' or '%s'", STR_ARG(r->problem), place, words);
}

/* Of the workflow; there are others, since these packs come without the core pack's runtimes. */
static Str
one_warning(const RegisterResult *r)
{
	Str found = { 0 };

	for (size_t i = 0; i < r->report.warning_count; i++) {
		if (!str_starts(r->report.warnings[i], str_of("workflows/")))
			continue;
		CHECK(str_none(found));
		found = r->report.warnings[i];
	}
	return found;
}

TEST(a_workflow_of_a_pack_that_names_what_is_not_there_is_refused_with_its_place)
{
	static const struct {
		const char *task, *place, *words;
	} table[] = {
		{ "    action: aa.great\n",
		    "workflows/w.yaml:4:", "there is no action 'aa.great'. Did you mean 'aa.greet'?" },
		{ "    action: aa.nothing_like_it\n",
		    "workflows/w.yaml:4:", "there is no action 'aa.nothing_like_it'" },
		{ "    action: aa.greet\n    input: {name: x, times: many}\n", "workflows/w.yaml:5:", "times" },
		{ "    action: aa.greet\n    input: {times: 1}\n", "workflows/w.yaml:5:", "name" },
		{ "    action: aa.greet\n    input: {name: '{{ keystore.token }}'}\n",
		    "workflows/w.yaml:5:", "input.name: keystore may stand only in a parameter" },
		{ "    action: aa.greet\n    input: {name: '{{ vars.who }}'}\n",
		    "workflows/w.yaml:5:", "there is no variable 'who'" },
	};
	CLEANUP(bench_done) Bench b = bench_open();
	WorkflowDef d;
	Err err = { 0 };

	for (size_t i = 0; i < countof(table); i++) {
		RegisterResult r = with_task(&b, table[i].task, NOW);

		CHECK(r.problem.n > 0);
		check_says(&r, table[i].place, table[i].words);
		CHECK(!workflow_get_ref(b.w->db, b.w->a, str_of("aa.w"), &d, &err));
	}
}

TEST(what_comes_from_templates_and_keys_is_left_to_the_run_and_a_strange_parameter_is_a_warning)
{
	CLEANUP(bench_done) Bench b = bench_open();
	RegisterResult r = with_task(&b,
	    "    action: aa.greet\n    input: {name: '{{ parameters.n }}', times: '{{ parameters.t }}', tims: 2}\n",
	    NOW);

	CHECK_STR(r.problem, (Str){ 0 });
	CHECK(str_starts(one_warning(&r), str_of("workflows/w.yaml:5:")));
	CHECK(str_find(
	    one_warning(&r), str_of("action 'aa.greet' has no parameter 'tims'. Did you mean 'times'?"), NULL));
}

TEST(a_pack_that_is_not_there_yet_is_a_warning_and_the_order_of_packs_does_not_matter)
{
	CLEANUP(bench_done) Bench b = bench_open();
	RegisterResult r = with_task(&b, "    action: zz.greet\n    input: {times: wrong}\n", NOW);

	CHECK_STR(r.problem, (Str){ 0 });
	CHECK(str_find(one_warning(&r), str_of("there is no pack 'zz' yet"), NULL));

	/* once it is there, its actions count */
	write_tools(&b, "zz", "1.0.0");
	(void)bench_register_nth(&b, 1, NOW);
	r = with_task(&b, "    action: zz.great\n", LATER);
	check_says(&r, "workflows/w.yaml:4:", "Did you mean 'zz.greet'?");

	/* aa comes first, and needs what only the new version of zz has */
	bench_write(&b, "zz/actions/great.yaml", "ref: zz.great\nentry_point: 'echo hi'\n");
	r = with_task(&b, "    action: zz.great\n", LATER);
	CHECK_STR(r.problem, (Str){ 0 });
	CHECK_STR(one_warning(&r), (Str){ 0 });
}

TEST(an_action_that_the_new_version_of_its_pack_takes_away_is_missing)
{
	CLEANUP(bench_done) Bench b = bench_open();
	RegisterResult r = with_task(&b, "    action: aa.greet\n    input: {name: x}\n", NOW);
	WorkflowDef d;
	Err err = { 0 };

	CHECK_STR(r.problem, (Str){ 0 });
	bench_drop(&b, "aa/actions/greet.yaml");
	r = bench_register_nth(&b, 0, LATER);
	check_says(&r, "workflows/w.yaml:4:", "there is no action 'aa.greet'");
	CHECK_OK(workflow_get_ref(b.w->db, b.w->a, str_of("aa.w"), &d, &err), err);
	CHECK_INT(d.updated, NOW);
}
