#include "api/pack_remote.h"
#include "api/pack_trial.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/view.h"
#include "base/log.h"
#include "os/fs.h"
#include "packs/unpack.h"

#include <errno.h>
#include <stdio.h>

/*
 * Packs from outside: unpacked beside the others, under a name that is no pack's, read, checked and tested there, and put in their
 * place by the last step of the transaction that registers them. What was there before comes back when that fails.
 */

/* The owner of a trial of one pack. */
typedef struct Install {
	Arena *a;
	PackTrial *t;
	PackTry *try;
	Str content, before;
	Str root, final; /* where its pack.yaml lies, and where it is to lie */
	PackWish wish;   /* where it comes from */
	bool skip_deps;
	bool placed, had, swapped;
	int status; /* of the answer */
} Install;

static bool
install_open(App *app, bool force, bool skip_tests, int status, Install **ret, Err *err)
{
	PackTrial *t;
	Install *w;

	if (!trial_open(app, 1, &t, err))
		return false;
	w = arena_new(t->a, Install);
	*w = (Install){ .a = t->a, .t = t, .try = &t->tries[0], .status = status };
	w->try->wanted = !skip_tests;
	w->try->packs_dir = str_fmt(w->a, "%.*s/packs", STR_ARG(t->stage));
	w->content = str_fmt(w->a, "%.*s/content", STR_ARG(t->stage));
	w->before = str_fmt(w->a, "%.*s/before", STR_ARG(t->stage));
	t->owner = w;
	t->force = force;
	*ret = w;
	if (dirs_make(w->content.p, 0755, err) && dirs_make(w->try->packs_dir.p, 0755, err))
		return true;
	trial_close(t);
	return false;
}

static void
say_lost(Install *w, const char *where)
{
	w->t->kept = true;
	log_error("the files of a pack lie in %s and belong in %s", where, w->final.p);
}

/* In two steps, where the file system cannot do it in one. Should the process be killed in between, pack_leftovers puts back what was
 * there before. */
static bool
place_by_moving(Install *w, Err *err)
{
	if (w->had && rename(w->final.p, w->before.p) < 0)
		return err_sys(err, errno, "move '%s' away", w->final.p);
	if (rename(w->root.p, w->final.p) == 0)
		return true;
	err_sys(err, errno, "move the pack to '%s'", w->final.p);
	if (w->had && rename(w->before.p, w->final.p) < 0)
		say_lost(w, w->before.p);
	return false;
}

static bool
place(App *app, void *self, Err *err)
{
	Install *w = self;
	Err why = { 0 };

	(void)app;
	w->had = file_exists(w->final.p);
	w->swapped = w->had && paths_swap(w->root.p, w->final.p, &why);
	if (w->had && !w->swapped && why.code != ERR_UNSUPPORTED) {
		*err = why;
		return false;
	}
	w->placed = w->swapped || place_by_moving(w, err);
	return w->placed;
}

/* The transaction failed after all. */
static void
place_undo(Install *w)
{
	Str away = str_fmt(w->a, "%.*s/refused", STR_ARG(w->t->stage));
	Err why = { 0 };

	if (!w->placed)
		return;
	if (w->swapped && !paths_swap(w->root.p, w->final.p, &why))
		say_lost(w, w->root.p);
	else if (!w->swapped && (rename(w->final.p, away.p) < 0 || (w->had && rename(w->before.p, w->final.p) < 0)))
		say_lost(w, w->before.p);
}

/* ---- installing ---- */

/* Each file as its sender knows it: where it lies here for now is no business of theirs. */
static bool
say_problems(Arena *a, const Pack *p, Err *err)
{
	enum { SAID = 5 };
	Buf b = buf_open(a);
	size_t fatal = 0;

	for (size_t i = 0; i < p->problem_count; i++) {
		const PackProblem *one = &p->problems[i];

		if (one->fatal && fatal++ < SAID)
			buf_item(
			    &b, "%.*s:%u:%u: %.*s", STR_ARG(one->file), one->line, one->column, STR_ARG(one->text));
	}
	if (fatal > SAID)
		buf_fmt(&b, " and %zu more", fatal - SAID);
	return fatal > 0 && err_set(err, ERR_VALIDATION, "%.*s", STR_ARG(buf_str(&b)));
}

