/* Registries of packs: which there are, and what is in them. */
#include "api/pack_sources.h"

#include "api/access.h"
#include "api/audit.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/pack_trial.h"
#include "api/view.h"
#include "engine/keys.h"
#include "packs/registry.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 1000, HEADERS_MOST = 32, NAME_MOST = 255 };

static const char starred[] = "********"; /* stands for a header's value, and keeps it when it comes back */

static bool
page_of(Req *q, Res *s, const Json *all, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Arena *a = req_arena(q);
	Json rows = json_array();
	ListEnd end = { .total = all->n };

	if (!page_counted(a, &page, err))
		return false;
	for (int64_t i = page.offset; i < all->n && rows.n < page.size; i++)
		json_push(a, &rows, all->items[i]);
	end.more = page.offset + rows.n < all->n;
	return answer_list(q, s, &page, rows, &end);
}

static Json
registry_json(Arena *a, const Registry *r)
{
	Json o = json_object(), headers = json_object();

	for (size_t i = 0; json_is(&r->headers, JSON_OBJECT) && i < r->headers.n; i++)
		json_set_str(a, &headers, r->headers.members[i].key, json_cstr(starred));
	json_add(a, &o, "id", json_int(r->id));
	json_add(a, &o, "name", json_str(r->name));
	json_add(a, &o, "url", json_str(r->url));
	json_add(a, &o, "position", json_int(r->position));
	json_add(a, &o, "enabled", json_bool(r->enabled));
	json_add(a, &o, "headers", headers);
	json_add(a, &o, "created", json_str(time_text(a, r->created)));
	json_add(a, &o, "updated", json_str(time_text(a, r->updated)));
	return o;
}

bool
pack_indices_list(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json all = json_array();
	bool configured;
	Registry *list;
	size_t n;

	if (!req_query_bool(q, "configured", false, &configured, err) || !registries_list(app, a, &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (list[i].id != 0 || configured)
			json_push(a, &all, registry_json(a, &list[i]));
	return page_of(q, s, &all, err);
}

/* ---- changing ---- */

typedef struct IndexWork {
	Arena *a;
	const Json *body;
	Id id;
	PackIndexRow row;
	Json headers;
	bool locked; /* the headers that are there cannot be opened */
} IndexWork;

static const BodyField create_fields[] = {
	{ "url", FIELD_TEXT | FIELD_NEEDED, 2000 },
	{ "name", FIELD_TEXT, 255 },
	{ "position", FIELD_NUMBER, 0 },
	{ "enabled", FIELD_BOOL, 0 },
	{ "headers", FIELD_MAP, 0 },
};

static const BodyField update_fields[] = {
	{ "url", FIELD_TEXT, 2000 },
	{ "name", FIELD_TEXT, 0 },
	{ "position", FIELD_NUMBER, 0 },
	{ "enabled", FIELD_BOOL, 0 },
	{ "headers", FIELD_MAP, 0 },
};

static bool
is_header(Str name, Str value)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ':')
			return false;
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
			return false;
	return name.n > 0 && !str_none(value);
}

/* What was said for one host is sent to no other because the URL was changed. */
static bool
headers_stay(const HeadersChange *c, const Json *kept, Err *err)
{
	if (c->locked)
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: headers: those that are there cannot be opened: give each of them anew");
	return kept->n == 0 || pack_url_same_place(c->url_before, c->url) ||
	       err_set(err, ERR_VALIDATION,
		   "Validation failed: headers: the new URL leads elsewhere: give each of them anew, or {} for none");
}

bool
registry_headers_change(Arena *a, const HeadersChange *c, Json *headers, Err *err)
{
	const Json *given = c->given;
	Json kept = *headers;

	if (!json_is(given, JSON_OBJECT))
		return str_eq(c->url_before, c->url) || headers_stay(c, &kept, err);
	if (given->n > HEADERS_MOST)
		return err_set(err, ERR_VALIDATION, "Validation failed: headers: must be %d at most", HEADERS_MOST);
	*headers = json_object();
	for (size_t i = 0; i < given->n; i++) {
		const JsonMember *m = &given->members[i];
		const Json *before = json_get_str(&kept, m->key);
		bool same = str_is(json_as_str(&m->value), starred);

		if (same && !headers_stay(c, &kept, err))
			return false;
		if (!is_header(m->key, json_as_str(&m->value)) || (same && before == NULL))
			return err_set(err, ERR_VALIDATION,
			    "Validation failed: headers: '%.*s' must be the name of a header, with a text of one line",
			    STR_ARG(m->key));
		json_set_str(a, headers, m->key, same ? *before : m->value);
	}
	return true;
}

static bool
index_fill(App *app, IndexWork *w, Err *err)
{
	HeadersChange c = { .given = json_get(w->body, "headers"), .url_before = w->row.url, .locked = w->locked };

	body_text(w->body, "url", &w->row.url);
	body_text(w->body, "name", &w->row.name);
	body_int(w->body, "position", &w->row.position);
	body_bool(w->body, "enabled", &w->row.enabled);
	if (w->row.name.n == 0)
		w->row.name = (Str){ 0 };
	if (w->row.name.n > NAME_MOST)
		return err_set(
		    err, ERR_VALIDATION, "Validation failed: name: must have %d characters at most", NAME_MOST);
	if (!json_is_null(json_get(w->body, "position")) && w->row.position < 0)
		return err_set(err, ERR_VALIDATION, "Validation failed: position: must not be negative");
	c.url = w->row.url;
	if (!registry_headers_change(w->a, &c, &w->headers, err) || !pack_url_check(app->config, w->row.url, true, err))
		return false;
	if (w->locked && !json_is(c.given, JSON_OBJECT))
		return true; /* they stay as they are */
	return index_headers_seal(app->engine->vault, w->a, &w->headers, &w->row, err);
}

