#include "engine/workflow_names.h"

#include "base/map.h"
#include "base/near.h"
#include "engine/workflow.h"
#include "model/keystore.h"
#include "model/params.h"
#include "model/refs.h"
#include "model/secrets.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/workflow.h"
#include "workflow/uses.h"

typedef struct Names {
	Db *db;
	Arena *a;
	const Pack *files;
	const WorkflowKnown *known;
	const WorkflowDef *d;
	Map looked; /* actions that were looked up: ref, to Found */
	Map visited; /* workflows that do not lead back to this one: ref, to how far below it they were looked at, an unsigned */
	bool too_deep; /* one of them lies deeper below it than workflows may */
	WorkflowProblem *problems;
	size_t n;
	Err *err;
} Names;

typedef struct Found {
	ActionDef action;
	bool there, pack_there;
	Str hint; /* ". Did you mean ...?" */
} Found;

static void PRINTF(4, 5) say(Names *s, bool warning, Str at, const char *fmt, ...)
{
	va_list ap;

	if (s->n == WORKFLOW_PROBLEMS_MOST)
		return;
	va_start(ap, fmt);
	s->problems[s->n++] = (WorkflowProblem){ .at = at, .text = str_vfmt(s->a, fmt, ap), .warning = warning };
	va_end(ap);
}

/* *ret_there instead of ERR_NOT_FOUND. */
static bool
found(bool ok, Err *err, bool *ret_there)
{
	*ret_there = ok;
	if (ok || err->code != ERR_NOT_FOUND)
		return ok;
	err_clear(err);
	return true;
}

static bool
is_in_files(const Names *s, Str ref)
{
	return s->files != NULL && str_eq(ref_pack(ref), s->files->def.ref);
}

static bool
near_of_pack(Names *s, Str ref, Found *f)
{
	DefFilter of = { .pack_ref = ref_pack(ref) };
	Near near = near_open(ref_name(ref));
	ActionDef *list;
	size_t n;

	if (!action_list(s->db, s->a, &of, &list, &n, NULL, s->err))
		return false;
	for (size_t i = 0; i < n && !is_in_files(s, ref); i++)
		near_offer(&near, ref_name(list[i].ref));
	for (size_t i = 0; is_in_files(s, ref) && i < s->files->action_count; i++)
		near_offer(&near, ref_name(s->files->actions[i].ref));
	if (!str_none(near.best))
		near.best = str_fmt(s->a, "%.*s.%.*s", STR_ARG(of.pack_ref), STR_ARG(near.best));
	f->hint = near_hint(s->a, &near);
	return true;
}

static const WorkflowDef *
also_find(const Names *s, Str ref)
{
	for (size_t i = 0; s->known != NULL && i < s->known->also_n; i++)
		if (str_eq(s->known->also[i].ref, ref))
			return &s->known->also[i];
	return NULL;
}

/* Of a pack whose files are at hand they are asked first; what was made by hand stays in the store. */
static bool
look(Names *s, Str ref, Found *f)
{
	const WorkflowDef *also = str_eq(ref, s->d->ref) ? s->d : also_find(s, ref); /* it may run itself */
	PackDef pack;

	f->there = also != NULL;
	if (f->there)
		f->action = (ActionDef){ .ref = ref, .param_schema = also->param_schema };
	for (size_t i = 0; is_in_files(s, ref) && i < s->files->action_count && !f->there; i++)
		if (str_eq(s->files->actions[i].ref, ref)) {
			f->action = s->files->actions[i];
			f->there = true;
		}
	if (f->there)
		return true;
	if (!found(action_get_ref(s->db, s->a, ref, &f->action, s->err), s->err, &f->there))
		return false;
	if (f->there && is_in_files(s, ref))
		f->there = f->action.is_adhoc;
	if (f->there)
		return true;
	f->pack_there = is_in_files(s, ref);
	if (!f->pack_there && !found(pack_get_ref(s->db, s->a, ref_pack(ref), &pack, s->err), s->err, &f->pack_there))
		return false;
	return !f->pack_there || near_of_pack(s, ref, f);
}

static bool
action_of(Names *s, Str ref, const Found **ret)
{
	Found *f = map_get_str(&s->looked, ref);

	if (f == NULL) {
		f = arena_new(s->a, Found);
		if (!look(s, ref, f))
			return false;
		map_put_str(&s->looked, ref, f);
	}
	*ret = f;
	return true;
}

/* Keys may give what is secret, perhaps keys that are made tomorrow. */
static Json
without_keys(Arena *a, const Json *schema)
{
	Json spared = *schema;
	Str name;

	for (size_t i = 0; params_name(schema, i, &name); i++)
		if (secret_param(schema, name))
			spared = params_spare(a, &spared, name);
	return spared;
}

/* Unknown parameters are allowed where the schema does not forbid them, and mostly a slip all the same. */
static void
unknown_inputs(Names *s, const WorkflowUse *use, const ActionDef *action, Str at)
{
	Str name;

	for (size_t i = 0; params_name(&action->param_schema, 0, &name) && i < use->input->n; i++) {
		Str given = use->input->members[i].key;
		Near near = near_open(given);
		bool known = false;

		for (size_t k = 0; !known && params_name(&action->param_schema, k, &name); k++) {
			known = str_eq(name, given);
			near_offer(&near, name);
		}
		if (!known)
			say(s, true, str_fmt(s->a, "%.*s/%.*s", STR_ARG(at), STR_ARG(given)),
			    "action '%.*s' has no parameter '%.*s'%.*s", STR_ARG(action->ref), STR_ARG(given),
			    STR_ARG(near_hint(s->a, &near)));
	}
}