/* What lies in w->content is read, and put where its tests find it under its own name. */
static bool
content_load(App *app, Install *w, bool any_ref, Err *err)
{
	PackTry *try = w->try;
	Str root, named;

	if (!unpack_root(w->a, w->content, &root, err))
		return false;
	if (!pack_load(w->a, root, &try->files, err))
		return say_problems(w->a, &try->files, err);
	if ((!w->skip_deps && !pack_needs_met(app, w->a, &try->files.def, err)) ||
	    !trial_allowed(app, w->a, try, any_ref, err))
		return false;
	named = str_fmt(w->a, "%.*s/%.*s", STR_ARG(try->packs_dir), STR_ARG(try->files.def.ref));
	if (rename(str_cstr(w->a, root), named.p) < 0)
		return err_sys(err, errno, "move the pack to '%s'", named.p);
	w->root = named;
	w->final = pack_folder(app, w->a, try->files.def.ref);
	try->files.def.storage_path = w->final;
	try->read = true;
	return true;
}

static bool
installed(Res *s, Arena *a, const Install *w, const PackRegistration *r)
{
	Json o = json_object();

	json_add(a, &o, "pack", pack_whole(a, &r->d));
	json_add(a, &o, "test_result", w->try->tested ? json_clone(a, &w->try->result) : json_null());
	json_add(a, &o, "tests_skipped", json_bool(!w->try->tested));
	pack_warnings_add(a, &o, r);
	return res_data(s, w->status, o, "Pack installed successfully");
}

/* Its tests have been run, if there are any. replaces: the one of its ref that is there. */
static bool
install_tested(App *app, Req *q, Res *s, Install *w, bool replaces, Err *err)
{
	PackRegistration r = { .a = req_arena(q),
		.files = &w->try->files,
		.force = replaces,
		.tested = w->try,
		.source = w->wish.from.type == NULL ? NULL : &w->wish.from,
		.last = place,
		.self = w };

	w->wish.from.by = app->caller.identity;
	if (!trial_passed(w->try, w->t->force, err)) {
		trial_note(app, w->try);
		return false;
	}
	if (!app_define(app, pack_register_work, &r, err)) {
		place_undo(w);
		return false;
	}
	return installed(s, r.a, w, &r);
}

/* Both kinds go on alike once the request has slept, or need not. */
static bool
install_end(App *app, Req *q, Res *s, PackTrial *t, bool replaces, Err *err)
{
	bool ok = install_tested(app, q, s, t->owner, replaces, err);

	trial_close(t);
	return ok;
}

static bool
install_go(App *app, Req *q, Res *s, Install *w, bool loaded, bool replaces, Err *err)
{
	if (!loaded) {
		trial_close(w->t);
		return false;
	}
	if (trial_wants(w->t))
		return trial_test(app, q, s, w->t, err);
	return install_end(app, q, s, w->t, replaces, err);
}

static const BodyField install_fields[] = {
	{ "source", FIELD_TEXT | FIELD_NEEDED, 4096 },
	{ "ref_spec", FIELD_TEXT, 255 },
	{ "skip_tests", FIELD_BOOL, 0 },
	{ "skip_deps", FIELD_BOOL, 0 },
	{ "force", FIELD_BOOL, 0 },
};

static bool
content_read(Install *w, Str source, Err *err)
{
	Str manifest = str_fmt(w->a, "%.*s/.", STR_ARG(source));

	if (!file_exists(str_cstr(w->a, source)))
		return err_set(err, ERR_NOT_FOUND, "There is nothing at '%.*s' on the server", STR_ARG(source));
	w->wish.from = (PackSource){ .type = file_exists(manifest.p) ? "local_directory" : "local_archive",
		.url = str_copy(w->a, source) };
	return file_exists(manifest.p) ? unpack_folder(w->a, source, w->content, err)
				       : unpack_file(w->a, source, w->content, err);
}

