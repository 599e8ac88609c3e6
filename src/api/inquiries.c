#include "api/access.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/inquiry.h"
#include "api/page.h"
#include "api/work.h"
#include "base/names.h"
#include "engine/changes.h"
#include "model/params.h"
#include "store/execution_read.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 100 };

static const char *const statuses[] = { "pending", "responded", "timeout", "cancelled" };

/* ---- those whose time is over ---- */

static bool
time_out_work(App *app, void *self, Err *err)
{
	TimeUs next;

	(void)self;
	return inquiries_due(app->uow, &next, err);
}

/* Nobody is shown an inquiry that can no longer be answered as one that can. */
static bool
settle(App *app, Arena *a, Err *err)
{
	bool due = false;

	if (!inquiry_any_due(app_db(app), a, app_now(app), &due, err))
		return false;
	return !due || app_work(app, &points_create, time_out_work, NULL, err);
}

/* ---- reading ---- */

/* ERR_INVALID unless it is one; clients write canceled with one l, too. */
static bool
status_read(Arena *a, Str text, Str *ret, Err *err)
{
	Str low = str_lower(a, text);

	*ret = str_is(low, "canceled") ? str_of("cancelled") : low;
	return name_index(statuses, countof(statuses), *ret) >= 0 ||
	       err_set(err, ERR_INVALID, "'%.*s' is no status of inquiries: pending, responded, timeout, cancelled",
		   STR_ARG(text));
}

static bool
list_answer(App *app, Req *q, Res *s, const InquiryFilter *f, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Scope scope = app_scope(app, req_arena(q), "inquiries:read");
	InquiryFilter by = *f;
	Slice slice;
	SliceOut out;

	by.scope = &scope;
	page.totals = true;
	if (!page_slice(req_arena(q), &page, &slice, err) || !settle(app, req_arena(q), err) ||
	    !inquiry_list(app_db(app), req_arena(q), &by, &slice, &out, err))
		return false;
	return answer_slice(q, s, &page, &out);
}

bool
inquiries_list(App *app, Req *q, Res *s, Err *err)
{
	InquiryFilter f = { 0 };
	Str status = req_query(q, "status");

	if ((status.n > 0 && !status_read(req_arena(q), status, &f.status, err)) ||
	    !query_id(q, "execution", &f.execution, err) || !query_id(q, "assigned_to", &f.assigned_to, err))
		return false;
	return list_answer(app, q, s, &f, err);
}

bool
inquiries_by_status(App *app, Req *q, Res *s, Err *err)
{
	InquiryFilter f = { 0 };

	return status_read(req_arena(q), req_param(q, "status"), &f.status, err) && list_answer(app, q, s, &f, err);
}

bool
inquiries_of_execution(App *app, Req *q, Res *s, Err *err)
{
	InquiryFilter f = { 0 };
	ExecState state;

	return req_id(q, "execution_id", &f.execution, err) &&
	       execution_status(app_db(app), req_arena(q), f.execution, &state, err) && list_answer(app, q, s, &f, err);
}

typedef struct InquiryWork {
	Arena *a;
	const Json *body;
	const char *right;
	Id id;
	Inquiry i;
	Question question;
} InquiryWork;

static bool
inquiry_reach(App *app, InquiryWork *w, Err *err)
{
	Target t = { .id = w->id };

	return inquiry_get(app_db(app), w->a, w->id, &w->i, err) && reach(app, w->right, &t, err);
}

bool
inquiry_show(App *app, Req *q, Res *s, Err *err)
{
	InquiryWork w = { .a = req_arena(q), .right = "inquiries:read" };

	if (!req_id(q, "id", &w.id, err) || !settle(app, w.a, err) || !inquiry_reach(app, &w, err) ||
	    !inquiry_answers(app_db(app), w.a, w.id, &w.i.answers, err))
		return false;
	return res_data(s, 200, inquiry_json(w.a, &w.i), NULL);
}

/* ---- making and changing ---- */

static Str
by_whom(App *app)
{
	Str login = app_caller(app)->login;

	return str_none(login) ? str_of("hand") : login;
}

