/* The tests of a pack that is there, because somebody asks. */
#include "api/pack_trial.h"

#include "api/access.h"
#include "api/handlers.h"
#include "store/pack_test.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 100 };

static bool
test_begin(App *app, Req *q, Res *s, Err *err)
{
	PackTrial *t;
	PackTry *try;
	PackDef d;

	if (!resource_held(app, req_arena(q), &packs, req_param(q, "ref"), "install", &d, err) ||
	    !trial_open(app, 1, &t, err))
		return false;
	try = &t->tries[0];
	*try = (PackTry){ .path = pack_folder(app, t->a, d.ref),
		.packs_dir = t->tests->envs.packs_base_dir,
		.in_place = true,
		.wanted = true };
	try->read = pack_folder_load(app, t->a, try->path, &try->files, err);
	if (try->read && !trial_wants(t))
		err_set(err, ERR_INVALID,
		    "Pack '%.*s' has no tests: its pack.yaml has no section 'testing', or one that is not enabled",
		    STR_ARG(d.ref));
	if (trial_wants(t))
		return trial_test(app, q, s, t, err);
	trial_close(t);
	return false;
}

typedef struct TestWork {
	Str key;
	const PackTry *try;
} TestWork;

static bool
store_work(App *app, void *self, Err *err)
{
	TestWork *w = self;
	PackTestRow row = { .version = w->try->files.def.version,
		.reason = PACK_TEST_MANUAL,
		.began = w->try->began,
		.took_ms = json_as_int(json_get(&w->try->result, "durationMs"), 0),
		.counts = w->try->counts,
		.result = &w->try->result };
	PackDef d;

	if (!resource_held(app, app->uow->arena, &packs, w->key, "install", &d, err))
		return false;
	row.pack = d.id;
	return pack_test_add(app_db(app), app->uow->arena, &row, app->uow->now, err);
}

bool
pack_test(App *app, Req *q, Res *s, Err *err)
{
	TestWork w = { .key = req_param(q, "ref") };
	PackTrial *t;
	bool asleep, ok;

	if (!trial_back(app, q, s, &t, &asleep, err))
		return false;
	if (asleep)
		return true;
	if (t == NULL)
		return test_begin(app, q, s, err);
	w.try = &t->tries[0];
	ok = app_work(app, &points_create, store_work, &w, err) &&
	     res_data(s, 200, json_clone(req_arena(q), &w.try->result), NULL);
	trial_close(t);
	return ok;
}

bool
pack_tests(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Arena *a = req_arena(q);
	SliceOut out;
	Slice slice;
	PackDef p;

	return resource_of_path(app, q, &packs, "ref", &p, err) && page_slice(a, &page, &slice, err) &&
	       pack_test_list(app_db(app), a, p.id, &slice, &out, err) && answer_slice(q, s, &page, &out);
}

bool
pack_tests_latest(App *app, Req *q, Res *s, Err *err)
{
	Slice slice = { .size = 1 };
	SliceOut out;
	PackDef p;

	if (!resource_of_path(app, q, &packs, "ref", &p, err) ||
	    !pack_test_list(app_db(app), req_arena(q), p.id, &slice, &out, err))
		return false;
	if (out.rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Pack '%.*s' has no test results", STR_ARG(p.ref));
	return res_data(s, 200, out.rows.items[0], NULL);
}
