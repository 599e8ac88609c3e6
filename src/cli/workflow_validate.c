#include "cli/handlers.h"
#include "cli/output.h"

#include "base/yaml.h"
#include "os/fs.h"

enum { FILE_MAX = 1024 * 1024 };

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

static void
take(Cli *c, Json *body, const char *key, const Json *from, const char *of)
{
	const Json *v = json_get(from, of);

	if (!json_is_null(v))
		json_add(c->a, body, key, *v);
}

/* An action's file names the workflow's, which lies beside it; *file is then that one. */
static bool
read_body(Cli *c, Str *file, Json *ret, Err *err)
{
	Str text, graph;
	Json v;

	if (!file_read(c->a, str_cstr(c->a, *file), FILE_MAX, &text, err))
		return false;
	*ret = json_object();
	/* a file that cannot be read as YAML is the server's to complain of: it names the place */
	if (yaml_parse(c->a, str_cstr(c->a, *file), text, NULL, &v, NULL) && json_is(&v, JSON_OBJECT)) {
		graph = json_get_text(&v, "workflow_file");
		take(c, ret, "ref", &v, "ref");
		if (graph.n > 0) {
			take(c, ret, "param_schema", &v, "parameters");
			*file = beside(c->a, *file, graph);
			if (!file_read(c->a, str_cstr(c->a, *file), FILE_MAX, &text, err))
				return false;
		}
	}
	json_add(c->a, ret, "text", json_str(text));
	return true;
}

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

bool
cmd_workflow_validate(Cli *c, int *ret_code, Err *err)
{
	Str what = c->args[0], path = str_of("/api/v1/workflows/validate");
	Json body, said;
	const Json *problems;
	int64_t errors, warnings;

	if (is_file(what)) {
		if (!read_body(c, &what, &body, err))
			return false;
	} else {
		path = cli_fill(c, "/api/v1/workflows/{0}/validate", NULL, true);
	}
	if (!cli_call(c, "POST", path, is_file(c->args[0]) ? &body : NULL, &said, err))
		return false;
	errors = json_as_int(json_get(&said, "error_count"), 0);
	warnings = json_as_int(json_get(&said, "warning_count"), 0);
	*ret_code = errors > 0;
	if (out_raw(c, &said))
		return true;
	problems = json_get(&said, "problems");
	for (size_t i = 0; json_is(problems, JSON_ARRAY) && i < problems->n; i++)
		print_problem(c, what, &problems->items[i]);
	if (errors > 0)
		out_clean(c, "%.*s is not valid: %lld error%s, %lld warning%s.", STR_ARG(what), (long long)errors,
		    errors == 1 ? "" : "s", (long long)warnings, warnings == 1 ? "" : "s");
	else
		out_clean(c, "%.*s is valid%s.", STR_ARG(what), warnings > 0 ? ", with warnings" : "");
	return true;
}
