/* Keys that nothing reads: mostly slips of the keyboard, which would else be found when the workflow does not do what it says. Those of
 * `retry` are refused where it is read. */
#include "workflow/check.h"

#include "base/near.h"

/* `label`, `description` and `metadata` are for people, names that begin with __ for whoever draws. */
#define FOR_PEOPLE "label", "description", "metadata"

static const char *const of_definition[] = { "tasks", "vars", "output_map", "cancellation_policy", "max_iterations",
	"timeout", "ref", "name", "version", "parameters", "output", "output_schema", "tags", FOR_PEOPLE, NULL };
static const char *const of_task[] = { "name", "type", "action", "input", "when", "with_items", "concurrency",
	"batch_size", "retry", "timeout", "delay", "join", "next", "tasks", "permission_set_refs", "permission_set_ref",
	"worker_selector", "worker_tolerations", "worker_affinity", "on_success", "on_failure", "on_complete",
	"on_timeout", "decision", "publish", FOR_PEOPLE, NULL };
static const char *const of_transition[] = { "when", "publish", "do", FOR_PEOPLE, NULL };
static const char *const of_decision[] = { "when", "next", "default", FOR_PEOPLE, NULL };

static void
look(Check *c, const Json *of, Str at, const char *what, const char *const *known)
{
	for (size_t i = 0; json_is(of, JSON_OBJECT) && i < of->n; i++) {
		Str key = of->members[i].key;
		Near near = near_open(key);
		size_t k = 0;

		for (; known[k] != NULL && !str_is(key, known[k]); k++)
			near_offer(&near, str_of(known[k]));
		if (known[k] == NULL && !str_starts(key, str_of("__")))
			wf_doubt(c, str_fmt(c->a, "%.*s/%.*s", STR_ARG(at), STR_ARG(key)),
			    "%s has no key '%.*s', so it is passed over%.*s", what, STR_ARG(key),
			    STR_ARG(near_hint(c->a, &near)));
	}
}

static void
look_each(Check *c, const Json *task, Str at, const char *key, const char *what, const char *const *known)
{
	const Json *list = json_get(task, key);

	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++)
		look(c, &list->items[i], str_fmt(c->a, "%.*s/%s/%zu", STR_ARG(at), key, i), what, known);
}

void
wf_check_keys(Check *c, const Json *definition)
{
	look(c, definition, str_of(""), "a workflow", of_definition);
}

void
wf_check_task_keys(Check *c, const Json *task, Str at)
{
	look(c, task, at, "a task", of_task);
	look_each(c, task, at, "next", "a transition", of_transition);
	look_each(c, task, at, "decision", "a decision", of_decision);
}
