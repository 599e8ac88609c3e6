#include "model/choice.h"

#include "test.h"
#include "values.h"

typedef struct Case {
	Arena *a;
	ActionDef action;
	RuntimeDef runtime;
	WorkerDef workers[4];
	WorkerLoad loads[4];
	Need need;
	uint64_t turn;
} Case;

static void
worker(Case *c, size_t i, const char *name, const char *capabilities)
{
	c->workers[i] = (WorkerDef){ .id = (Id)i + 1,
		.name = str_of(name),
		.status = str_of("active"),
		.slots = 4,
		.capabilities = value_of(c->a, capabilities) };
	c->loads[i] = (WorkerLoad){ .def = &c->workers[i], .alive = true, .room = 4 };
}

static void
setup(Case *c, const char *runtime)
{
	*c = (Case){ .a = arena_open(), .action = { .ref = str_of("p.act") } };
	c->runtime = (RuntimeDef){ .id = 1, .name = str_of(runtime), .ref = str_fmt(c->a, "core.%s", runtime) };
	c->need = (Need){ .action = &c->action, .runtime = &c->runtime };
}

static Choice
choose(Case *c, size_t n)
{
	Choice got = { 0 };

	worker_choose(c->a, &c->need, c->loads, n, &c->turn, &got);
	return got;
}

static void
refused(Case *c, const char *why)
{
	Choice got = choose(c, 1);

	CHECK_INT(got.kind, CHOICE_NO_WORKER);
	if (!str_find(got.why, str_of(why), NULL))
		test_fail(__FILE__, __LINE__, "'%.*s' does not say '%s'", STR_ARG(got.why), why);
}

TEST(a_runtime_is_known_by_all_its_names)
{
	static const struct {
		const char *wanted, *offered;
	} same[] = { { "shell", "Bash" }, { "python", "python3" }, { "nodejs", "node.js" }, { "native", "builtin" },
		{ "Go", "golang" }, { "custom", "CUSTOM" } };
	Case c;

	for (size_t i = 0; i < countof(same); i++) {
		setup(&c, same[i].wanted);
		worker(&c, 0, "w1", str_fmt(c.a, "{'runtimes': ['x', '%s']}", same[i].offered).p);
		CHECK_INT(choose(&c, 1).kind, CHOICE_WORKER);
		arena_close(c.a);
	}
	setup(&c, "shell");
	CHECK_STR(runtime_alias(c.a, str_of("Node.JS")), str_of("node"));
	CHECK_STR(runtime_alias(c.a, str_of("Rust")), str_of("rust"));
	arena_close(c.a);
}

TEST(what_is_missing_is_said)
{
	Case c;

	setup(&c, "python");
	CHECK_STR(choose(&c, 0).why, str_of("no action worker is registered"));
	worker(&c, 0, "w1", "{'runtimes': ['shell', 'native']}");
	refused(&c, "worker 'w1' lacks the runtime 'python' (offers: shell, native)");
	worker(&c, 0, "w1", "{'runtimes': ['python'], 'runtime_versions': {'python': ['3.9.1']}}");
	c.action.runtime_version_constraint = str_of(">=3.11");
	refused(&c, "has no version of 'python' that meets '>=3.11'");
	c.action.runtime_version_constraint = (Str){ 0 };
	c.action.required_worker_runtimes = value_of(c.a, "{'node': '>=18'}");
	refused(&c, "lacks the required runtime 'node' >=18");
	c.action.required_worker_runtimes = json_null();
	c.need.placement.selector = value_of(c.a, "{'zone': 'a'}");
	refused(&c, "lacks the label zone=a");
	c.need.placement.selector = json_null();
	c.workers[0].cordoned = true;
	c.workers[0].cordon_reason = str_of("disk");
	refused(&c, "is cordoned (disk)");
	c.workers[0].cordoned = false;
	c.loads[0].alive = false;
	refused(&c, "is offline (no heartbeat)");
	c.loads[0].alive = true;
	c.workers[0].status = str_of("inactive");
	refused(&c, "is offline (inactive)");
	arena_close(c.a);
}