static void
check_input(Names *s, const WorkflowUse *use, const ActionDef *action)
{
	Str at = str_fmt(s->a, "%.*s/input", STR_ARG(use->at));
	Json schema = without_keys(s->a, &action->param_schema), values = json_clone(s->a, use->input);
	Err why = { 0 };

	if (!params_prepare(s->a, "action", action->ref, &schema, &values, true, &why) ||
	    !keystore_check(s->a, "input", action->ref, &action->param_schema, use->input, &why))
		say(s, false, at, "%s", str_copy(s->a, str_of(why.text)).p);
	unknown_inputs(s, use, action, at);
}

static bool
check_use(Names *s, const WorkflowUse *use)
{
	Str at = str_fmt(s->a, "%.*s/action", STR_ARG(use->at));
	const Found *f;

	if (!action_of(s, use->action, &f))
		return false;
	if (f->there && use->input != NULL)
		check_input(s, use, &f->action);
	else if (!f->there && f->pack_there)
		say(s, false, at, "there is no action '%.*s'%.*s", STR_ARG(use->action), STR_ARG(f->hint));
	else if (!f->there)
		say(s, true, at,
		    "there is no pack '%.*s' yet: the task fails unless it is there when the workflow runs",
		    STR_ARG(ref_pack(use->action)));
	return true;
}

/* ---- a workflow that runs itself whatever happens ---- */

/* null: it is no workflow, or none that can be read */
static bool
definition_of(Names *s, Str ref, Json *ret)
{
	const WorkflowDef *also = also_find(s, ref);
	WorkflowDef stored;
	bool there;

	*ret = json_null();
	for (size_t i = 0; is_in_files(s, ref) && i < s->files->workflow_count; i++)
		if (str_eq(s->files->workflows[i].ref, ref))
			also = &s->files->workflows[i];
	if (also != NULL) {
		*ret = also->definition;
		return true;
	}
	if (!found(workflow_get_ref(s->db, s->a, ref, &stored, s->err), s->err, &there))
		return false;
	if (there)
		*ret = stored.definition;
	return true;
}

/* Was it looked at, at least so far down? What lies below it may be too deep only for the longest way to it. */
static bool
was_visited(Names *s, Str ref, unsigned depth)
{
	unsigned *deepest = map_get_str(&s->visited, ref);

	if (deepest != NULL && *deepest >= depth)
		return true;
	if (deepest == NULL) {
		deepest = arena_new(s->a, unsigned);
		map_put_str(&s->visited, ref, deepest);
	}
	*deepest = depth;
	return false;
}

/* Does the workflow of this ref lead to the one that is looked at, `depth` above it? Those on the way are written down, the last one
 * first. */
static bool
leads_back(Names *s, Str ref, unsigned depth, Buf *way, bool *ret_back)
{
	WorkflowUse *uses;
	Json definition;
	size_t n;

	*ret_back = str_eq(ref, s->d->ref);
	if (*ret_back || s->too_deep || was_visited(s, ref, depth))
		return true;
	if (!definition_of(s, ref, &definition))
		return false;
	if (!json_is_null(&definition) && depth >= WORKFLOW_NESTED_MOST) {
		s->too_deep = true;
		return true;
	}
	uses = workflow_certain_uses(s->a, &definition, &n);
	for (size_t i = 0; i < n && !*ret_back; i++)
		if (!leads_back(s, uses[i].action, depth + 1, way, ret_back))
			return false;
	if (*ret_back)
		buf_fmt(way, " by way of '%.*s'", STR_ARG(ref));
	return true;
}

/* Runs of workflows that nothing decides: do they come back to this one, or go deeper than they may? */
static bool
check_nesting(Names *s)
{
	size_t n;
	WorkflowUse *uses = workflow_certain_uses(s->a, &s->d->definition, &n);

	for (size_t i = 0; i < n; i++) {
		Str at = str_fmt(s->a, "%.*s/action", STR_ARG(uses[i].at));
		Buf way = buf_open(s->a);
		bool back;

		s->too_deep = false;
		if (!leads_back(s, uses[i].action, 1, &way, &back))
			return false;
		if (back)
			say(s, false, at,
			    "'%.*s' runs this workflow again%.*s, and nothing decides whether it does, so it would "
			    "never "
			    "end: give the task, or a way to it, a 'when'",
			    STR_ARG(uses[i].task), STR_ARG(buf_str(&way)));
		else if (s->too_deep)
			say(s, false, at,
			    "below '%.*s' workflows run workflows to more than %d levels, this one counted, and would "
			    "fail "
			    "there: put what some of them do into the ones that run them",
			    STR_ARG(uses[i].task), WORKFLOW_NESTED_MOST);
	}
	return true;
}

bool
workflow_names_check(
    Db *db, Arena *a, const WorkflowKnown *known, const WorkflowDef *d, WorkflowProblem **ret, size_t *ret_n, Err *err)
{
	Err own = { 0 };
	Names s = { .db = db,
		.a = a,
		.files = known == NULL ? NULL : known->files,
		.known = known,
		.d = d,
		.looked = map_open(a),
		.visited = map_open(a),
		.problems = arena_array(a, WorkflowProblem, WORKFLOW_PROBLEMS_MOST),
		.err = err != NULL ? err : &own };
	size_t n;
	WorkflowUse *uses = workflow_uses(a, &d->definition, &n);

	for (size_t i = 0; i < n; i++)
		if (!check_use(&s, &uses[i]))
			return false;
	if (!check_nesting(&s))
		return false;
	*ret = s.problems;
	*ret_n = s.n;
	return true;
}
