#include "base/map.h"
#include "cli/documents.h"
#include "cli/families.h"
#include "cli/handlers.h"

/* Everything is looked at and compared before the first thing is changed. */

enum { TASKS_DEPTH_MOST = 8, KNOWN_MOST = 1000 };

static const Command commands[] = {
	{ .words = "apply",
	    .run = cmd_apply_run,
	    .opts = OPTS({ "file", 'f', "FILE", NULL, "a file, a folder, or - (standard input)", KIND_TEXT, true },
		{ "dry-run", '\0', NULL, NULL, "only show what would be changed; exit code 0" },
		{ "yes", 'y', NULL, NULL, "ask nothing" }),
	    .help =
		"make things what YAML files say: packs, triggers, actions, workflows, sensors, keys, policies, rules",
	    .example = "attune apply -f rules.yaml --dry-run" },
	{ .words = "export",
	    .run = cmd_export_run,
	    .args = "[KIND...]",
	    .opts = OPTS({ "pack", 'p', "REF", NULL, "only of this pack" },
		{ "adhoc", '\0', NULL, NULL, "only what is in no pack's files" },
		{ "secrets", '\0', NULL, NULL, "with the values of keys, and the secrets that rules say themselves" }),
	    .help =
		"print what `attune apply` takes back (default: triggers, actions, workflows, keys, policies, rules)",
	    .example = "attune export rules keys --pack ops > ops.yaml" },
};

const Family family_apply = { "Many at once", commands, countof(commands) };

typedef struct Plan {
	Cli *c;
	Document *all;
	size_t n, made, changed, same, done;
	Map workflows; /* ref to Document */
} Plan;

static bool
empty(const Json *v)
{
	return json_is_null(v) ||
	       ((json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY) || json_is(v, JSON_STRING)) && v->n == 0);
}

static bool
same(const Json *a, const Json *b)
{
	return (empty(a) && empty(b)) || (a != NULL && b != NULL && json_eq(a, b));
}

/* What an object says that names no method: the first that there is. */
static bool
is_usual(const Json *v)
{
	static const char *const methods[] = { "enqueue", "delay", "wait" };

	for (size_t i = 0; i < countof(methods); i++)
		if (str_is(json_as_str(v), methods[i]))
			return true;
	return empty(v);
}

static bool
same_time(const Json *said, const Json *now)
{
	TimeUs t;

	return duration_parse(json_as_str(said), &t) && json_is(now, JSON_INT) && t == json_as_int(now, 0) * US_PER_S;
}

/* See MEMBER_FILLED. */
static bool
same_filled(const Json *said, const Json *now)
{
	if (!json_is(said, JSON_OBJECT) || !json_is(now, JSON_OBJECT))
		return same(said, now);
	for (size_t i = 0; i < said->n; i++) {
		const Json *there = json_get_str(now, said->members[i].key);

		if (!same(&said->members[i].value, there) && !same_time(&said->members[i].value, there))
			return false;
	}
	for (size_t i = 0; i < now->n; i++)
		if (json_get_str(said, now->members[i].key) == NULL && !is_usual(&now->members[i].value))
			return false;
	return true;
}

static Json
patch(Arena *a, const Json *v)
{
	Json p = json_object();

	json_add(a, &p, "op", json_cstr(json_is_null(v) ? "clear" : "set"));
	if (!json_is_null(v))
		json_add(a, &p, "value", *v);
	return p;
}

/* The action of a workflow is there when it is told something. */
static Json
asked(Arena *a, const Document *d, const KindMember *k, const Json *v)
{
	bool changed = d->found || (k->flags & MEMBER_OF_ACTION) != 0;

	return changed && (k->flags & MEMBER_PATCH) != 0 ? patch(a, v) : *v;
}

/* ---- secrets, which are shown as a mark ---- */

static bool
is_mark(const Json *v)
{
	return json_as_bool(json_get(v, "$attune_secret"), false);
}