static const BodyField create_fields[] = {
	{ "execution", FIELD_NUMBER | FIELD_NEEDED | FIELD_POSITIVE, 0 },
	{ "prompt", FIELD_TEXT | FIELD_NEEDED, PROMPT_MOST },
	{ "response_schema", FIELD_MAP, 0 },
	{ "assigned_to", FIELD_ANY, 0 },
	{ "assigned_role", FIELD_TEXT, 255 },
	{ "required_responses", FIELD_NUMBER | FIELD_POSITIVE, 0 },
	{ "default", FIELD_MAP, 0 },
	{ "remind_every", FIELD_ANY, 0 },
	{ "escalate", FIELD_ANY, 0 },
	{ "timeout_at", FIELD_TEXT, 64 },
};

static bool
create_work(App *app, void *self, Err *err)
{
	InquiryWork *w = self;
	Target t = { 0 };

	return need(app, "inquiries:create", &t, err) &&
	       inquiry_ask(app->uow, w->i.execution, &w->question, w->i.timeout_at, &w->i, err);
}

bool
inquiry_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	InquiryWork w = { .a = req_arena(q), .body = &body };
	Str timeout;

	if (!body_read(q, create_fields, countof(create_fields), &body, err))
		return false;
	timeout = json_get_text(&body, "timeout_at");
	body_int(&body, "execution", &w.i.execution);
	if (!str_none(timeout) && !time_parse(timeout, &w.i.timeout_at))
		return err_set(err, ERR_VALIDATION, "Validation failed: timeout_at: '%.*s' is no time like %s",
		    STR_ARG(timeout), "2026-01-31T12:00:00Z");
	if (!question_read(w.a, &body, &w.question, err))
		return err_wrap(err, "Validation failed");
	if (!app_work(app, &points_create, create_work, &w, err))
		return false;
	return res_data(s, 201, inquiry_json(w.a, &w.i), "Inquiry created successfully");
}

static const BodyField update_fields[] = {
	{ "status", FIELD_TEXT, 16 },
	{ "response", FIELD_MAP, 0 },
	{ "assigned_to", FIELD_NUMBER | FIELD_POSITIVE, 0 },
	{ "assigned_role", FIELD_TEXT, 255 },
};

static bool
update_work(App *app, void *self, Err *err)
{
	InquiryWork *w = self;
	Inquiry before;

	if (!inquiry_reach(app, w, err))
		return false;
	before = w->i;
	if ((json_get(w->body, "status") != NULL || json_get(w->body, "response") != NULL) &&
	    !inquiry_foreign(app, w->a, &w->i, err))
		return false;
	if (json_get(w->body, "assigned_to") != NULL || json_get(w->body, "assigned_role") != NULL) {
		w->i.assigned_to = 0;
		w->i.assigned_role = (Str){ 0 };
	}
	body_int(w->body, "assigned_to", &w->i.assigned_to);
	body_text(w->body, "assigned_role", &w->i.assigned_role);
	body_json(w->body, "response", &w->i.response);
	body_text(w->body, "status", &w->i.status);
	if (name_index(statuses, countof(statuses), w->i.status) < 0)
		return err_set(
		    err, ERR_VALIDATION, "Validation failed: status: must be pending, responded, timeout or cancelled");
	if (!inquiry_update(app_db(app), w->a, &before, &w->i, app->uow->now, err))
		return false;
	if (!str_eq(before.status, w->i.status) && str_is(w->i.status, "timeout"))
		change_add(app->uow, CHANGE_INQUIRY_TIMEOUT, w->id, "timeout", NULL);
	if (str_is(before.status, "pending") &&
	    !inquiry_settled(app->uow, &w->i, by_whom(app), app_caller(app)->identity, err))
		return false;
	return inquiry_get(app_db(app), w->a, w->id, &w->i, err);
}

bool
inquiry_change(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	InquiryWork w = { .a = req_arena(q), .body = &body, .right = "inquiries:update" };

	if (!req_id(q, "id", &w.id, err) || !body_read(q, update_fields, countof(update_fields), &body, err) ||
	    !app_work(app, &points_create, update_work, &w, err))
		return false;
	return res_data(s, 200, inquiry_json(w.a, &w.i), "Inquiry updated successfully");
}

