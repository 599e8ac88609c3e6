#include "api/access.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/work.h"
#include "base/names.h"
#include "engine/changes.h"
#include "engine/inquiries.h"
#include "model/params.h"
#include "store/execution_read.h"
#include "store/inquiry.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 100, PROMPT_MOST = 10000 };

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

	if (!req_id(q, "id", &w.id, err) || !settle(app, w.a, err) || !inquiry_reach(app, &w, err))
		return false;
	return res_data(s, 200, inquiry_json(w.a, &w.i), NULL);
}

/* ---- making and changing ---- */

static const BodyField create_fields[] = {
	{ "execution", FIELD_NUMBER | FIELD_NEEDED | FIELD_POSITIVE, 0 },
	{ "prompt", FIELD_TEXT | FIELD_NEEDED, PROMPT_MOST },
	{ "response_schema", FIELD_MAP, 0 },
	{ "assigned_to", FIELD_NUMBER | FIELD_POSITIVE, 0 },
	{ "timeout_at", FIELD_TEXT, 64 },
};

static bool
create_work(App *app, void *self, Err *err)
{
	InquiryWork *w = self;
	Target t = { 0 };

	if (!need(app, "inquiries:create", &t, err) || !inquiry_insert(app_db(app), w->a, &w->i, app->uow->now, err))
		return false;
	change_add(app->uow, CHANGE_INQUIRY_CREATED, w->i.id, "pending", NULL);
	return inquiry_get(app_db(app), w->a, w->i.id, &w->i, err);
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
	body_int(&body, "assigned_to", &w.i.assigned_to);
	body_text(&body, "prompt", &w.i.prompt);
	body_json(&body, "response_schema", &w.i.response_schema);
	if (!str_none(timeout) && !time_parse(timeout, &w.i.timeout_at))
		return err_set(err, ERR_VALIDATION, "Validation failed: timeout_at: '%.*s' is no time like %s",
		    STR_ARG(timeout), "2026-01-31T12:00:00Z");
	if (!params_schema_check(w.a, &w.i.response_schema, err))
		return err_wrap(err, "Validation failed: response_schema");
	if (!app_work(app, &points_create, create_work, &w, err))
		return false;
	return res_data(s, 201, inquiry_json(w.a, &w.i), "Inquiry created successfully");
}

static const BodyField update_fields[] = {
	{ "status", FIELD_TEXT, 16 },
	{ "response", FIELD_MAP, 0 },
	{ "assigned_to", FIELD_NUMBER | FIELD_POSITIVE, 0 },
};

static bool
update_work(App *app, void *self, Err *err)
{
	InquiryWork *w = self;
	Str before;

	if (!inquiry_reach(app, w, err))
		return false;
	before = w->i.status;
	body_int(w->body, "assigned_to", &w->i.assigned_to);
	body_json(w->body, "response", &w->i.response);
	body_text(w->body, "status", &w->i.status);
	if (name_index(statuses, countof(statuses), w->i.status) < 0)
		return err_set(
		    err, ERR_VALIDATION, "Validation failed: status: must be pending, responded, timeout or cancelled");
	if (!inquiry_update(app_db(app), w->a, &w->i, app->uow->now, err))
		return false;
	if (!str_eq(before, w->i.status) && str_is(w->i.status, "timeout"))
		change_add(app->uow, CHANGE_INQUIRY_TIMEOUT, w->id, "timeout", NULL);
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

	return inquiry_reach(app, w, err) && inquiry_delete(app_db(app), w->a, w->id, err);
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

/* A run cannot give itself what it asked people for, nor can what it started. */
static bool
may_answer(App *app, const InquiryWork *w, Err *err)
{
	const Caller *c = app_caller(app);
	bool own = false;

	if (c->kind == CALLER_EXECUTION) {
		if (!execution_descends(app_db(app), w->a, c->execution, w->i.execution, &own, err))
			return false;
		if (own)
			return err_set(err, ERR_FORBIDDEN,
			    "An execution cannot answer an inquiry of its own or of the run that started it");
	}
	return w->i.assigned_to == 0 || w->i.assigned_to == c->identity ||
	       err_set(err, ERR_FORBIDDEN, "Inquiry %lld is assigned to somebody else", (long long)w->id);
}

/* For whoever waits with its execution. */
static void
out_responded(Uow *u, const Inquiry *i, Id by)
{
	Arena *a = u->out.a;
	Json o = json_object();

	json_add(a, &o, "inquiry_id", json_int(i->id));
	json_add(a, &o, "execution_id", json_int(i->execution));
	json_add(a, &o, "response", json_clone(a, &i->response));
	json_add(a, &o, "responded_by", by == 0 ? json_null() : json_int(by));
	json_add(a, &o, "responded_at", json_str(time_text(a, u->now)));
	*outbox_add(&u->out, MSG_INQUIRY_RESPONDED) =
	    (MsgItem){ .id = i->id, .parent = i->execution, .at = u->now, .correlation = uuid_new(u->now), .json = o };
	change_add(u, CHANGE_INQUIRY_RESPONDED, i->id, "responded", "pending");
}

static bool
respond_work(App *app, void *self, Err *err)
{
	InquiryWork *w = self;
	bool done = false;
	Json response;

	if (!inquiry_reach(app, w, err) || !may_answer(app, w, err))
		return false;
	if (!str_is(w->i.status, "pending"))
		return err_set(err, ERR_INVALID, "Inquiry %lld cannot be answered: its status is %.*s",
		    (long long)w->id, STR_ARG(w->i.status));
	response = *json_get(w->body, "response");
	if (!params_prepare(w->a, "inquiry", str_fmt(w->a, "%lld", (long long)w->id), &w->i.response_schema, &response,
		false, err) ||
	    !inquiry_respond(app_db(app), w->a, w->id, &response, app->uow->now, &done, err))
		return false;
	if (!done)
		return err_set(err, ERR_INVALID, "Inquiry %lld cannot be answered: its time is over", (long long)w->id);
	if (!inquiry_get(app_db(app), w->a, w->id, &w->i, err))
		return false;
	out_responded(app->uow, &w->i, app_caller(app)->identity);
	return inquiry_answered(app->uow, &w->i, err);
}

static const BodyField respond_fields[] = { { "response", FIELD_MAP | FIELD_NEEDED, 0 } };

bool
inquiry_answer(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	InquiryWork w = { .a = req_arena(q), .body = &body, .right = "inquiries:respond" };

	if (!req_id(q, "id", &w.id, err) || !body_read(q, respond_fields, countof(respond_fields), &body, err))
		return false;
	if (json_has_nul(&body))
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: response: holds the character U+0000, which cannot be stored");
	if (!settle(app, w.a, err) || !app_work(app, &points_create, respond_work, &w, err))
		return false;
	return res_data(s, 200, inquiry_json(w.a, &w.i), "Response submitted successfully");
}