static bool
has_mark(const Json *v)
{
	if (is_mark(v))
		return true;
	for (size_t i = 0; json_is(v, JSON_OBJECT) && i < v->n; i++)
		if (has_mark(&v->members[i].value))
			return true;
	for (size_t i = 0; json_is(v, JSON_ARRAY) && i < v->n; i++)
		if (has_mark(&v->items[i]))
			return true;
	return false;
}

/* For people: the new value, in which stars stand where a mark stands in what it was. */
static Json
starred(Arena *a, const Json *now, const Json *then)
{
	Json copy = json_clone(a, then);

	if (is_mark(now))
		return is_mark(then) ? copy : json_cstr("***");
	for (size_t i = 0; json_is(now, JSON_OBJECT) && json_is(&copy, JSON_OBJECT) && i < copy.n; i++)
		copy.members[i].value = starred(a, json_get_str(now, copy.members[i].key), &copy.members[i].value);
	for (size_t i = 0; json_is(now, JSON_ARRAY) && json_is(&copy, JSON_ARRAY) && i < copy.n && i < now->n; i++)
		copy.items[i] = starred(a, &now->items[i], &copy.items[i]);
	return copy;
}

/* Who may decrypt them is shown them for the comparison, and the audit says so; for others they are never the same. */
static const Json *
opened(Plan *p, Document *d, Str member)
{
	Str path = apply_path(p->c->a, d->kind, d->ref);
	Err why = { 0 };

	if (d->opened == NULL) {
		d->opened = arena_new(p->c->a, Json);
		*d->opened = json_null();
		path = str_fmt(p->c->a, "%.*s?include_secret_values=true", STR_ARG(path));
		if (!cli_call(p->c, "GET", path, NULL, d->opened, &why))
			out_note(p->c, "%s %.*s: its secrets cannot be compared (%s), and are sent again",
			    d->kind->name, STR_ARG(d->ref), why.text);
	}
	return json_get_str(d->opened, member);
}

static bool
is_as_said(Plan *p, Document *d, const KindMember *k, const JsonMember *m)
{
	const Json *now = json_get_str(&d->current, m->key);

	return ((k->flags & MEMBER_FILLED) != 0 && same_filled(&m->value, now)) || same(&m->value, now) ||
	       (has_mark(now) && same(&m->value, opened(p, d, m->key)));
}

/* What must be sent so that the thing is what its document says. */
static bool
compare(Plan *p, Document *d, Err *err)
{
	Arena *a = p->c->a;

	d->request = json_object();
	for (size_t i = 0; i < d->body.n; i++) {
		const JsonMember *m = &d->body.members[i];
		const KindMember *k = apply_member(d->kind, m->key);

		if (!d->found) {
			if (!json_is_null(&m->value))
				json_set_str(a, &d->request, m->key, asked(a, d, k, &m->value));
			continue;
		}
		if (is_as_said(p, d, k, m) || (json_is_null(&m->value) && (k->flags & MEMBER_PATCH) == 0))
			continue;
		if ((k->flags & MEMBER_FIXED) != 0)
			return err_set(err, ERR_INVALID, "%s:%u: '%s' of %s %.*s cannot be changed: it is %.*s",
			    d->file, d->line, k->name, d->kind->name, STR_ARG(d->ref),
			    STR_ARG(json_text(a, json_get_str(&d->current, m->key))));
		json_set_str(a, &d->request, m->key, asked(a, d, k, &m->value));
	}
	return true;
}

/* All that is missing is named at once. */
static bool
check_needed(const Plan *p, const Document *d, Err *err)
{
	Buf missing = buf_open(p->c->a);
	size_t n = 0;

	for (size_t i = 0; i < KIND_MEMBERS && d->kind->members[i].name != NULL; i++) {
		const KindMember *k = &d->kind->members[i];

		if ((k->flags & MEMBER_NEEDED) != 0 && json_is_null(json_get(&d->body, k->name)))
			buf_fmt(&missing, "%s'%s'", n++ == 0 ? "" : ", ", k->name);
	}
	if (n == 0)
		return true;
	return err_set(err, ERR_INVALID, "%s:%u: %s %.*s is not there, and to make it %.*s %s needed", d->file, d->line,
	    d->kind->name, STR_ARG(d->ref), STR_ARG(buf_str(&missing)), n == 1 ? "is" : "are");
}

