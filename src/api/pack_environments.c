/* The environments of a pack: how they are, and the wish for new ones. */
#include "api/access.h"

#include "api/handlers.h"
#include "api/resource.h"
#include "store/environment.h"

static bool
answer(App *app, Req *q, Res *s, Str pack_ref, const char *message, Err *err)
{
	Json list;

	return environment_list(app_db(app), req_arena(q), pack_ref, &list, err) && res_data(s, 200, list, message);
}

bool
pack_environments(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	return resource_of_path(app, q, &packs, "ref", &p, err) && answer(app, q, s, p.ref, NULL, err);
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
	       answer(app, q, s, w.d.ref, "The workers build them anew", err);
}
