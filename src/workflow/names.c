#include "workflow/check.h"
#include "workflow/roots.h"

#include "base/near.h"

/* ---- the variables there are ---- */

static void
variable(Check *c, Str name)
{
	map_put_str(&c->variables, name, c);
}

static void
members(Check *c, const Json *of)
{
	for (size_t i = 0; json_is(of, JSON_OBJECT) && i < of->n; i++)
		variable(c, of->members[i].key);
}

static void
published(Check *c, const Json *publish)
{
	members(c, publish);
	for (size_t i = 0; json_is(publish, JSON_ARRAY) && i < publish->n; i++) {
		members(c, &publish->items[i]);
		if (publish->items[i].kind == JSON_STRING)
			variable(c, json_as_str(&publish->items[i]));
	}
}

static void
of_all_tasks(Check *c, const Json *tasks, unsigned depth)
{
	for (size_t i = 0; depth < WORKFLOW_DEPTH_MOST && json_is(tasks, JSON_ARRAY) && i < tasks->n; i++) {
		const Json *next = json_get(&tasks->items[i], "next");

		published(c, json_get(&tasks->items[i], "publish"));
		for (size_t k = 0; json_is(next, JSON_ARRAY) && k < next->n; k++)
			published(c, json_get(&next->items[k], "publish"));
		of_all_tasks(c, json_get(&tasks->items[i], "tasks"), depth + 1);
	}
}

void
wf_variables(Check *c, const Json *definition)
{
	members(c, json_get(definition, "vars"));
	of_all_tasks(c, json_get(definition, "tasks"), 0);
}

/* ---- what expressions name ---- */

static Str
hint_of(Check *c, const Map *known, Str name)
{
	Near near = near_open(name);
	size_t at = 0;
	Str other;

	while (map_next(known, &at, NULL, &other, NULL))
		near_offer(&near, other);
	return near_hint(c->a, &near);
}

static void
no_variable(Check *c, Str at, Str name)
{
	wf_wrong(c, at, "there is no variable '%.*s': neither vars nor any publish has it%.*s", STR_ARG(name),
	    STR_ARG(hint_of(c, &c->variables, name)));
}

/* A name alone is a variable when it is nothing else. */
static void
check_bare(Check *c, Str at, Str name)
{
	static const char *const of_items[] = { "item", "index", "batch" };

	if (wf_root(name) == WF_ROOT_GIVEN || map_get_str(&c->variables, name) != NULL)
		return;
	if (!wf_word_of(name, of_items, countof(of_items)))
		no_variable(c, at, name);
	else if (!c->items)
		wf_wrong(c, at, "'%.*s' is known only to the input and the placement of a task that has with_items",
		    STR_ARG(name));
}

void
wf_check_paths(Check *c, Str at, const ExprPath *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const ExprPath *p = &paths[i];

		if (p->n == 0)
			continue;
		if (wf_root(p->parts[0]) == WF_ROOT_TASKS) {
			if (p->n > 1 && map_get_str(&c->names, p->parts[1]) == NULL)
				wf_wrong(c, at, "there is no task '%.*s'%.*s", STR_ARG(p->parts[1]),
				    STR_ARG(hint_of(c, &c->names, p->parts[1])));
		} else if (p->may_miss) {
			continue;
		} else if (wf_root(p->parts[0]) != WF_ROOT_VARS) {
			check_bare(c, at, p->parts[0]);
		} else if (p->n > 1 && map_get_str(&c->variables, p->parts[1]) == NULL) {
			no_variable(c, at, p->parts[1]);
		}
	}
}