static bool
will_be_there(const Plan *p, const ApplyKind *kind, Str ref)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->all[i].kind == kind && str_eq(p->all[i].ref, ref))
			return true;
	/* a workflow is an action too */
	return str_is(str_of(kind->name), "action") && will_be_there(p, apply_kind_named(str_of("workflow")), ref);
}

/* ---- workflows that come together ---- */

static const Json *
tasks_of(const Document *d)
{
	return json_get(json_get(&d->body, "definition"), "tasks");
}

static Document *
document_of(const Plan *p, Str ref)
{
	const ApplyKind *action = apply_kind_named(str_of("action")), *workflow = apply_kind_named(str_of("workflow"));

	for (size_t i = 0; ref.n > 0 && i < p->n; i++)
		if ((p->all[i].kind == action || p->all[i].kind == workflow) && str_eq(p->all[i].ref, ref))
			return &p->all[i];
	return NULL;
}

static Json
member(const Json *v, const char *name)
{
	const Json *m = json_get(v, name);

	return m == NULL ? json_null() : *m;
}

static void
known_add(const Plan *p, Json *known, const Document *d)
{
	Arena *a = p->c->a;
	Json one = json_object();

	json_add(a, &one, "ref", json_str(d->ref));
	json_add(a, &one, "param_schema", member(&d->body, "param_schema"));
	json_add(a, &one, "definition", member(&d->body, "definition"));
	json_push(a, known, one);
}

static bool
is_known(const Json *known, Str ref)
{
	for (size_t i = 0; i < known->n; i++)
		if (str_eq(json_get_text(&known->items[i], "ref"), ref))
			return true;
	return false;
}

/* Those documents that the tasks run, and what those run. */
static void
known_collect(const Plan *p, Json *known, const Json *tasks, unsigned depth)
{
	for (size_t i = 0; depth < TASKS_DEPTH_MOST && json_is(tasks, JSON_ARRAY) && i < tasks->n; i++) {
		const Document *d = document_of(p, json_get_text(&tasks->items[i], "action"));

		known_collect(p, known, json_get(&tasks->items[i], "tasks"), depth + 1);
		if (d == NULL || is_known(known, d->ref) || known->n == KNOWN_MOST)
			continue;
		known_add(p, known, d);
		known_collect(p, known, tasks_of(d), 0);
	}
}

/* Before anything is changed, so that of workflows that run each other none is left behind alone. */
static bool
check_workflow(const Plan *p, const Document *d, Err *err)
{
	Arena *a = p->c->a;
	Json ask = json_object(), known = json_array(), said;
	const Json *problems, *definition = json_get(&d->request, "definition");

	if (!json_is(definition, JSON_OBJECT) || has_mark(definition))
		return true;
	known_collect(p, &known, tasks_of(d), 0);
	if (known.n == 0) /* the server checks it when it is sent */
		return true;
	json_add(a, &ask, "ref", json_str(d->ref));
	json_add(a, &ask, "definition", *definition);
	json_add(a, &ask, "param_schema", member(&d->body, "param_schema"));
	json_add(a, &ask, "known", known);
	if (!cli_call(p->c, "POST", str_of("/api/v1/workflows/validate"), &ask, &said, err))
		return false;
	problems = json_get(&said, "problems");
	for (size_t i = 0; json_is(problems, JSON_ARRAY) && i < problems->n; i++) {
		const Json *one = &problems->items[i];

		if (str_is(json_get_text(one, "level"), "error"))
			return err_set(err, ERR_INVALID, "%s:%u: workflow %.*s: definition%.*s: %.*s", d->file, d->line,
			    STR_ARG(d->ref), STR_ARG(json_get_text(one, "path")),
			    STR_ARG(json_get_text(one, "message")));
	}
	return true;
}

