#include "api/pack_trial.h"

#include "api/access.h"
#include "api/errands.h"
#include "base/codec.h"
#include "base/log.h"
#include "os/fs.h"
#include "store/pack.h"
#include "store/pack_test.h"
#include "store/runtime.h"

enum { SPARE_S = 60 };

/* ids of executions, which requests also wait for, are positive */
static int64_t
key_of(const Req *q)
{
	return -req_serial(q);
}

static bool
run(void *self, const atomic_bool *stopping, Err *err)
{
	PackTrial *t = self;

	return t->work(t, stopping, err);
}

void
trial_close(PackTrial *t)
{
	if (t == NULL)
		return;
	if (!t->kept && !str_none(t->stage) && !tree_remove(t->stage.p))
		log_warn("the folder %s cannot be removed", t->stage.p);
	lock_release(&t->lock);
	arena_close(t->a);
}

static void
drop(void *self)
{
	trial_close(self);
}

/* How a runtime of the core pack is described; null: it is not there. */
static bool
runtime_config(App *app, Arena *a, const char *ref, Json *ret, Err *err)
{
	RuntimeDef d;
	Err why = { 0 };

	*ret = json_null();
	if (runtime_get_ref(app_db(app), a, str_of(ref), &d, &why)) {
		*ret = json_clone(a, &d.execution_config);
		return true;
	}
	if (why.code == ERR_NOT_FOUND)
		return true;
	*err = why;
	return false;
}

bool
trial_open(App *app, size_t tries, PackTrial **ret, Err *err)
{
	const char *base = app->pack_tests->envs.packs_base_dir.p;
	Arena *a = arena_open();
	PackTrial *t = arena_new(a, PackTrial);

	t->a = a;
	t->lock = -1;
	t->n = tries;
	t->tries = arena_array(a, PackTry, tries);
	t->tests = app->pack_tests;
	if (tries == 0) { /* nothing lies anywhere */
		*ret = t;
		return true;
	}
	if (dirs_make(base, 0755, err) && dir_private(a, base, PACK_INCOMING, &t->stage, err)) {
		pack_leftovers(app, a);
		if (lock_take(str_fmt(a, "%.*s/" PACK_STAGE_LOCK, STR_ARG(t->stage)).p, &t->lock, NULL, err) &&
		    runtime_config(app, a, "core.python", &t->python, err) &&
		    runtime_config(app, a, "core.nodejs", &t->nodejs, err)) {
			*ret = t;
			return true;
		}
		trial_close(t);
		return false;
	}
	arena_close(a);
	return false;
}

bool
trial_wait(App *app, Req *q, Res *s, PackTrial *t, Err *err)
{
	Errand errand = { run, drop, t, t->quick };
	TimeUs until = clock_mono(clock_real()) + t->limit + SPARE_S * (TimeUs)US_PER_S;

	if (errands_give(app->errands, key_of(q), &errand, err))
		return res_wait(s, key_of(q), until);
	if (err->code == ERR_BUSY)
		res_header(s, "Retry-After", str_of("10"));
	trial_close(t);
	return false;
}

bool
trial_back(App *app, Req *q, Res *s, PackTrial **ret, bool *ret_asleep, Err *err)
{
	enum { LOOK_S = 60 };
	void *self = NULL;
	bool good = false;

	*ret = NULL;
	*ret_asleep = false;
	if (!req_waited(q))
		return true;
	switch (errands_take(app->errands, key_of(q), &self, &good, err)) {
	case ERRAND_WAITS: /* it ends by its own limits */
		*ret_asleep = true;
		return res_wait(s, key_of(q), clock_mono(clock_real()) + LOOK_S * (TimeUs)US_PER_S);
	case ERRAND_DONE: break;
	default: return err_set(err, ERR_TIMEOUT, "What was begun for this request took too long and was given up");
	}
	*ret = self;
	if (good)
		return true;
	trial_close(*ret);
	*ret = NULL;
	return false;
}

/* ---- tests ---- */

bool
trial_wants(const PackTrial *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->tries[i].read && t->tries[i].wanted && t->tries[i].files.tests.enabled)
			return true;
	return false;
}