static bool
remove_work(App *app, void *self, Err *err)
{
	InquiryWork *w = self;

	if (!inquiry_reach(app, w, err))
		return false;
	if (str_is(w->i.status, "pending")) {
		w->i.status = str_of("cancelled");
		if (!inquiry_settled(app->uow, &w->i, by_whom(app), app_caller(app)->identity, err))
			return false;
	}
	return inquiry_delete(app_db(app), w->a, w->id, err);
}

bool
inquiry_remove(App *app, Req *q, Res *s, Err *err)
{
	InquiryWork w = { .a = req_arena(q), .right = "inquiries:delete" };

	if (!req_id(q, "id", &w.id, err) || !app_work(app, &points_create, remove_work, &w, err))
		return false;
	return answer_success(q, s, str_fmt(w.a, "Inquiry %lld deleted successfully", (long long)w.id));
}

/* ---- answering ---- */

/* A run cannot give itself what it asked people for, nor can what it started, or what started it. */
bool
inquiry_foreign(App *app, Arena *a, const Inquiry *i, Err *err)
{
	const Caller *c = app_caller(app);
	bool own = false;

	if (c->kind != CALLER_EXECUTION)
		return true;
	return execution_same_tree(app_db(app), a, c->execution, i->execution, &own, err) &&
	       (!own || err_set(err, ERR_FORBIDDEN,
			    "An execution cannot answer an inquiry of its own or of the run that started it"));
}

bool
inquiry_asks(App *app, Arena *a, const Inquiry *i, Id identity, Err *err)
{
	bool has = i->assigned_to == 0 && str_none(i->assigned_role);

	has = has || (i->assigned_to != 0 && i->assigned_to == identity);
	if (!has && !str_none(i->assigned_role) && identity != 0 &&
	    !identity_has_role(app_db(app), a, identity, i->assigned_role, &has, err))
		return false;
	if (has)
		return true;
	if (i->assigned_to == 0)
		return err_set(err, ERR_FORBIDDEN, "Inquiry %lld is for people with the role '%.*s'", (long long)i->id,
		    STR_ARG(i->assigned_role));
	return err_set(err, ERR_FORBIDDEN, "Inquiry %lld is assigned to somebody else", (long long)i->id);
}

bool
inquiry_take_body(App *app, Arena *a, Inquiry *i, const Json *body, Id identity, Id link, Err *err)
{
	Json response = *json_get(body, "response");
	InquiryAnswer x = { .inquiry = i->id, .identity = identity, .link = link, .response = &response };

	if (!str_is(i->status, "pending"))
		return err_set(err, ERR_INVALID, "Inquiry %lld cannot be answered: its status is %.*s",
		    (long long)i->id, STR_ARG(i->status));
	return params_prepare(
		   a, "inquiry", str_fmt(a, "%lld", (long long)i->id), &i->response_schema, &response, false, err) &&
	       inquiry_take(app->uow, i, &x, err);
}

static bool
respond_work(App *app, void *self, Err *err)
{
	InquiryWork *w = self;
	Id identity = app_caller(app)->identity;

	return inquiry_reach(app, w, err) && inquiry_foreign(app, w->a, &w->i, err) &&
	       inquiry_asks(app, w->a, &w->i, identity, err) &&
	       inquiry_take_body(app, w->a, &w->i, w->body, identity, 0, err);
}

bool
inquiry_response_body(Req *q, Json *ret, Err *err)
{
	static const BodyField fields[] = { { "response", FIELD_MAP | FIELD_NEEDED, 0 } };

	if (!body_read(q, fields, countof(fields), ret, err))
		return false;
	return !json_has_nul(ret) ||
	       err_set(err, ERR_VALIDATION,
		   "Validation failed: response: holds the character U+0000, which cannot be stored");
}

bool
inquiry_answer(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	InquiryWork w = { .a = req_arena(q), .body = &body, .right = "inquiries:respond" };

	if (!req_id(q, "id", &w.id, err) || !inquiry_response_body(q, &body, err))
		return false;
	if (!settle(app, w.a, err) || !app_work(app, &points_create, respond_work, &w, err))
		return false;
	return res_data(s, 200, inquiry_json(w.a, &w.i), "Response submitted successfully");
}