TEST(of_equally_loaded_workers_the_one_that_has_built_the_environment_is_taken)
{
	Case c;

	setup(&c, "python");
	for (size_t i = 0; i < 3; i++)
		worker(&c, i, "w", "{'runtimes': ['python']}");
	c.loads[1].built = c.loads[2].built = true;
	CHECK_INT((int64_t)choose(&c, 3).worker, 1);
	CHECK_INT((int64_t)choose(&c, 3).worker, 2);
	c.loads[1].assigned = c.loads[2].assigned = 1;
	CHECK_INT((int64_t)choose(&c, 3).worker, 0); /* load comes first */
	arena_close(c.a);
}

TEST(an_action_that_must_be_walled_in_waits_for_a_worker_that_can)
{
	static const char weak[] = "{'runtimes': ['shell', 'internal'], 'sandboxes': ['off', 'standard'], 'isolation': "
				   "{'strict': 'no: the kernel is old'}}";
	Case c;

	setup(&c, "shell");
	worker(&c, 0, "weak", weak);
	worker(&c, 1, "strong", "{'runtimes': ['shell'], 'sandboxes': ['off', 'standard', 'strict']}");
	c.loads[1].assigned = 3; /* the weak one would be preferred */
	CHECK(choose(&c, 2).worker == 0);
	c.action.sandbox = str_of("strict");
	CHECK(choose(&c, 2).worker == 1);
	refused(&c, "worker 'weak' cannot give 'sandbox: strict' (the kernel is old)");
	c.action.sandbox = str_of("standard");
	CHECK_INT(choose(&c, 1).kind, CHOICE_WORKER);
	c.action.sandbox = str_of("strict");
	worker(&c, 0, "of old", "{'runtimes': ['shell']}"); /* says nothing: it decides itself */
	CHECK_INT(choose(&c, 1).kind, CHOICE_WORKER);
	arena_close(c.a);
	setup(&c, "container");
	c.action.sandbox = str_of("strict");
	c.runtime.execution_config = value_of(c.a, "{'container': {}}");
	worker(&c, 0, "weak", "{'runtimes': ['container'], 'sandboxes': ['off']}");
	CHECK_INT(choose(&c, 1).kind, CHOICE_WORKER);
	arena_close(c.a);
}

TEST(a_worker_without_capabilities_is_judged_by_its_old_column)
{
	Case c;

	setup(&c, "shell");
	worker(&c, 0, "w1", "null");
	refused(&c, "lacks the runtime");
	c.workers[0].runtime_ref = str_of("core.shell");
	CHECK_INT(choose(&c, 1).kind, CHOICE_WORKER);
	c.workers[0].runtime_ref = str_of("core.python");
	refused(&c, "(offers: core.python)");
	c.runtime.name = str_of("internal"); /* every worker has it */
	CHECK_INT(choose(&c, 1).kind, CHOICE_WORKER);
	c.need.runtime = NULL; /* any worker */
	CHECK_INT(choose(&c, 1).kind, CHOICE_WORKER);
	arena_close(c.a);
}

TEST(versions_come_from_what_was_verified_then_from_what_was_found)
{
	Case c;

	setup(&c, "python");
	c.action.runtime_version_constraint = str_of("3.12");
	worker(&c, 0, "w1", "{'runtimes': ['python'], 'runtime_versions': {'python': ['3.11.2', '3.12.4']}}");
	CHECK_INT(choose(&c, 1).kind, CHOICE_WORKER);
	worker(&c, 0, "w1",
	    "{'runtimes': ['python'], 'detected_interpreters': [{'name': 'python3', 'version': '3.12.0'}]}");
	CHECK_INT(choose(&c, 1).kind, CHOICE_WORKER);
	worker(&c, 0, "w1", "{'runtimes': ['python']}");
	refused(&c, "has no version");
	arena_close(c.a);
}