static bool
tests_run(PackTrial *t, const atomic_bool *stopping, Err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		PackTry *one = &t->tries[i];
		PackTestsAsk ask = { .pack_ref = one->files.def.ref,
			.pack_version = one->files.def.version,
			.packs_dir = one->packs_dir,
			.stage = t->stage,
			.in_place = one->in_place,
			.tests = &one->files.tests,
			.python = json_is_null(&t->python) ? NULL : &t->python,
			.nodejs = json_is_null(&t->nodejs) ? NULL : &t->nodejs };

		if (!one->read || !one->wanted || !one->files.tests.enabled)
			continue;
		one->began = clock_wall(clock_real());
		one->result = pack_tests_run(t->a, t->tests, &ask, stopping, &one->counts);
		one->tested = true;
		if (atomic_load(stopping))
			return err_set(err, ERR_BUSY,
			    "The server stopped while the tests of '%.*s' ran: nothing was changed, try again",
			    STR_ARG(one->files.def.ref));
	}
	return true;
}

bool
trial_test(App *app, Req *q, Res *s, PackTrial *t, Err *err)
{
	t->work = tests_run;
	t->limit = (TimeUs)t->n * (t->tests->limit + t->tests->envs.build_timeout);
	return trial_wait(app, q, s, t, err);
}

bool
trial_allowed(App *app, Arena *a, const PackTry *try, bool force, Err *err)
{
	Target t = { .ref = try->files.def.ref, .pack_ref = try->files.def.ref };

	return need(app, "packs:install", &t, err) &&
	       (force || resource_ref_free(app, a, &packs, try->files.def.ref, err));
}

/* The first case that failed, for the sentence. */
static const Json *
first_failure(const Json *result, const Json **ret_suite)
{
	const Json *suites = json_get(result, "testSuites");

	for (size_t i = 0; json_is(suites, JSON_ARRAY) && i < suites->n; i++) {
		const Json *cases = json_get(&suites->items[i], "testCases");

		for (size_t k = 0; json_is(cases, JSON_ARRAY) && k < cases->n; k++) {
			Str status = json_get_text(&cases->items[k], "status");

			*ret_suite = &suites->items[i];
			if (str_is(status, "failed") || str_is(status, "error"))
				return &cases->items[k];
		}
	}
	return NULL;
}

bool
trial_passed(const PackTry *try, bool force, Err *err)
{
	enum { WORDS = 200 };
	const Json *suite = NULL, *one;
	Str why;

	if (!try->tested || force || try->files.tests.only_warn || tests_good(&try->files.tests, &try->counts))
		return true;
	one = first_failure(&try->result, &suite);
	why = utf8_clip(json_get_text(one, "errorMessage"), WORDS);
	return err_set(err, ERR_INVALID,
	    "%lld of %lld tests of pack '%.*s' failed, the first in '%.*s': %.*s%s%.*s. Nothing was changed: put the "
	    "pack "
	    "right, or give force to have it all the same, or skip_tests to run none",
	    (long long)try->counts.failed, (long long)try->counts.total, STR_ARG(try->files.def.ref),
	    STR_ARG(json_get_text(suite, "name")), STR_ARG(json_get_text(one, "name")), why.n > 0 ? ": " : "",
	    STR_ARG(why));
}

static bool
note_work(App *app, void *self, Err *err)
{
	const PackTry *try = self;
	PackTestRow row = { .version = try->files.def.version,
		.reason = PACK_TEST_UPDATE,
		.began = try->began,
		.took_ms = json_as_int(json_get(&try->result, "durationMs"), 0),
		.counts = try->counts,
		.result = &try->result };
	PackDef there;
	Err why = { 0 };

	if (!pack_get_ref(app_db(app), app->uow->arena, try->files.def.ref, &there, &why)) {
		if (why.code == ERR_NOT_FOUND)
			return true;
		*err = why;
		return false;
	}
	row.pack = there.id;
	return pack_test_add(app_db(app), app->uow->arena, &row, app->uow->now, err);
}

void
trial_note(App *app, const PackTry *try)
{
	PackTry copy = *try;
	Err err = { 0 };

	if (try->tested && !app_work(app, &points_create, note_work, &copy, &err))
		log_warn(
		    "how the tests of pack '%.*s' ended cannot be stored: %s", STR_ARG(try->files.def.ref), err.text);
}
