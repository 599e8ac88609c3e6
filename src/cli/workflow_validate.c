#include "cli/handlers.h"
#include "cli/output.h"

#include "base/yaml.h"
#include "os/fs.h"

enum { FILE_MAX = 1024 * 1024, KNOWN_MOST = 1000, LEVELS_UP = 3 };

/* A file given, or one that lies in the same pack. */
typedef struct File {
	Str path, said; /* said: where its graph stands, perhaps in a file of its own */
	Str text;       /* of that one */
	Str ref;
	Json parameters, definition; /* null: there are none */
} File;

/* "ops/restart.yaml" is a file, "ops.restart" a workflow of the server. */
static bool
is_file(Str what)
{
	return str_find(what, str_of("/"), NULL) || str_ends(what, str_of(".yaml")) || str_ends(what, str_of(".yml"));
}

static Str
beside(Arena *a, Str path, Str name)
{
	while (path.n > 0 && path.p[path.n - 1] != '/')
		path.n--;
	return str_fmt(a, "%.*s%.*s", STR_ARG(path), STR_ARG(name));
}

static Json
member(const Json *v, const char *name)
{
	const Json *m = json_get(v, name);

	return m == NULL ? json_null() : *m;
}

static Json
parsed(Cli *c, Str path, Str text)
{
	Json v;

	/* a file that cannot be read as YAML is the server's to complain of: it names the place */
	return yaml_parse(c->a, str_cstr(c->a, path), text, NULL, &v, NULL) && json_is(&v, JSON_OBJECT) ? v
													: json_null();
}

/* An action's file names the workflow's, which lies beside it. */
static bool
file_take(Cli *c, Str path, File *ret, Err *err)
{
	Json v;
	Str graph;

	*ret = (File){ .path = path, .said = path };
	if (!file_read(c->a, str_cstr(c->a, path), FILE_MAX, &ret->text, err))
		return false;
	v = parsed(c, path, ret->text);
	ret->ref = json_get_text(&v, "ref");
	ret->parameters = member(&v, "parameters");
	graph = json_get_text(&v, "workflow_file");
	if (graph.n > 0) {
		ret->said = beside(c->a, path, graph);
		if (!file_read(c->a, str_cstr(c->a, ret->said), FILE_MAX, &ret->text, err))
			return false;
		v = parsed(c, ret->said, ret->text);
	}
	if (!json_is_null(json_get(&v, "tasks")))
		ret->definition = v;
	return true;
}

/* ---- what counts as there ---- */

static void
known_add(Cli *c, Json *known, const File *f)
{
	Json one = json_object();

	for (size_t i = 0; i < known->n; i++)
		if (str_eq(json_get_text(&known->items[i], "ref"), f->ref))
			return;
	if (f->ref.n == 0 || known->n == KNOWN_MOST)
		return;
	json_add(c->a, &one, "ref", json_str(f->ref));
	json_add(c->a, &one, "param_schema", f->parameters);
	json_add(c->a, &one, "definition", f->definition);
	json_push(c->a, known, one);
}

static void
folder_add(Cli *c, Json *known, Str folder)
{
	DirEntry *entries;
	size_t n;
	Err err = { 0 };

	if (!dir_list(c->a, str_cstr(c->a, folder), &entries, &n, &err))
		return;
	for (size_t i = 0; i < n; i++) {
		File f;

		if (!entries[i].dir && is_file(entries[i].name) &&
		    file_take(c, str_fmt(c->a, "%.*s%.*s", STR_ARG(folder), STR_ARG(entries[i].name)), &f, &err))
			known_add(c, known, &f);
	}
}

/* The actions of the pack that the file lies in, as its files say. */
static void
pack_add(Cli *c, Json *known, Str path)
{
	static const char *const folders[] = { "actions/", "workflows/", "actions/workflows/" };
	Str root = beside(c->a, path, str_of(""));

	for (int up = 0; up < LEVELS_UP; up++) {
		if (file_exists(str_fmt(c->a, "%.*spack.yaml", STR_ARG(root)).p)) {
			for (size_t i = 0; i < countof(folders); i++)
				folder_add(c, known, str_fmt(c->a, "%.*s%s", STR_ARG(root), folders[i]));
			return;
		}
		root = str_fmt(c->a, "%.*s../", STR_ARG(root));
	}
}

/* ---- one after the other ---- */

