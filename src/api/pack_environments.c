/* The environments of a pack: how they are, and the wish for new ones. */
#include "api/access.h"

#include "api/handlers.h"
#include "api/resource.h"
#include "store/environment.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 100 };

bool
pack_environments(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Arena *a = req_arena(q);
	Json list, rows = json_array();
	ListEnd end = { 0 };
	PackDef p;

	if (!page_counted(a, &page, err) || !resource_of_path(app, q, &packs, "ref", &p, err) ||
	    !environment_list(app_db(app), a, p.ref, &list, err))
		return false;
	for (uint32_t i = 0; i < list.n; i++, end.total++)
		if (end.total >= page.offset && rows.n < page.size)
			json_push(a, &rows, list.items[i]);
	end.more = page.offset + rows.n < end.total;
	return answer_list(q, s, &page, rows, &end);
}

typedef struct RebuildWork {
	Arena *a;
	Str key;
	PackDef d;
} RebuildWork;

/* The rows carry the wish; the message only wakes the workers. */
static bool
rebuild_work(App *app, void *self, Err *err)
{
	RebuildWork *w = self;
	Uow *u = app->uow;
	Json o = json_object();

	if (!resource_held(app, w->a, &packs, w->key, "install", &w->d, err) ||
	    !environment_request(app_db(app), w->a, w->d.ref, u->now, err))
		return false;
	json_add(u->out.a, &o, "pack_id", json_int(w->d.id));
	json_add(u->out.a, &o, "pack_ref", json_str(str_copy(u->out.a, w->d.ref)));
	*outbox_add(&u->out, MSG_PACK_ENVIRONMENT) = (MsgItem){ .id = w->d.id,
		.ref = str_copy(u->out.a, w->d.ref),
		.at = u->now,
		.correlation = uuid_new(u->now),
		.json = o };
	return true;
}

bool
pack_environments_rebuild(App *app, Req *q, Res *s, Err *err)
{
	RebuildWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	return app_work(app, &points_create, rebuild_work, &w, err) &&
	       answer_success(q, s, str_fmt(w.a, "The environments of pack '%.*s' are built anew", STR_ARG(w.d.ref)));
}
