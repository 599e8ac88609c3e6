#include "workflow/uses.h"

#include "base/map.h"
#include "workflow/validate.h"

static void
add(Arena *a, Vec *all, const Json *task, Str at)
{
	const Json *input = json_get(task, "input");
	WorkflowUse *use = arena_new(a, WorkflowUse);

	*use = (WorkflowUse){ .at = at,
		.task = json_get_text(task, "name"),
		.action = json_get_text(task, "action"),
		.input = json_is(input, JSON_OBJECT) ? input : NULL };
	vec_push(all, use);
}

static void
collect(Arena *a, Vec *all, const Json *tasks, Str at, unsigned depth)
{
	for (size_t i = 0; depth < WORKFLOW_DEPTH_MOST && json_is(tasks, JSON_ARRAY) && i < tasks->n; i++) {
		const Json *task = &tasks->items[i];
		Str here = str_fmt(a, "%.*s/%zu", STR_ARG(at), i);

		if (str_is(json_get_text(task, "type"), "parallel"))
			collect(a, all, json_get(task, "tasks"), str_fmt(a, "%.*s/tasks", STR_ARG(here)), depth + 1);
		else if (json_get_text(task, "action").n > 0)
			add(a, all, task, here);
	}
}

WorkflowUse *
workflow_uses(Arena *a, const Json *definition, size_t *ret_n)
{
	Vec all = vec_open(a);
	WorkflowUse *list;

	collect(a, &all, json_get(definition, "tasks"), str_of("/tasks"), 0);
	list = arena_array(a, WorkflowUse, all.n + 1);
	for (size_t i = 0; i < all.n; i++)
		list[i] = *(WorkflowUse *)all.items[i];
	*ret_n = all.n;
	return list;
}