static bool
install_fetch(PackTrial *t, const atomic_bool *stopping, Err *err)
{
	Install *w = t->owner;

	return pack_wish_fetch(w->a, &w->wish, stopping, err);
}

static bool
fetch_begin(App *app, Req *q, Res *s, Install *w, Str source, Str ref_spec, Err *err)
{
	if (!pack_wish(app, w->a, source, ref_spec, &w->wish, err)) {
		trial_close(w->t);
		return false;
	}
	w->wish.content = w->content;
	w->t->work = install_fetch;
	w->t->limit = (TimeUs)(w->wish.n + 1) * pack_fetch_limit(app->config);
	return trial_wait(app, q, s, w->t, err);
}

static bool
fetched(App *app, Req *q, Res *s, Install *w, Err *err)
{
	bool ok = content_load(app, w, true, err) &&
		  pack_wish_met(&w->wish, w->try->files.def.ref, w->try->files.def.version, err);

	return install_go(app, q, s, w, ok, true, err);
}

static bool
install_begin(App *app, Req *q, Res *s, Err *err)
{
	bool skip_tests = false, force = false, skip_deps = false;
	Install *w;
	Str source;
	Json body;

	if (!body_read(q, install_fields, countof(install_fields), &body, err))
		return false;
	body_bool(&body, "skip_deps", &skip_deps);
	body_bool(&body, "skip_tests", &skip_tests);
	body_bool(&body, "force", &force);
	source = json_get_text(&body, "source");
	if (!pack_ref_spec_check(source, json_get_text(&body, "ref_spec"), err) ||
	    !install_open(app, force, skip_tests, 200, &w, err))
		return false;
	w->skip_deps = skip_deps;
	if (pack_is_remote(source))
		return fetch_begin(app, q, s, w, source, json_get_text(&body, "ref_spec"), err);
	return install_go(app, q, s, w, content_read(w, source, err) && content_load(app, w, true, err), true, err);
}

bool
pack_install(App *app, Req *q, Res *s, Err *err)
{
	PackTrial *t;
	bool asleep;

	if (!trial_back(app, q, s, &t, &asleep, err))
		return false;
	if (asleep)
		return true;
	if (t == NULL)
		return install_begin(app, q, s, err);
	if (!t->tries[0].read)
		return fetched(app, q, s, t->owner, err);
	return install_end(app, q, s, t, true, err);
}

static bool
form_bool(const Form *f, const char *name, bool *ret, Err *err)
{
	Str text;

	if (!form_text(f, name, 8, &text, err))
		return false;
	*ret = str_is(text, "true");
	return *ret || text.n == 0 || str_is(text, "false") ||
	       err_set(err, ERR_INVALID, "The form's field '%s' must be true or false", name);
}

static bool
upload_begin(App *app, Req *q, Res *s, Err *err)
{
	Form *form = arena_new(req_arena(q), Form);
	const FormPart *part;
	bool force, skip_tests;
	Install *w;

	if (!req_form(q, form, err) || !form_bool(form, "force", &force, err) ||
	    !form_bool(form, "skip_tests", &skip_tests, err))
		return false;
	part = form_part(form, "pack");
	if (part == NULL || part->body.n == 0)
		return err_set(err, ERR_INVALID, "The form needs a part 'pack', the archive");
	if (!install_open(app, force, skip_tests, 201, &w, err))
		return false;
	w->skip_deps = true;
	return install_go(app, q, s, w,
	    unpack_bytes(w->a, part->body, w->content, err) && content_load(app, w, force, err), force, err);
}

bool
pack_upload(App *app, Req *q, Res *s, Err *err)
{
	PackTrial *t;
	bool asleep;

	if (!trial_back(app, q, s, &t, &asleep, err))
		return false;
	if (asleep)
		return true;
	return t == NULL ? upload_begin(app, q, s, err) : install_end(app, q, s, t, t->force, err);
}

/* ---- what this version does not do ---- */

bool
packs_build(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)q;
	(void)s;
	return err_set(err, ERR_UNSUPPORTED,
	    "This version builds environments on its workers, not on the server: use POST "
	    "/api/v1/packs/{ref}/environments/rebuild");
}