/* "file.yaml:3:5: error: ...", as compilers say it, so that editors find the place. */
static void
print_problem(Cli *c, Str what, const Json *p)
{
	Str level = json_get_text(p, "level"), text = json_get_text(p, "message"), path = json_get_text(p, "path");
	int64_t line = json_as_int(json_get(p, "line"), 0);

	if (line > 0)
		out_clean(c, "%.*s:%lld:%lld: %.*s: %.*s", STR_ARG(what), (long long)line,
		    (long long)json_as_int(json_get(p, "column"), 1), STR_ARG(level), STR_ARG(text));
	else
		out_clean(c, "%.*s%s%.*s: %.*s: %.*s", STR_ARG(what), path.n > 0 ? ": definition" : "", STR_ARG(path),
		    STR_ARG(level), STR_ARG(text));
}

static void
print_verdict(Cli *c, Str what, const Json *said)
{
	const Json *problems = json_get(said, "problems");
	int64_t errors = json_as_int(json_get(said, "error_count"), 0);
	int64_t warnings = json_as_int(json_get(said, "warning_count"), 0);

	for (size_t i = 0; json_is(problems, JSON_ARRAY) && i < problems->n; i++)
		print_problem(c, what, &problems->items[i]);
	if (errors > 0)
		out_clean(c, "%.*s is not valid: %lld error%s, %lld warning%s.", STR_ARG(what), (long long)errors,
		    errors == 1 ? "" : "s", (long long)warnings, warnings == 1 ? "" : "s");
	else
		out_clean(c, "%.*s is valid%s.", STR_ARG(what), warnings > 0 ? ", with warnings" : "");
}

static bool
file_ask(Cli *c, const File *f, const Json *known, Json *ret, Err *err)
{
	Json body = json_object();

	if (f->ref.n > 0)
		json_add(c->a, &body, "ref", json_str(f->ref));
	if (!str_eq(f->path, f->said) && !json_is_null(&f->parameters))
		json_add(c->a, &body, "param_schema", f->parameters);
	/* an empty file is nothing: a text that is not there at all could not be complained of */
	json_add(c->a, &body, "text", json_str(f->text.n == 0 ? str_of("~") : f->text));
	json_add(c->a, &body, "known", *known);
	return cli_call(c, "POST", str_of("/api/v1/workflows/validate"), &body, ret, err);
}

/* Given beside others, an action that is no workflow only says that it is there. */
static bool
only_known(const Cli *c, const File *f)
{
	return c->n_args > 1 && json_is_null(&f->definition) && f->ref.n > 0 && str_eq(f->path, f->said);
}

static bool
validate_one(Cli *c, const File *f, size_t i, const Json *known, Json *ret, Err *err)
{
	Str path = cli_fill(c, str_fmt(c->a, "/api/v1/workflows/{%zu}/validate", i).p, NULL, true);

	return is_file(c->args[i]) ? file_ask(c, f, known, ret, err) : cli_call(c, "POST", path, NULL, ret, err);
}

static bool
files_read(Cli *c, File *files, Json *known, Err *err)
{
	for (size_t i = 0; i < c->n_args; i++) {
		files[i] = (File){ .said = c->args[i] };
		if (!is_file(c->args[i]))
			continue;
		if (!file_take(c, c->args[i], &files[i], err))
			return false;
		known_add(c, known, &files[i]);
	}
	for (size_t i = 0; i < c->n_args; i++)
		if (is_file(c->args[i]))
			pack_add(c, known, c->args[i]);
	return true;
}

bool
cmd_workflow_validate(Cli *c, int *ret_code, Err *err)
{
	File *files = arena_array(c->a, File, c->n_args);
	Json known = json_array(), all = json_array();
	Str *names = arena_array(c->a, Str, c->n_args);

	if (!files_read(c, files, &known, err))
		return false;
	for (size_t i = 0; i < c->n_args; i++) {
		Json said;

		if (is_file(c->args[i]) && only_known(c, &files[i]))
			continue;
		if (!validate_one(c, &files[i], i, &known, &said, err))
			return false;
		if (json_as_int(json_get(&said, "error_count"), 0) > 0)
			*ret_code = 1;
		names[all.n] = files[i].said;
		json_push(c->a, &all, said);
	}
	if (out_raw(c, c->n_args == 1 ? &all.items[0] : &all))
		return true;
	for (size_t i = 0; i < all.n; i++)
		print_verdict(c, names[i], &all.items[i]);
	return true;
}