/* What it refers to is there, or made before it. */
static bool
check_refers(const Plan *p, const Document *d, Err *err)
{
	for (size_t i = 0; i < KIND_MEMBERS && d->kind->members[i].name != NULL; i++) {
		const KindMember *k = &d->kind->members[i];
		Str ref = json_get_text(&d->request, k->name);
		Json unused;

		if (k->refers == NULL || ref.n == 0 || will_be_there(p, apply_kind_named(str_of(k->refers)), ref) ||
		    apply_fetch(p->c, apply_kind_named(str_of(k->refers)), ref, &unused, err))
			continue;
		if (err->code != ERR_NONE)
			return false;
		return err_set(err, ERR_INVALID, "%s:%u: there is no %s '%.*s', which %s %.*s needs", d->file, d->line,
		    k->refers, STR_ARG(ref), d->kind->name, STR_ARG(d->ref));
	}
	return true;
}

static bool
look(Plan *p, Err *err)
{
	const ApplyKind *workflow = apply_kind_named(str_of("workflow"));

	for (size_t i = 0; i < p->n; i++) {
		Document *d = &p->all[i];

		d->found = apply_fetch(p->c, d->kind, d->ref, &d->current, err);
		if (!d->found && err->code != ERR_NONE)
			return false;
		if (!compare(p, d, err) || (!d->found && !check_needed(p, d, err)))
			return false;
		p->made += !d->found;
		p->changed += d->found && d->request.n > 0;
		p->same += d->found && d->request.n == 0;
	}
	for (size_t i = 0; i < p->n; i++)
		if (!check_refers(p, &p->all[i], err) ||
		    (p->all[i].kind == workflow && !check_workflow(p, &p->all[i], err)))
			return false;
	return true;
}

/* ---- saying it ---- */

static void
show_change(const Plan *p, const Document *d, const JsonMember *m)
{
	const Cli *c = p->c;
	const KindMember *k = apply_member(d->kind, m->key);
	const Json *now = json_get_str(&d->current, m->key);
	Json then = starred(c->a, now, json_get_str(&d->body, m->key));

	if ((k->flags & MEMBER_SECRET) != 0)
		out_line(c, "    %s: another value", k->name);
	else
		out_line(c, "    %s: %.*s -> %.*s", k->name,
		    STR_ARG(empty(now) ? str_of("none") : json_text(c->a, now)), STR_ARG(json_text(c->a, &then)));
}

static void
show_document(const Plan *p, const Document *d)
{
	const Cli *c = p->c;
	const char *on = "", *off = c->io->colour ? "\033[0m" : "";

	if (d->found && d->request.n == 0)
		return;
	if (c->io->colour)
		on = d->found ? "\033[33m" : "\033[32m";
	out_line(c, "%s%s %s %.*s%s", on, d->found ? "~" : "+", d->kind->name, STR_ARG(d->ref), off);
	for (size_t i = 0; d->found && i < d->request.n; i++)
		show_change(p, d, &d->request.members[i]);
}

static Json
as_json(const Plan *p)
{
	Json list = json_array();

	for (size_t i = 0; i < p->n; i++) {
		const Document *d = &p->all[i];
		Json one = json_object(), members = json_array();

		json_add(p->c->a, &one, "kind", json_cstr(d->kind->name));
		json_add(p->c->a, &one, "ref", json_str(d->ref));
		json_add(p->c->a, &one, "change",
		    json_cstr(!d->found          ? "create"
			      : d->request.n > 0 ? "update"
						 : "none"));
		for (size_t m = 0; d->found && m < d->request.n; m++)
			json_push(p->c->a, &members, json_str(d->request.members[m].key));
		json_add(p->c->a, &one, "members", members);
		json_push(p->c->a, &list, one);
	}
	return list;
}

static bool
show(Plan *p)
{
	Json list = as_json(p);

	if (out_raw(p->c, &list))
		return true;
	for (size_t i = 0; i < p->n; i++)
		show_document(p, &p->all[i]);
	if (p->made + p->changed == 0)
		out_line(p->c, "Nothing to change: %zu as they should be.", p->same);
	else
		out_line(p->c, "%zu to create, %zu to change, %zu as they should be.", p->made, p->changed, p->same);
	return false;
}

/* ---- doing it ---- */

