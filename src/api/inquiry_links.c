/* Links by which somebody answers an inquiry once, without logging in. */
#include "api/inquiry.h"

#include "access/access.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/work.h"
#include "base/crypto.h"
#include "store/identity.h"

static const TimeUs life_default = 24 * 3600LL * US_PER_S;
static const TimeUs life_most = 366 * 24 * 3600LL * US_PER_S;

typedef struct LinkWork {
	Arena *a;
	const Json *body;
	Id id;
	Inquiry i;
	InquiryLink link;
	TimeUs life;
} LinkWork;

static Str
link_path(Arena *a, Str token)
{
	return str_fmt(a, "/api/v1/inquiries/callback/%.*s", STR_ARG(token));
}

static Json
link_json(App *app, Arena *a, const InquiryLink *l)
{
	Str token = access_link(app->access, a, l->id, l->created);
	Json o = json_object();

	json_add(a, &o, "inquiry", json_int(l->inquiry));
	json_add(a, &o, "identity", l->identity == 0 ? json_null() : json_int(l->identity));
	json_add(a, &o, "token", json_str(token));
	json_add(a, &o, "url", json_str(link_path(a, token)));
	json_add(a, &o, "expires_at", json_str(time_text(a, l->expires)));
	return o;
}

/* ---- making one ---- */

static const BodyField link_fields[] = {
	{ "identity", FIELD_NUMBER | FIELD_POSITIVE, 0 },
	{ "expires_in", FIELD_NUMBER | FIELD_POSITIVE, 0 },
};

/* Whoever is asked, when it is one person. */
static bool
link_for(App *app, LinkWork *w, Err *err)
{
	IdentityDef who;

	body_int(w->body, "identity", &w->link.identity);
	if (w->link.identity == 0)
		w->link.identity = w->i.assigned_to;
	if (w->link.identity == 0)
		return str_none(w->i.assigned_role) ||
		       err_set(err, ERR_VALIDATION,
			   "Validation failed: identity: is missing; the inquiry is for people with the role '%.*s'",
			   STR_ARG(w->i.assigned_role));
	return identity_get(app_db(app), w->a, w->link.identity, &who, err) &&
	       inquiry_asks(app, w->a, &w->i, w->link.identity, err);
}

static bool
link_work(App *app, void *self, Err *err)
{
	LinkWork *w = self;
	Target t = { .id = w->id };
	TimeUs until = app->uow->now + w->life;

	if (!inquiry_get(app_db(app), w->a, w->id, &w->i, err) || !reach(app, "inquiries:update", &t, err) ||
	    !inquiry_foreign(app, w->a, &w->i, err))
		return false;
	if (!str_is(w->i.status, "pending"))
		return err_set(err, ERR_CONFLICT, "Inquiry %lld is %.*s: there is nothing to answer any more",
		    (long long)w->id, STR_ARG(w->i.status));
	w->link = (InquiryLink){ .inquiry = w->id, .made_by = app_caller(app)->identity };
	w->link.expires = w->i.timeout_at != 0 && w->i.timeout_at < until ? w->i.timeout_at : until;
	return link_for(app, w, err) && inquiry_link_insert(app_db(app), w->a, &w->link, app->uow->now, err);
}

bool
inquiry_link_create(App *app, Req *q, Res *s, Err *err)
{
	Json body = json_object(); /* all of it may be left out, and so may the body */
	LinkWork w = { .a = req_arena(q), .body = &body };
	int64_t seconds = life_default / US_PER_S;

	if (!req_id(q, "id", &w.id, err) ||
	    (req_body(q).n > 0 && !body_read(q, link_fields, countof(link_fields), &body, err)))
		return false;
	body_int(&body, "expires_in", &seconds);
	if (seconds > life_most / US_PER_S)
		return err_set(
		    err, ERR_VALIDATION, "Validation failed: expires_in: must be at most a year, in seconds");
	w.life = seconds * US_PER_S;
	if (!app_work(app, &points_create, link_work, &w, err))
		return false;
	return res_data(s, 201, link_json(app, w.a, &w.link), "Link created: it answers once");
}

/* ---- using it ---- */

/* A stranger is not told which there are. */
static bool
link_find(App *app, LinkWork *w, Str token, Err *err)
{
	Id id;

	if (!access_link_id(token, &id) || !inquiry_link_get(app_db(app), w->a, id, &w->link, err)) {
		if (err->code != ERR_NONE)
			return false;
		w->link.id = 0;
	}
	if (w->link.id == 0 || !same_secret(token, access_link(app->access, w->a, w->link.id, w->link.created)))
		return err_set(err, ERR_NOT_FOUND, "This link is not one of ours, or its inquiry is gone");
	if (w->link.used != 0)
		return err_set(err, ERR_CONFLICT, "This link was used already: it answers once");
	if (w->link.expires <= app_now(app))
		return err_set(err, ERR_INVALID, "This link can no longer be used: its time is over");
	return inquiry_get(app_db(app), w->a, w->link.inquiry, &w->i, err);
}

/* Only shows: what looks at links before people do must not answer. */
bool
inquiry_callback_show(App *app, Req *q, Res *s, Err *err)
{
	LinkWork w = { .a = req_arena(q) };
	Json o = json_object();

	if (!link_find(app, &w, req_param(q, "token"), err))
		return false;
	json_add(w.a, &o, "inquiry", json_int(w.i.id));
	json_add(w.a, &o, "prompt", json_str(w.i.prompt));
	json_add(w.a, &o, "response_schema", w.i.response_schema);
	json_add(w.a, &o, "status", json_str(w.i.status));
	json_add(w.a, &o, "expires_at", json_str(time_text(w.a, w.link.expires)));
	return res_data(s, 200, o, NULL);
}

/* Who may not log in may not answer either. */
static bool
link_bearer(App *app, const LinkWork *w, Err *err)
{
	IdentityDef who = { 0 };

	if (w->link.identity != 0 && !identity_get(app_db(app), w->a, w->link.identity, &who, err))
		return false;
	return !who.frozen ||
	       err_set(err, ERR_FORBIDDEN, "Whoever this link was made for is frozen, and cannot answer");
}

static bool
callback_work(App *app, void *self, Err *err)
{
	LinkWork *w = self;
	bool mine = false;

	if (!inquiry_get(app_db(app), w->a, w->link.inquiry, &w->i, err) || !link_bearer(app, w, err) ||
	    !inquiry_asks(app, w->a, &w->i, w->link.identity, err) ||
	    !inquiry_link_use(app_db(app), w->a, w->link.id, app->uow->now, &mine, err))
		return false;
	if (!mine)
		return err_set(err, ERR_CONFLICT, "This link was used already: it answers once");
	return inquiry_take_body(app, w->a, &w->i, w->body, w->link.identity, w->link.id, err);
}

bool
inquiry_callback(App *app, Req *q, Res *s, Err *err)
{
	Json body, o = json_object();
	LinkWork w = { .a = req_arena(q), .body = &body };

	if (!inquiry_response_body(q, &body, err) || !link_find(app, &w, req_param(q, "token"), err) ||
	    !app_work(app, &points_create, callback_work, &w, err))
		return false;
	json_add(w.a, &o, "inquiry", json_int(w.i.id));
	json_add(w.a, &o, "status", json_str(w.i.status));
	return res_data(s, 200, o, "Response submitted successfully");
}
