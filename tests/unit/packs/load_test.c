#include "packs/pack.h"

#include "os/fs.h"
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct Folder {
	Arena *a;
	Str dir;
} Folder;

static Folder
folder_open(void)
{
	Folder f = { .a = arena_open() };
	Err err = { 0 };

	CHECK_OK(dir_private(f.a, "/tmp", "attune-pack", &f.dir, &err), err);
	return f;
}

static void
folder_done(Folder *f)
{
	tree_remove(f->dir.p);
	arena_close(f->a);
}

static void
put(Folder *f, const char *path, const char *text)
{
	Str full = str_fmt(f->a, "%.*s/%s", STR_ARG(f->dir), path), dir = full;
	Err err = { 0 };

	while (dir.p[dir.n - 1] != '/')
		dir.n--;
	CHECK_OK(dirs_make(str_cstr(f->a, dir), 0755, &err), err);
	CHECK_OK(file_write(full.p, str_of(text), 0644, &err), err);
}

static const char good_manifest[] = "ref: p1\nversion: 1.0.0\n";

/* One file beside a good manifest (or the manifest itself), and what is said about it. */
typedef struct Fault {
	const char *file, *text;
	const char *want; /* "file:line:column: part of the sentence"; ! in front: only a warning */
} Fault;

static const Fault faults[] = {
	{ "pack.yaml", "version: 1.0.0\n", "pack.yaml:1:1: the key 'ref' is missing" },
	{ "pack.yaml", "ref: p1\nversion: 1.0\n",
	    "pack.yaml:2:1: 'version' must be a text (put the number in quotes)" },
	{ "pack.yaml", "ref: p1\nversion: '1.0'\n", "pack.yaml:2:1: '1.0' is no version" },
	{ "pack.yaml", "ref: P1\nversion: 1.0.0\n", "pack.yaml:1:1: 'P1' is no pack ref" },
	{ "pack.yaml", "ref: p1\nversion: 1.0.0\ntags: [a, 2]\n", "pack.yaml:3:11: 'tags' must hold texts only" },
	{ "pack.yaml", "ref: p1\nversion: 1.0.0\nconfig: 3\n",
	    "pack.yaml:3:1: 'config' must be a mapping, not a number" },
	{ "pack.yaml", "ref: p1\nversion: 1.0.0\ntesting: true\n",
	    "pack.yaml:3:1: 'testing' must be a mapping, not a boolean" },
	{ "pack.yaml", "ref: p1\nversion: 1.0.0\ntesting: {enabled: true}\n",
	    "pack.yaml:3:1: 'testing' needs 'runners'" },
	{ "pack.yaml", "ref: p1\nversion: 1.0.0\ntesting:\n  runners:\n    a: {type: perl, entry_point: pack.yaml}\n",
	    "pack.yaml:5:9: 'type' must be one of script, unittest, pytest" },
	{ "pack.yaml", "ref: p1\nversion: 1.0.0\ntesting:\n  runners:\n    a: {type: script}\n",
	    "pack.yaml:5:5: runner 'a' needs an entry_point" },
	{ "pack.yaml", "ref: p1\nversion: 1.0.0\ntesting:\n  runners:\n    a: {type: script, entry_point: ../x}\n",
	    "pack.yaml:5:23: '../x' leaves the pack" },
	{ "pack.yaml",
	    "ref: p1\nversion: 1.0.0\ntesting:\n  runners:\n    a: {type: script, entry_point: x, timeout: 0}\n",
	    "pack.yaml:5:39: 'timeout' must be 1 to 3600 seconds" },
	{ "pack.yaml",
	    "ref: p1\nversion: 1.0.0\ntesting:\n  runners:\n    a: {type: script, entry_point: x, timeout: "
	    "9223372036854775807}\n",
	    "pack.yaml:5:39: 'timeout' must be 1 to 3600 seconds" },
	{ "pack.yaml", "ref: p1\nversion: 1.0.0\ntesting:\n  runners: {a: {type: script, entry_point: x}}\n",
	    "!pack.yaml:4:31: 'x' is not there" },
	{ "pack.yaml",
	    "ref: p1\nversion: 1.0.0\ntesting:\n  min_pass_rate: 2\n  runners: {a: {type: script, entry_point: "
	    "pack.yaml}}\n",
	    "pack.yaml:4:3: 'min_pass_rate' must be a number from 0 to 1" },
	{ "pack.yaml", "ref: p1\nversion: 1.0.0\nlable: x\n",
	    "!pack.yaml:3:1: unknown key 'lable' (did you mean 'label'?)" },
	{ "pack.yaml", "ref: p1\nref: p2\n", "pack.yaml:2:1: " },
	{ "pack.yaml", "- a\n", "pack.yaml:1:1: a mapping of keys is expected, not a list" },
	{ "pack.yaml", "ref: p1\nversion: 1.0.0\nx: [\n", "pack.yaml:4:1: " },
	{ "actions/a.yaml", "label: x\n", "actions/a.yaml:1:1: the key 'ref' is missing" },
	{ "actions/a.yaml", "ref: a\nentry_point: echo x\n", "actions/a.yaml:1:1: 'a' is no ref like p1.thing" },
	{ "actions/a.yaml", "ref: p2.a\nentry_point: echo x\n",
	    "!actions/a.yaml:1:1: 'p2.a' does not begin with the pack's own" },
	{ "actions/a.yaml", "ref: p1.a\n", "actions/a.yaml:1:1: the key 'entry_point' is missing" },
	{ "actions/a.yaml", "ref: p1.a\nrunner_type: python\nentry_point: none.py\n",
	    "actions/a.yaml:3:1: there is no file actions/none.py" },
	{ "actions/a.yaml", "ref: p1.a\nentry_point: ../../x.sh\n",
	    "actions/a.yaml:2:1: 'actions/../../x.sh' leaves the pack" },
	{ "actions/a.yaml", "ref: p1.a\nentry_point: link.sh\n",
	    "actions/a.yaml:2:1: 'actions/link.sh' leaves the pack" },
	{ "actions/a.yaml", "ref: p1.a\nentry_point: echo x\nrunner_type: cobol\n",
	    "!actions/a.yaml:3:1: unknown runner type 'cobol'" },
	{ "actions/a.yaml", "ref: p1.a\nentry_point: echo x\nparameter_format: xml\n",
	    "actions/a.yaml:3:1: 'parameter_format' must be one of json, dotenv, yaml" },
	{ "actions/a.yaml", "ref: p1.a\nentry_point: echo x\nparameters:\n  x:\n    type: strang\n",
	    "actions/a.yaml:5:5: 'parameters' is not a schema" },
	{ "actions/a.yaml", "ref: p1.a\nentry_point: echo x\nruntime_version: '>=x'\n",
	    "actions/a.yaml:3:1: '>=x' is not a version constraint" },
	{ "actions/a.yaml", "ref: p1.a\nentry_point: echo x\nrequired_worker_runtimes:\n  node: 18\n",
	    "actions/a.yaml:4:3: a version constraint must be a text" },
	{ "actions/a.yaml", "ref: p1.a\nentry_point: echo x\ntimeout_seconds: 0\n",
	    "actions/a.yaml:3:1: 'timeout_seconds' must be a whole number above 0" },
	{ "actions/a.yaml", "ref: p1.a\nworkflow_file: workflows/none.yaml\n",
	    "actions/a.yaml:2:1: there is no file actions/workflows/none.yaml" },
	{ "actions/b.yaml", "ref: p1.z\nentry_point: echo x\n",
	    "actions/z.yaml:1:1: the ref 'p1.z' is in actions/b.yaml already" },
	{ "actions/a.yaml", "ref: p1.a\nentry_point: echo x\nenabled: maybe\n",
	    "actions/a.yaml:3:1: 'enabled' must be true or false, not a text" },
	{ "rules/r.yaml", "ref: r\naction_ref: a\n", "rules/r.yaml:1:1: trigger_ref is missing: say which trigger" },
	{ "rules/r.yaml", "ref: r\naction_ref: a\ntrigger_ref: t\nconditions:\n  - {field: x, operator: like}\n",
	    "!rules/r.yaml:4:1: the rule will match nothing: " },
	{ "sensors/s.yaml", "ref: p1.s\nentry_point: http://x/y\n",
	    "sensors/s.yaml:2:1: an entry point cannot be a URL" },
	{ "runtimes/x.yaml", "ref: p1.x\nversions:\n  - version: '3.1'\n  - version: 3.2\n",
	    "runtimes/x.yaml:4:5: a version must have 'version'" },
	{ "permission_sets/x.yaml", "ref: p1.x\ngrants:\n  - resource: packs\n",
	    "permission_sets/x.yaml:3:5: a grant has 'resource' and a list" },
	{ "triggers/t.yaml", "ref: p1.t\nparameters: []\n", "triggers/t.yaml:2:1: 'parameters' is not a schema" },
};

