#include "admin/commands.h"

#include "packs/pack.h"

static Json
problem_json(Arena *a, const PackProblem *p)
{
	Json one = json_object();

	json_add(a, &one, "severity", json_cstr(p->fatal ? "error" : "warning"));
	json_add(a, &one, "file", json_str(p->file));
	json_add(a, &one, "line", json_int(p->line));
	json_add(a, &one, "column", json_int(p->column));
	json_add(a, &one, "message", json_str(p->text));
	return one;
}

static void
problems_print(Tool *t, const Pack *pack)
{
	for (size_t i = 0; i < pack->problem_count; i++) {
		const PackProblem *p = &pack->problems[i];

		buf_fmt(&t->out, "%s/%.*s:%u:%u: %s: %.*s\n", t->arg, STR_ARG(p->file), p->line, p->column,
		    p->fatal ? "error" : "warning", STR_ARG(p->text));
	}
}

/* Warnings are shown, errors make it fail. */
bool
pack_lint_run(Tool *t, Err *err)
{
	Json all = json_array();
	size_t errors = 0;
	Pack pack = { 0 };
	Err why = { 0 };
	bool fine = pack_load(t->arena, str_of(t->arg), &pack, &why), raw;

	for (size_t i = 0; i < pack.problem_count; i++) {
		json_push(t->arena, &all, problem_json(t->arena, &pack.problems[i]));
		errors += pack.problems[i].fatal;
	}
	raw = tool_raw(t, &all);
	if (!raw)
		problems_print(t, &pack);
	if (!fine)
		return err_set(err, why.code, errors > 0 ? "%s: %zu error%s" : "%s", errors > 0 ? t->arg : why.text,
		    errors, errors == 1 ? "" : "s");
	if (!raw)
		buf_fmt(&t->out,
		    "%.*s %.*s is fine (actions %zu, workflows %zu, triggers %zu, sensors %zu, rules %zu, "
		    "policies %zu, runtimes %zu, permission sets %zu)\n",
		    STR_ARG(pack.def.ref), STR_ARG(pack.def.version), pack.action_count, pack.workflow_count,
		    pack.trigger_count, pack.sensor_count, pack.rule_count, pack.policy_count, pack.runtime_count,
		    pack.permission_set_count);
	return true;
}
