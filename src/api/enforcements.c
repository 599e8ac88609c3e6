#include "api/page.h"

#include "api/access.h"
#include "api/handlers.h"
#include "api/reveal.h"
#include "api/work.h"
#include "store/event_read.h"
#include "store/execution_read.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 100 };

bool
enforcements_list(App *app, Req *q, Res *s, Err *err)
{
	EnforcementFilter f = { .status = req_query(q, "status"),
		.trigger_ref = req_query(q, "trigger_ref"),
		.rule_ref = req_query(q, "rule_ref") };
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Scope scope = app_scope(app, req_arena(q), "enforcements:read");
	Slice slice;
	SliceOut out;

	f.scope = &scope;
	if (!query_id(q, "rule", &f.rule, err) || !query_id(q, "event", &f.event, err) ||
	    !page_slice(req_arena(q), &page, &slice, err) ||
	    !enforcement_list(app_db(app), req_arena(q), &f, &slice, &out, err))
		return false;
	return answer_slice(q, s, &page, &out);
}

static bool
enforcement_seen(App *app, Arena *a, Id id, Json *ret, Err *err)
{
	Target t;

	if (!enforcement_show(app_db(app), a, id, ret, err))
		return false;
	t = target_of_json(ret, "rule_ref");
	return see(app, "enforcements:read", &t, err);
}

bool
enforcement_get(App *app, Req *q, Res *s, Err *err)
{
	Json e;
	Id id;

	if (!req_id(q, "id", &id, err) || !enforcement_seen(app, req_arena(q), id, &e, err) ||
	    !reveal_config(app, q, SECRET_OF_ENFORCEMENT, id, "enforcements:decrypt", &e, err))
		return false;
	return res_data(s, 200, e, NULL);
}

/* Also under /executions/enforcement/{id}, where clients look for it. */
bool
enforcement_executions(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Arena *a = req_arena(q);
	Scope scope = app_scope(app, a, "executions:read");
	ExecFilter f = { .scope = &scope };
	Slice slice;
	SliceOut out;
	Json e;

	page.totals = true;
	if (!req_id(q, "enforcement_id", &f.enforcement, err) || !page_slice(a, &page, &slice, err) ||
	    !enforcement_show(app_db(app), a, f.enforcement, &e, err) ||
	    !execution_list(app_db(app), a, &f, &slice, &out, err))
		return false;
	return answer_slice(q, s, &page, &out);
}
