#include "api/pack_remote.h"
#include "api/pack_trial.h"

#include "api/body.h"
#include "api/handlers.h"
#include "os/fs.h"
#include "packs/unpack.h"

/*
 * Packs that are fetched into a folder of the server and not installed: somebody looks at them there, and gives the folder to
 * packs/install then. Each is fetched or fails alone.
 */

enum { DOWNLOADS_MOST = 20 };

typedef struct Fetch {
	PackWish wish;
	Str source;
	Str ref, version, path; /* what came, and where it lies */
	Err err;                /* none: it is there */
} Fetch;

/* The owner of its trial. */
typedef struct Download {
	Arena *a;
	PackTrial *t;
	Str dir;
	Fetch *list;
	size_t n;
} Download;

static bool
lay(Download *d, const Fetch *f, Str root, Err *err)
{
	if (file_exists(f->path.p))
		return err_set(err, ERR_CONFLICT,
		    "There is something at '%.*s' already: move it away, or give another destination_dir",
		    STR_ARG(f->path));
	if (dirs_make(f->path.p, 0755, err) && unpack_folder(d->a, root, f->path, err))
		return true;
	tree_remove(f->path.p);
	return false;
}

static bool
fetch(Download *d, Fetch *f, const atomic_bool *stopping, Err *err)
{
	Pack files = { 0 };
	Str root;

	if (!pack_wish_fetch(d->a, &f->wish, stopping, err) || !unpack_root(d->a, f->wish.content, &root, err) ||
	    !pack_load(d->a, root, &files, err) || !pack_wish_met(&f->wish, files.def.ref, files.def.version, err))
		return false;
	f->ref = files.def.ref;
	f->version = files.def.version;
	f->path = str_fmt(d->a, "%.*s/%.*s", STR_ARG(d->dir), STR_ARG(f->ref));
	return lay(d, f, root, err);
}

static bool
fetch_all(PackTrial *t, const atomic_bool *stopping, Err *err)
{
	Download *d = t->owner;

	for (size_t i = 0; i < d->n; i++) {
		if (d->list[i].err.code == ERR_NONE)
			(void)fetch(d, &d->list[i], stopping, &d->list[i].err);
		if (atomic_load(stopping))
			return err_set(err, ERR_BUSY, "The server stopped while packs were fetched: try again");
	}
	return true;
}

/* ---- asking ---- */

static const BodyField download_fields[] = {
	{ "packs", FIELD_REFS | FIELD_NEEDED, 0 },
	{ "destination_dir", FIELD_TEXT | FIELD_NEEDED, 4096 },
	{ "ref_spec", FIELD_TEXT, 255 },
	{ "registry_url", FIELD_TEXT, 4096 },
	{ "timeout", FIELD_NUMBER, 0 },
	{ "verify_ssl", FIELD_BOOL, 0 },
};

static bool
body_check_whole(const Json *body, Err *err)
{
	Str dir = json_get_text(body, "destination_dir");
	size_t n = json_get(body, "packs")->n;
	bool verify = true;

	body_bool(body, "verify_ssl", &verify);
	if (n == 0 || n > DOWNLOADS_MOST)
		return err_set(err, ERR_VALIDATION, "Validation failed: packs: are 1 to %d", DOWNLOADS_MOST);
	if (!str_starts(dir, str_of("/")) || str_find(dir, str_of("/../"), NULL) || str_ends(dir, str_of("/..")))
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: destination_dir: is an absolute path of the server, without '..'");
	return verify || err_set(err, ERR_VALIDATION, "Validation failed: verify_ssl: certificates are always checked");
}

/* Only the registry that is named, which must be one of ours: what may be reached is said by who runs the server. */
static bool
registry_only(PackWish *w, Str url, Err *err)
{
	if (url.n == 0 || w->list == NULL)
		return true;
	for (size_t i = 0; i < w->n; i++)
		if (str_eq(w->list[i].url, url)) {
			w->list = &w->list[i];
			w->n = 1;
			return true;
		}
	return err_set(err, ERR_NOT_FOUND, "'%.*s' is none of the registries of packs that are in use", STR_ARG(url));
}

