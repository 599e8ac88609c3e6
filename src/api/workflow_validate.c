#include "api/handlers.h"
#include "api/workflow_work.h"
#include "base/yaml.h"
#include "engine/workflow_names.h"
#include "model/params.h"

/* Workflows are looked at as when they are stored, and nothing is. */

enum { TEXT_MOST = 1024 * 1024 };

static const BodyField fields[] = {
	{ "ref", FIELD_TEXT, 255 },
	{ "text", FIELD_TEXT, TEXT_MOST },
	{ "definition", FIELD_MAP, 0 },
	{ "param_schema", FIELD_ANY, 0 },
	KNOWN_FIELD,
};

typedef struct Verdict {
	Arena *a;
	Json problems;
	int64_t errors;
} Verdict;

static Json
number(unsigned n)
{
	return n == 0 ? json_null() : json_int(n);
}

/* line 0: nowhere in a text; path none: it is nowhere in the definition */
static void
tell(Verdict *v, bool warning, Str path, unsigned line, unsigned column, Str text)
{
	Json o = json_object();

	json_add(v->a, &o, "level", json_cstr(warning ? "warning" : "error"));
	json_add(v->a, &o, "path", str_none(path) ? json_null() : json_str(path));
	json_add(v->a, &o, "line", number(line));
	json_add(v->a, &o, "column", number(column));
	json_add(v->a, &o, "message", json_str(text));
	json_push(v->a, &v->problems, o);
	v->errors += !warning;
}

static void
tell_all(Verdict *v, Str text, const WorkflowProblem *problems, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned line = 0, column = 0;

		if (text.n > 0)
			(void)yaml_locate(text, problems[i].at, &line, &column);
		tell(v, problems[i].warning, problems[i].at, line, column, problems[i].text);
	}
}

static void
check_schema(Verdict *v, const WorkflowDef *d)
{
	Err why = { 0 };

	if (!params_schema_check(v->a, &d->param_schema, &why))
		tell(v, false, (Str){ 0 }, 0, 0, str_fmt(v->a, "param_schema: %s", why.text));
}

/* As the pack loader reads it. */
static void
check_text(Verdict *v, Str text, WorkflowDef *d)
{
	PackProblem *problems;
	Str ref = d->ref;
	Json schema = d->param_schema;
	size_t n;

	(void)workflow_text_read(v->a, str_of("text"), text, d, &problems, &n);
	for (size_t i = 0; i < n; i++)
		tell(v, !problems[i].fatal, (Str){ 0 }, problems[i].line, problems[i].column, problems[i].text);
	d->ref = str_none(ref) ? d->ref : ref;
	if (!json_is_null(&schema))
		d->param_schema = schema;
}

static void
check_definition(Verdict *v, const WorkflowDef *d)
{
	WorkflowProblem *problems;
	size_t n;

	(void)workflow_check(v->a, &d->definition, &problems, &n);
	tell_all(v, (Str){ 0 }, problems, n);
}

static bool
answer(App *app, Res *s, Verdict *v, const WorkflowKnown *known, const WorkflowDef *d, Str text, Err *err)
{
	WorkflowProblem *problems;
	Json o = json_object();
	size_t n;

	if (!workflow_names_check(app_db(app), v->a, known, d, &problems, &n, err))
		return false;
	tell_all(v, text, problems, n);
	json_add(v->a, &o, "ref", str_none(d->ref) ? json_null() : json_str(d->ref));
	json_add(v->a, &o, "valid", json_bool(v->errors == 0));
	json_add(v->a, &o, "error_count", json_int(v->errors));
	json_add(v->a, &o, "warning_count", json_int((int64_t)v->problems.n - v->errors));
	json_add(v->a, &o, "problems", v->problems);
	return res_data(s, 200, o, NULL);
}

bool
workflow_validate(App *app, Req *q, Res *s, Err *err)
{
	Verdict v = { .a = req_arena(q), .problems = json_array() };
	WorkflowDef d = { 0 };
	WorkflowKnown known;
	Json body;
	Str text;

	if (!body_read(q, fields, countof(fields), &body, err) || !workflow_known_read(v.a, &body, &known, err))
		return false;
	text = json_get_text(&body, "text");
	d.ref = json_get_text(&body, "ref");
	body_json(&body, "param_schema", &d.param_schema);
	body_json(&body, "definition", &d.definition);
	if ((text.n > 0) == !json_is_null(&d.definition))
		return err_set(err, ERR_VALIDATION, "Validation failed: give either text or definition");
	check_schema(&v, &d);
	if (text.n > 0)
		check_text(&v, text, &d);
	else
		check_definition(&v, &d);
	return answer(app, s, &v, &known, &d, text, err);
}

bool
workflow_validate_stored(App *app, Req *q, Res *s, Err *err)
{
	Verdict v = { .a = req_arena(q), .problems = json_array() };
	WorkflowDef d;

	if (!resource_of_path(app, q, &workflows, "ref", &d, err))
		return false;
	check_schema(&v, &d);
	check_definition(&v, &d);
	return answer(app, s, &v, NULL, &d, (Str){ 0 }, err);
}
