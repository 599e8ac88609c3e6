#include "api/workflow_work.h"

#include "api/action_work.h"
#include "api/handlers.h"
#include "api/view.h"
#include "api/workflow_secrets.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/workflow.h"

const Resource workflows = { &workflow_table, workflow_whole, workflow_summary, "actions",
	offsetof(WorkflowDef, pack_ref) };

/* ---- lists ---- */

/* One of the tags that are asked for. */
static bool
has_tag(const void *def, void *self)
{
	const WorkflowDef *d = def;
	Str rest = *(const Str *)self, tag;

	while (str_cut(&rest, ',', &tag))
		for (size_t i = 0; json_is(&d->tags, JSON_ARRAY) && i < d->tags.n; i++)
			if (str_eq(json_as_str(&d->tags.items[i]), str_trim(tag)))
				return true;
	return false;
}

bool
workflows_list(App *app, Req *q, Res *s, Err *err)
{
	DefFilter f = { .pack_ref = req_query(q, "pack_ref"), .search = req_query(q, "search") };
	Str tags = req_query(q, "tags");

	return resource_list(app, q, s, &workflows, f, tags.n > 0 ? has_tag : NULL, &tags, err);
}

bool
workflows_of_pack(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	if (!resource_of_path(app, q, &packs, "pack_ref", &p, err))
		return false;
	return resource_list(app, q, s, &workflows, (DefFilter){ .pack_ref = p.ref }, NULL, NULL, err);
}

bool
workflow_show(App *app, Req *q, Res *s, Err *err)
{
	WorkflowDef d;

	return resource_of_path(app, q, &workflows, "ref", &d, err) && workflow_secrets_show(app, q, &d, err) &&
	       res_data(s, 200, workflow_whole(req_arena(q), &d), NULL);
}

/* ---- changes ---- */

#define SETTINGS_FIELD \
	{ \
		"settings", FIELD_MAP, 0 \
	}

static const BodyField create_fields[] = {
	{ "ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "pack_ref", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "label", FIELD_TEXT | FIELD_NEEDED, 255 },
	{ "version", FIELD_TEXT | FIELD_NEEDED, 50 },
	{ "definition", FIELD_MAP | FIELD_NEEDED, 0 },
	WORKFLOW_FIELDS,
	KNOWN_FIELD,
	SETTINGS_FIELD,
};

static const BodyField update_fields[] = {
	{ "label", FIELD_TEXT, 255 },
	{ "version", FIELD_TEXT, 50 },
	{ "definition", FIELD_MAP, 0 },
	WORKFLOW_FIELDS,
	KNOWN_FIELD,
	SETTINGS_FIELD,
};

/* What its action keeps, in the same transaction: nobody sees the workflow without it. */
static bool
settings_keep(App *app, WorkflowWork *w, Err *err)
{
	const Json *asked = json_get(w->body, "settings");
	ActionWork change = { .a = w->a, .body = asked, .key = w->d.ref };

	return json_is_null(asked) || action_update_work(app, &change, err);
}

static bool
workflow_read(Req *q, const BodyField *fields, size_t n, Json *ret, Err *err)
{
	return body_read(q, fields, n, ret, err) && action_settings_check(q, json_get(ret, "settings"), err);
}

bool
workflow_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	WorkflowWork w = { .a = req_arena(q), .body = &body, .last = settings_keep };

	if (!workflow_read(q, create_fields, countof(create_fields), &body, err))
		return false;
	w.d = (WorkflowDef){ .ref = json_get_text(&body, "ref"),
		.pack_ref = json_get_text(&body, "pack_ref"),
		.tags = json_array(),
		.is_adhoc = true };
	workflow_fill(&body, &w.d);
	if (!app_define(app, workflow_create_work, &w, err))
		return false;
	return workflow_answer(app, s, 201, &w, "Workflow created successfully", err);
}

bool
workflow_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	WorkflowWork w = { .a = req_arena(q), .body = &body, .key = req_param(q, "ref"), .last = settings_keep };

	if (!workflow_read(q, update_fields, countof(update_fields), &body, err) ||
	    !app_define(app, workflow_update_work, &w, err))
		return false;
	return workflow_answer(app, s, 200, &w, "Workflow updated successfully", err);
}

bool
workflow_remove(App *app, Req *q, Res *s, Err *err)
{
	WorkflowWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	if (!app_define(app, workflow_remove_work, &w, err))
		return false;
	return answer_gone(
	    q, s, str_fmt(w.a, "Workflow '%.*s' deleted successfully", STR_ARG(w.d.ref)), !str_none(w.d.file));
}