TEST(placement_decides_who_may)
{
	static const struct {
		const char *selector, *tolerations, *affinity;
		bool fits;
	} table[] = {
		{ "{'zone': 'a'}", "[{'key': 'gpu', 'operator': 'exists'}]", "null", true },
		{ "{'zone': 'b'}", "[{'key': 'gpu', 'operator': 'exists'}]", "null", false },
		{ "null", "null", "null", false },
		{ "null", "[{'key': 'gpu', 'value': 'yes'}]", "null", true },
		{ "null", "[{'key': 'gpu', 'value': 'no'}]", "null", false },
		{ "null", "[{'key': 'gpu', 'value': 'yes', 'effect': 'prefer_no_schedule'}]", "null", false },
		{ "null", "[{'key': 'gpu', 'operator': 'exists'}]", "{'required': [{'match_labels': {'zone': 'b'}}]}",
		    false },
		{ "null", "[{'key': 'gpu', 'operator': 'exists'}]",
		    "{'required': [{'match_labels': {'zone': 'b'}}, {'match_expressions': [{'key': 'zone', 'operator': "
		    "'in', 'values': ['a']}]}]}",
		    true },
		{ "null", "[{'key': 'gpu', 'operator': 'exists'}]",
		    "{'anti_affinity': [{'match_expressions': [{'key': 'zone', 'operator': 'exists'}]}]}", false },
		{ "null", "[{'key': 'gpu', 'operator': 'exists'}]",
		    "{'anti_affinity': [{'match_expressions': [{'key': 'zone', 'operator': 'does_not_exist'}]}]}",
		    true },
	};
	Case c;

	setup(&c, "shell");
	worker(&c, 0, "w1",
	    "{'runtimes': ['shell'], 'labels': {'zone': 'a'}, 'taints': [{'key': 'gpu', 'value': 'yes'},"
	    " {'key': 'slow', 'effect': 'prefer_no_schedule'}]}");
	for (size_t i = 0; i < countof(table); i++) {
		c.need.placement = (Placement){ value_of(c.a, table[i].selector), value_of(c.a, table[i].tolerations),
			value_of(c.a, table[i].affinity) };
		if ((choose(&c, 1).kind == CHOICE_WORKER) != table[i].fits)
			test_fail(__FILE__, __LINE__, "row %zu", i);
	}
	arena_close(c.a);
}

TEST(preferred_then_least_loaded_then_in_turn)
{
	Case c;
	size_t first, second;

	setup(&c, "shell");
	for (size_t i = 0; i < 3; i++)
		worker(&c, i,
		    i == 0   ? "w1"
		    : i == 1 ? "w2"
			     : "w3",
		    i == 2 ? "{'runtimes': ['shell'], 'labels': {'fast': 'yes'}}" : "{'runtimes': ['shell']}");
	first = choose(&c, 2).worker;
	second = choose(&c, 2).worker;
	CHECK(first != second);
	c.loads[0].assigned = 1;
	CHECK_INT((int64_t)choose(&c, 2).worker, 1);
	c.workers[0].slots = 100; /* 1 of 100 is less than 1 of 4 */
	c.loads[1].assigned = 1;
	CHECK_INT((int64_t)choose(&c, 2).worker, 0);
	c.need.placement.affinity =
	    value_of(c.a, "{'preferred': [{'weight': 5, 'preference': {'match_labels': {'fast': 'yes'}}}]}");
	c.loads[2].assigned = 3;
	CHECK_INT((int64_t)choose(&c, 3).worker, 2);
	c.loads[2].room = 0;
	CHECK_INT((int64_t)choose(&c, 3).worker, 0);
	c.loads[0].room = c.loads[1].room = 0;
	CHECK_INT(choose(&c, 3).kind, CHOICE_CAPACITY);
	arena_close(c.a);
}

TEST(a_worker_without_room_on_its_disk_is_full_and_not_away)
{
	Choice got;
	Case c;

	setup(&c, "shell");
	worker(&c, 0, "w1", "{'runtimes': ['shell']}");
	worker(&c, 1, "w2", "{'runtimes': ['shell']}");
	worker(&c, 2, "w3", "{'runtimes': ['python']}");
	c.workers[0].meta = c.workers[2].meta = value_of(c.a, "{'full': 'only 3 MB are free'}");
	c.workers[0].slots = c.loads[0].room = 0;
	c.loads[1].room = 0;
	got = choose(&c, 3);
	CHECK_INT(got.kind, CHOICE_CAPACITY);
	CHECK_STR(got.why, str_of("worker 'w1' takes no runs (only 3 MB are free)"));
	c.loads[1].room = 1;
	CHECK_INT((int64_t)choose(&c, 3).worker, 1);
	c.workers[0].cordoned = true;
	c.loads[1].alive = false;
	CHECK_INT(choose(&c, 3).kind, CHOICE_NO_WORKER);
	arena_close(c.a);
}
