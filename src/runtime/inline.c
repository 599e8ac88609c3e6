#include "runtime/inline.h"

#include "runtime/params.h"

typedef struct InlineUse {
	Arena *a;
	const RunSpec *spec;
	Str run_dir;
	Plan *plan;
	const char **argv;
	size_t *argc;
} InlineUse;

struct InlineKind {
	const char *runtimes[4];
	const char *endings[4]; /* of files that such code usually lies in */
	void (*plan)(const InlineUse *u);
};

static Str
add_file(const InlineUse *u, const char *name, Str bytes)
{
	Str path = str_fmt(u->a, "%.*s/%s", STR_ARG(u->run_dir), name);

	u->plan->files[u->plan->file_count++] = (PlanFile){ path.p, bytes };
	return path;
}

static void
add_arg(const InlineUse *u, const char *arg)
{
	u->argv[(*u->argc)++] = arg;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Only names with a small letter: PATH, IFS, UID and their like mean something to the shell itself. */
static bool
is_plain_variable(Str name)
{
	bool small = false;

	if (name.n == 0 || !is_letter(name.p[0]))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!is_letter(c) && !(c >= '0' && c <= '9'))
			return false;
		small = small || (c >= 'a' && c <= 'z');
	}
	return small;
}

static void
add_upper_name(Buf *b, Str name)
{
	buf_text(b, "PARAM_");
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		buf_char(b, (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_');
	}
}

static void
add_variables(Buf *b, const Json *params)
{
	for (uint32_t i = 0; json_is(params, JSON_OBJECT) && i < params->n; i++) {
		const JsonMember *m = &params->members[i];
		Str value = params_plain(b->a, &m->value);

		add_upper_name(b, m->key);
		buf_char(b, '=');
		params_quote(b, value);
		buf_char(b, '\n');
		if (!is_plain_variable(m->key))
			continue;
		buf_add(b, m->key);
		buf_char(b, '=');
		params_quote(b, value);
		buf_char(b, '\n');
	}
}

/* The variables stand in a file of their own, so that the code's line numbers in messages are its own. */
static void
plan_shell(const InlineUse *u)
{
	const Json *how = json_get(u->spec->runtime_config, "inline_execution");
	Str code = add_file(u, "inline.sh", u->spec->entrypoint);
	Buf b = buf_open(u->a);

	u->plan->shell_variables = true;
	add_variables(&b, u->spec->params);
	if (b.n == 0) {
		add_arg(u, code.p);
	} else {
		buf_text(&b, ". ");
		params_quote(&b, code);
		buf_char(&b, '\n');
		add_arg(u, add_file(u, "variables.sh", buf_str(&b)).p);
	}
	u->plan->stdin_empty = str_is(json_get_text(how, "strategy"), "temp_file");
}

/* Calls run(**params) when the code defines it at top level and prints what it gives; else the code is the script. */
static const char python_runner[] = "import ast, json, sys\n"
				    "path, params = sys.argv[1], sys.argv[2]\n"
				    "del sys.argv[1:]\n"
				    "sys.argv[0] = path\n"
				    "with open(path, encoding='utf-8') as f: text = f.read()\n"
				    "tree = ast.parse(text, path)\n"
				    "has_run = any(isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) "
				    "and n.name == 'run' for n in tree.body)\n"
				    "scope = {'__name__': 'attune_action' if has_run else '__main__', "
				    "'__file__': path, '__builtins__': __builtins__}\n"
				    "exec(compile(tree, path, 'exec'), scope)\n"
				    "if has_run:\n"
				    "    with open(params, encoding='utf-8') as f: given = json.load(f)\n"
				    "    got = scope['run'](**given)\n"
				    "    if hasattr(got, '__await__'):\n"
				    "        import asyncio\n"
				    "        async def wait(): return await got\n"
				    "        got = asyncio.run(wait())\n"
				    "    if isinstance(got, str): print(got)\n"
				    "    elif got is not None: print(json.dumps(got, default=str))\n";

static void
plan_python(const InlineUse *u)
{
	Str code = add_file(u, "inline.py", u->spec->entrypoint);
	Str params = add_file(u, "params.json", params_document(u->a, str_of("json"), u->spec->params));

	add_arg(u, "-c");
	add_arg(u, python_runner);
	add_arg(u, code.p);
	add_arg(u, params.p);
}

static void
plan_node(const InlineUse *u)
{
	add_arg(u, add_file(u, "inline.js", u->spec->entrypoint).p);
}

static const InlineKind kinds[] = {
	{ { "shell", "bash", "sh" }, { ".sh", ".bash" }, plan_shell },
	{ { "python", "python3" }, { ".py", ".pyc" }, plan_python },
	{ { "nodejs", "node", "node.js" }, { ".js", ".mjs", ".cjs" }, plan_node },
};

const InlineKind *
inline_kind(Str runtime)
{
	for (size_t i = 0; i < countof(kinds); i++)
		for (size_t j = 0; j < countof(kinds[i].runtimes) && kinds[i].runtimes[j] != NULL; j++)
			if (str_is(runtime, kinds[i].runtimes[j]))
				return &kinds[i];
	return NULL;
}

bool
inline_looks_like_file(const InlineKind *kind, Str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_letter(text.p[i]) && !(text.p[i] >= '0' && text.p[i] <= '9') &&
		    strchr("./-", text.p[i]) == NULL)
			return false;
	for (size_t i = 0; i < countof(kind->endings) && kind->endings[i] != NULL; i++)
		if (str_ends(text, str_of(kind->endings[i])))
			return true;
	return false;
}

void
inline_plan(
    Arena *a, const InlineKind *kind, const RunSpec *spec, Str run_dir, Plan *plan, const char **argv, size_t *argc)
{
	InlineUse u = { .a = a, .spec = spec, .run_dir = run_dir, .plan = plan, .argv = argv, .argc = argc };

	kind->plan(&u);
}