static Str
all_problems(Folder *f, const Pack *p)
{
	Buf b = buf_open(f->a);

	for (size_t i = 0; i < p->problem_count; i++)
		buf_fmt(&b, "%s%.*s:%u:%u: %.*s\n", p->problems[i].fatal ? "" : "!", STR_ARG(p->problems[i].file),
		    p->problems[i].line, p->problems[i].column, STR_ARG(p->problems[i].text));
	return buf_str(&b);
}

TEST(every_fault_is_said_with_file_line_and_column)
{
	for (size_t i = 0; i < countof(faults); i++) {
		CLEANUP(folder_done) Folder f = folder_open();
		Pack p;
		Err err = { 0 };
		bool loaded;

		put(&f, "pack.yaml", good_manifest);
		put(&f, "actions/z.yaml", "ref: p1.z\nentry_point: echo z\n");
		CHECK(symlink("/etc/hostname", str_fmt(f.a, "%.*s/actions/link.sh", STR_ARG(f.dir)).p) == 0);
		put(&f, faults[i].file, faults[i].text);
		loaded = pack_load(f.a, f.dir, &p, &err);
		if (!str_find(all_problems(&f, &p), str_of(faults[i].want), NULL))
			test_fail(__FILE__, __LINE__, "%s: %.*s", faults[i].want, STR_ARG(all_problems(&f, &p)));
		CHECK(loaded == (faults[i].want[0] == '!'));
		if (!loaded)
			CHECK(str_starts(str_of(err.text), str_fmt(f.a, "%.*s/", STR_ARG(f.dir))));
	}
}