static bool
wish(App *app, Download *d, Fetch *f, const Json *body, size_t number, Err *err)
{
	Str ref_spec = json_get_text(body, "ref_spec");

	if (!pack_is_remote(f->source))
		return err_set(err, ERR_INVALID, "'%.*s' is a path: there is nothing to fetch", STR_ARG(f->source));
	if (!pack_ref_spec_check(f->source, ref_spec, err) ||
	    !pack_wish(app, d->a, f->source, ref_spec, &f->wish, err) ||
	    !registry_only(&f->wish, json_get_text(body, "registry_url"), err))
		return false;
	f->wish.content = str_fmt(d->a, "%.*s/%zu", STR_ARG(d->t->stage), number);
	return dirs_make(f->wish.content.p, 0755, err);
}

static bool
download_begin(App *app, Req *q, Res *s, Err *err)
{
	PackTrial *t;
	Download *d;
	Json body;

	if (!body_read(q, download_fields, countof(download_fields), &body, err) || !body_check_whole(&body, err) ||
	    !trial_open(app, 1, &t, err))
		return false;
	d = arena_new(t->a, Download);
	*d = (Download){ .a = t->a, .t = t, .dir = str_copy(t->a, json_get_text(&body, "destination_dir")) };
	d->n = json_get(&body, "packs")->n;
	d->list = arena_array(t->a, Fetch, d->n);
	t->owner = d;
	t->work = fetch_all;
	for (size_t i = 0; i < d->n; i++) {
		d->list[i].source = str_copy(t->a, json_as_str(json_at(json_get(&body, "packs"), i)));
		if (wish(app, d, &d->list[i], &body, i, &d->list[i].err))
			t->limit += (TimeUs)(d->list[i].wish.n + 1) * pack_fetch_limit(app->config);
	}
	return trial_wait(app, q, s, t, err);
}

/* ---- answering ---- */

static Json
fetched_json(Arena *a, const Fetch *f)
{
	Json o = json_object();

	json_add(a, &o, "source", json_str(f->source));
	json_add(a, &o, "source_type", json_cstr(f->wish.from.type));
	json_add(a, &o, "pack_path", json_str(f->path));
	json_add(a, &o, "pack_ref", json_str(f->ref));
	json_add(a, &o, "pack_version", json_str(f->version));
	json_add(a, &o, "git_commit", json_null());
	json_add(a, &o, "checksum", json_null());
	return o;
}

static Json
failed_json(Arena *a, const Fetch *f)
{
	Json o = json_object();

	json_add(a, &o, "source", json_str(f->source));
	json_add(a, &o, "error", json_cstr(f->err.text));
	return o;
}

static bool
download_end(Req *q, Res *s, PackTrial *t)
{
	Json good = json_array(), bad = json_array(), o = json_object(), kept;
	const Download *d = t->owner;

	for (size_t i = 0; i < d->n; i++) {
		if (d->list[i].err.code == ERR_NONE)
			json_push(t->a, &good, fetched_json(t->a, &d->list[i]));
		else
			json_push(t->a, &bad, failed_json(t->a, &d->list[i]));
	}
	json_add(t->a, &o, "downloaded_packs", good);
	json_add(t->a, &o, "failed_packs", bad);
	json_add(t->a, &o, "total_count", json_int((int64_t)d->n));
	json_add(t->a, &o, "success_count", json_int(good.n));
	json_add(t->a, &o, "failure_count", json_int(bad.n));
	kept = json_clone(req_arena(q), &o);
	trial_close(t);
	return res_data(s, 200, kept, NULL);
}

bool
packs_download(App *app, Req *q, Res *s, Err *err)
{
	PackTrial *t;
	bool asleep;

	if (!trial_back(app, q, s, &t, &asleep, err))
		return false;
	if (asleep)
		return true;
	return t == NULL ? download_begin(app, q, s, err) : download_end(q, s, t);
}