static bool
write_one(const Plan *p, Document *d, Err *err)
{
	Cli *c = p->c;
	Json own = json_object(), of_action = json_object(), said = json_null(), known = json_array(), unused;

	for (size_t i = 0; i < d->request.n; i++) {
		const JsonMember *m = &d->request.members[i];
		bool aside = (apply_member(d->kind, m->key)->flags & MEMBER_OF_ACTION) != 0;

		json_set_str(c->a, aside ? &of_action : &own, m->key, m->value);
	}
	/* what waits for this one, because it runs it, counts as there */
	for (size_t i = 0; i < p->n; i++)
		if (p->all[i].begun && !p->all[i].written && &p->all[i] != d)
			known_add(p, &known, &p->all[i]);
	if (known.n > 0 && !json_is_null(json_get(&own, "definition")))
		json_add(c->a, &own, "known", known);
	if (d->found && own.n == 0)
		return cli_call(
		    c, "PUT", apply_path(c->a, apply_kind_named(str_of("action")), d->ref), &of_action, &unused, err);
	/* one request, so that a document is in force as a whole or not at all */
	if (of_action.n > 0)
		json_add(c->a, &own, "settings", of_action);
	if (!d->found)
		json_set(c->a, &own, "ref", json_str(d->ref));
	if (!cli_call(c, d->found ? "PUT" : "POST",
		d->found ? apply_path(c->a, d->kind, d->ref) : str_of(d->kind->path), &own, &said, err))
		return false;
	out_warnings(c, &said);
	return true;
}

static bool write_tasks(Plan *p, const Json *tasks, unsigned depth, Err *err);

static bool
write_with(Plan *p, Document *d, Err *err)
{
	if (d->begun || (d->found && d->request.n == 0))
		return true;
	d->begun = true;
	if (!write_tasks(p, json_get(json_get(&d->body, "definition"), "tasks"), 0, err))
		return false;
	if (!write_one(p, d, err)) {
		Err why = *err;

		return err_set(err, why.code,
		    "%s:%u: %s %.*s: %s. %zu of %zu were done before it, the rest was left as it was: apply again when "
		    "this is cured",
		    d->file, d->line, d->kind->name, STR_ARG(d->ref), why.text, p->done, p->made + p->changed);
	}
	d->written = true;
	p->done++;
	return true;
}

/* A workflow is refused while what its tasks run is not there: workflows that it runs go first. */
static bool
write_tasks(Plan *p, const Json *tasks, unsigned depth, Err *err)
{
	for (size_t i = 0; depth < TASKS_DEPTH_MOST && json_is(tasks, JSON_ARRAY) && i < tasks->n; i++) {
		Document *first = map_get_str(&p->workflows, json_get_text(&tasks->items[i], "action"));

		if ((first != NULL && !write_with(p, first, err)) ||
		    !write_tasks(p, json_get(&tasks->items[i], "tasks"), depth + 1, err))
			return false;
	}
	return true;
}

static bool
write_all(Plan *p, Err *err)
{
	p->workflows = map_open(p->c->a);
	for (size_t i = 0; i < p->n; i++)
		if (p->all[i].kind == apply_kind_named(str_of("workflow")))
			map_put_str(&p->workflows, p->all[i].ref, &p->all[i]);
	for (size_t i = 0; i < p->n; i++)
		if (!write_with(p, &p->all[i], err))
			return false;
	return true;
}

bool
cmd_apply_run(Cli *c, int *ret_code, Err *err)
{
	Plan p = { .c = c };
	bool raw;

	(void)ret_code;
	if (!documents_read(c, cli_opt(c, "file"), &p.all, &p.n, err) || !look(&p, err))
		return false;
	raw = show(&p);
	if (cli_has(c, "dry-run") || p.made + p.changed == 0)
		return true;
	if (!cli_sure(c, str_of("Apply?")))
		return err_set(err, ERR_CONFLICT, "nothing was changed");
	if (!write_all(&p, err))
		return false;
	if (!raw)
		out_line(c, "%zu created, %zu changed.", p.made, p.changed);
	return true;
}