TEST(all_problems_are_given_not_only_the_first)
{
	CLEANUP(folder_done) Folder f = folder_open();
	Pack p;
	Err err = { 0 };

	put(&f, "pack.yaml", "ref: p1\nversion: x\ncolour: red\n");
	put(&f, "actions/a.yaml", "ref: p1.a\nparameters: 3\n");
	put(&f, "rules/r.yaml", "ref: [\n");
	CHECK(!pack_load(f.a, f.dir, &p, &err));
	CHECK(p.problem_count >= 4);
}

TEST(both_spellings_and_bare_refs_are_understood)
{
	CLEANUP(folder_done) Folder f = folder_open();
	Pack p;
	Err err = { 0 };

	put(&f, "pack.yaml",
	    "ref: p1\nversion: 1.0.0\nname: One\nconfig_schema: {a: {type: string}}\nmetadata: {x: 1}\nkeywords: "
	    "[k]\n");
	put(&f, "actions/a_b.yml",
	    "ref: p1.a_b\nentry_point: |\n  echo one\n  echo two\noutput_schema: {x: {type: string}}\n");
	put(&f, "actions/py.yaml", "ref: p1.py\nruntime: python\nentry_point: py.py\n");
	put(&f, "actions/py.py", "print(1)\n");
	put(&f, "actions/sub/ignored.yaml", "nonsense: [");
	put(&f, "rules/r.yaml", "ref: r\ntrigger_ref: t\naction_ref: other.act\npermission_set_ref: standard\n");
	put(&f, "sensors/s.yaml", "ref: p1.s\ntrigger_type: t\n");
	CHECK_OK(pack_load(f.a, f.dir, &p, &err), err);
	CHECK_INT((int64_t)p.problem_count, 0);
	CHECK_STR(p.def.label, str_of("One"));
	CHECK(json_get(&p.def.conf_schema, "a") != NULL);
	CHECK_INT((int64_t)p.def.tags.n, 1);
	CHECK_INT((int64_t)p.action_count, 2);
	CHECK_STR(p.actions[0].label, str_of("A B"));
	CHECK_STR(p.actions[0].runtime_name, str_of("shell"));
	CHECK_STR(p.actions[0].entrypoint, str_of("echo one\necho two\n"));
	CHECK(json_get(&p.actions[0].out_schema, "x") != NULL);
	CHECK_STR(p.actions[1].runtime_name, str_of("python"));
	CHECK_STR(p.rules[0].ref, str_of("p1.r"));
	CHECK_STR(p.rules[0].trigger_ref, str_of("p1.t"));
	CHECK_STR(p.rules[0].action_ref, str_of("other.act"));
	CHECK_STR(json_text(f.a, &p.rules[0].permission_set_refs), str_of("[\"standard\"]"));
	CHECK_STR(json_text(f.a, &p.sensors[0].trigger_types), str_of("[\"p1.t\"]"));
	CHECK_STR(p.sensors[0].runtime_name, str_of("native"));
}

TEST(the_core_pack_loads_without_a_word)
{
	Arena *a = arena_open();
	Pack p;
	Err err = { 0 };

	CHECK_OK(pack_load(a, str_of(ATTUNE_SOURCE_ROOT "/packs/core"), &p, &err), err);
	CHECK_INT((int64_t)p.problem_count, 0);
	CHECK(p.def.is_standard);
	CHECK_INT((int64_t)p.runtime_count, 11);
	CHECK_INT((int64_t)p.permission_set_count, 4);
	arena_close(a);
}

TEST(a_folder_that_is_not_there_is_an_error)
{
	Arena *a = arena_open();
	Pack p;
	Err err = { 0 };

	CHECK(!pack_load(a, str_of("/nonexistent/pack"), &p, &err));
	CHECK(strstr(err.text, "/nonexistent/pack") != NULL);
	arena_close(a);
}
