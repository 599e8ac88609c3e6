/* Workflows drawn. */
#include "api/workflow_work.h"

#include "api/handlers.h"
#include "workflow/draw.h"

typedef struct Format {
	const char *name, *type;
	Str (*draw)(Arena *a, const WfGraph *g, Str ref);
} Format;

static const Format formats[] = {
	{ "text", "text/plain; charset=utf-8", wf_draw_text },
	{ "dot", "text/vnd.graphviz; charset=utf-8", wf_draw_dot },
	{ "svg", "image/svg+xml; charset=utf-8", wf_draw_svg },
};

/* *ret NULL: JSON. */
static bool
format_read(Req *q, const Format **ret, Err *err)
{
	Str name = req_query(q, "format");

	*ret = NULL;
	if (str_none(name) || str_is(name, "json"))
		return true;
	for (size_t i = 0; i < countof(formats); i++)
		if (str_is(name, formats[i].name))
			*ret = &formats[i];
	return *ret != NULL ||
	       err_set(err, ERR_INVALID, "format must be json, text, dot or svg, not '%.*s'", STR_ARG(name));
}

bool
workflow_graph_of(Arena *a, const WorkflowDef *d, WfGraph **ret, Err *err)
{
	Str at = { 0 };

	return wf_compile(a, &d->definition, ret, &at, err) ||
	       err_wrap(err, "Workflow '%.*s' cannot run as it is, at definition%.*s", STR_ARG(d->ref), STR_ARG(at));
}

bool
workflow_draw(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	const Format *format;
	WorkflowDef d;
	WfGraph *g;

	if (!format_read(q, &format, err) || !resource_of_path(app, q, &workflows, "ref", &d, err) ||
	    !workflow_graph_of(a, &d, &g, err))
		return false;
	if (format == NULL)
		return res_data(s, 200, wf_draw_json(a, g, d.ref), NULL);
	return res_bytes(s, 200, format->type, format->draw(a, g, d.ref));
}