static bool
create_work(App *app, void *self, Err *err)
{
	IndexWork *w = self;

	return need(app, "packs:configure", &(Target){ 0 }, err) && index_fill(app, w, err) &&
	       pack_index_add(app_db(app), w->a, &w->row, app->uow->now, err) && audit_change(app, err);
}

static bool
index_answer(Res *s, const IndexWork *w, int status, const char *message)
{
	Registry r = { .id = w->row.id,
		.name = w->row.name,
		.url = w->row.url,
		.position = w->row.position,
		.enabled = w->row.enabled,
		.headers = w->headers,
		.created = w->row.created,
		.updated = w->row.updated };

	return res_data(s, status, registry_json(w->a, &r), message);
}

bool
pack_index_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	IndexWork w = {
		.a = req_arena(q), .body = &body, .row = { .position = -1, .enabled = true }, .headers = json_object()
	};

	return body_read(q, create_fields, countof(create_fields), &body, err) &&
	       app_work(app, &points_create, create_work, &w, err) &&
	       index_answer(s, &w, 201, "Registry of packs added successfully");
}

static bool
update_work(App *app, void *self, Err *err)
{
	IndexWork *w = self;
	Err why = { 0 };

	if (!need(app, "packs:configure", &(Target){ 0 }, err) ||
	    !pack_index_get(app_db(app), w->a, w->id, &w->row, err))
		return false;
	w->locked = !index_headers_plain(app->engine->vault, w->a, &w->row, &w->headers, &why);
	if (w->locked)
		w->headers = json_object();
	return index_fill(app, w, err) && pack_index_set(app_db(app), w->a, &w->row, app->uow->now, err) &&
	       audit_change(app, err);
}

bool
pack_index_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	IndexWork w = { .a = req_arena(q), .body = &body };

	return req_id(q, "id", &w.id, err) && body_read(q, update_fields, countof(update_fields), &body, err) &&
	       app_work(app, &points_create, update_work, &w, err) &&
	       index_answer(s, &w, 200, "Registry of packs updated successfully");
}

static bool
remove_work(App *app, void *self, Err *err)
{
	IndexWork *w = self;

	return need(app, "packs:configure", &(Target){ 0 }, err) && pack_index_delete(app_db(app), w->a, w->id, err) &&
	       audit_change(app, err);
}

bool
pack_index_remove(App *app, Req *q, Res *s, Err *err)
{
	IndexWork w = { .a = req_arena(q) };

	return req_id(q, "id", &w.id, err) && app_work(app, &points_create, remove_work, &w, err) &&
	       answer_success(q, s, str_fmt(w.a, "Registry of packs %lld deleted successfully", (long long)w.id));
}

/* ---- what is in them ---- */

/* The owner of a trial without packs. */
typedef struct Browse {
	PackSources *sources;
	Registry *list;
	size_t n;
	bool all; /* also those that are not enabled */
	Json found;
} Browse;

static bool
browse_run(PackTrial *t, const atomic_bool *stopping, Err *err)
{
	Browse *b = t->owner;

	return registries_read(b->sources, t->a, b->list, b->n, b->all, &b->found, stopping, err);
}

static bool
browse_begin(App *app, Req *q, Res *s, Id only, bool all, Err *err)
{
	PackTrial *t;
	Browse *b;

	if (!trial_open(app, 0, &t, err))
		return false;
	b = arena_new(t->a, Browse);
	t->owner = b;
	b->sources = app->pack_sources;
	b->all = all && only == 0;
	if (!registries_list(app, t->a, &b->list, &b->n, err)) {
		trial_close(t);
		return false;
	}
	for (size_t i = 0; i < b->n && only != 0; i++)
		b->list[i].enabled = only == b->list[i].id && (all || b->list[i].enabled);
	t->work = browse_run;
	t->quick = true;
	t->limit = (TimeUs)b->n * pack_fetch_limit(app->config);
	return trial_wait(app, q, s, t, err);
}

bool
pack_index_packs(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json all = json_array();
	bool asleep, disabled, ok;
	Id only = 0;
	PackTrial *t;
	Browse *b;

	if (!trial_back(app, q, s, &t, &asleep, err))
		return false;
	if (asleep)
		return true;
	if (t == NULL)
		return query_id(q, "registry_id", &only, err) &&
		       req_query_bool(q, "include_disabled", false, &disabled, err) &&
		       browse_begin(app, q, s, only, disabled, err);
	b = t->owner;
	for (size_t i = 0; i < b->found.n; i++)
		if (registry_matches(a, json_get(&b->found.items[i], "pack"), req_query(q, "q")))
			json_push(a, &all, b->found.items[i]);
	ok = page_of(q, s, &all, err);
	trial_close(t);
	return ok;
}

bool
pack_index_pack(App *app, Req *q, Res *s, Err *err)
{
	bool asleep, ok = false;
	Str ref, version;
	PackTrial *t;
	Browse *b;

	if (!trial_back(app, q, s, &t, &asleep, err))
		return false;
	if (asleep)
		return true;
	if (t == NULL)
		return browse_begin(app, q, s, 0, false, err);
	b = t->owner;
	registry_wish(req_param(q, "ref"), &ref, &version);
	for (size_t i = 0; i < b->found.n && !ok; i++)
		if (registry_is(json_get(&b->found.items[i], "pack"), ref, version))
			ok = res_data(s, 200, b->found.items[i], NULL);
	trial_close(t);
	return ok || err_set(err, ERR_NOT_FOUND, "No registry of packs has '%.*s'", STR_ARG(req_param(q, "ref")));
}
