#include "cli/handlers.h"
#include "cli/output.h"

#include "base/yaml.h"
#include "os/fs.h"

enum { FILE_MAX = 10 * 1024 * 1024 };

static bool
read_yaml(Cli *c, const char *path, Json *ret, Err *err)
{
	Str text;

	if (!file_read(c->a, path, FILE_MAX, &text, err))
		return false;
	if (!yaml_parse(c->a, path, text, NULL, ret, err))
		return false;
	return json_is(ret, JSON_OBJECT) || err_set(err, ERR_INVALID, "%s holds no settings", path);
}

static Str
folder_of(Arena *a, Str path)
{
	while (path.n > 0 && path.p[path.n - 1] != '/')
		path.n--;
	return path.n == 0 ? str_of("./") : str_copy(a, path);
}

static void
take(Cli *c, Json *body, const char *key, const Json *first, const char *first_key, const Json *second,
    const char *second_key)
{
	const Json *v = json_get(first, first_key);

	if (json_is_null(v))
		v = json_get(second, second_key);
	if (!json_is_null(v))
		json_set(c->a, body, key, *v);
}

/* The action's file names the workflow's, which lies beside it. */
bool
cmd_workflow_upload(Cli *c, int *ret_code, Err *err)
{
	Json action, flow, body = json_object(), row;
	Str file, ref, pack, name;

	(void)ret_code;
	if (!read_yaml(c, str_cstr(c->a, c->args[0]), &action, err))
		return false;
	file = json_get_text(&action, "workflow_file");
	ref = json_get_text(&action, "ref");
	if (file.n == 0 || ref.n == 0)
		return err_set(err, ERR_INVALID, "%.*s needs ref and workflow_file", STR_ARG(c->args[0]));
	if (!read_yaml(c, str_fmt(c->a, "%.*s%.*s", STR_ARG(folder_of(c->a, c->args[0])), STR_ARG(file)).p, &flow, err))
		return false;
	name = ref;
	str_cut(&name, '.', &pack);
	if (name.n == 0)
		return err_set(err, ERR_INVALID, "the ref '%.*s' must be pack.name", STR_ARG(ref));
	if (cli_has(c, "pack"))
		pack = cli_opt(c, "pack");
	json_add(c->a, &body, "name", json_str(name));
	json_add(c->a, &body, "pack_ref", json_str(pack));
	json_add(c->a, &body, "label", json_str(name));
	json_add(c->a, &body, "version", json_cstr("1.0.0"));
	take(c, &body, "label", &action, "label", &flow, "label");
	take(c, &body, "description", &action, "description", &flow, "description");
	take(c, &body, "version", &flow, "version", &action, "version");
	take(c, &body, "tags", &action, "tags", &flow, "tags");
	take(c, &body, "param_schema", &action, "parameters", &flow, "parameters");
	take(c, &body, "out_schema", &action, "output", &flow, "output_schema");
	json_add(c->a, &body, "definition", flow);
	if (cli_has(c, "force"))
		file = str_fmt(c->a, "/api/v1/workflows/%.*s/file", STR_ARG(url_escape(c->a, ref)));
	else
		file = str_fmt(c->a, "/api/v1/packs/%.*s/workflow-files", STR_ARG(url_escape(c->a, pack)));
	if (!cli_call(c, cli_has(c, "force") ? "PUT" : "POST", file, &body, &row, err))
		return false;
	out_warnings(c, &row);
	cli_said(c, "Workflow {ref} {version} is uploaded.", &row);
	return true;
}
