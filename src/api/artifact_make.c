/* New versions: of JSON, of a file that somebody will write, of one that is sent along. */
#include "api/artifact.h"

#include "api/body.h"
#include "api/handlers.h"
#include "os/fs.h"

#include <fcntl.h>
#include <unistd.h>

typedef struct MakeWork {
	Arena *a;
	ArtifactRow x; /* id 0: to be made, unless somebody has made one of its ref */
	VersionRow v;
	bool allocate; /* a file's name, before there is a file */
	Str temporary; /* the file that becomes the version's; none: none */
	ArtifactFiles gone;
} MakeWork;

static bool
find_or_make(App *app, MakeWork *w, Err *err)
{
	Target t;
	bool found = false;

	if (w->x.id == 0 && !artifact_find(app_db(app), w->a, w->x.ref, &w->x, &found, err))
		return false;
	if (w->x.id != 0) {
		t = artifact_target(&w->x);
		return !found || reach(app, "artifacts:update", &t, err);
	}
	t = artifact_target(&w->x);
	return need(app, "artifacts:create", &t, err) &&
	       artifact_make(app, w->a, &w->x, w->v.execution, w->allocate ? KEEP_FILES : KEEP_USUAL, err);
}

static bool
make_work(App *app, void *self, Err *err)
{
	MakeWork *w = self;
	bool file = w->allocate || !str_none(w->temporary);

	if (!find_or_make(app, w, err))
		return false;
	if (w->allocate && !artifact_is_file(w->x.type))
		return err_set(err, ERR_INVALID, "Artifact '%.*s' is of type %.*s: only files have versions in files",
		    STR_ARG(w->x.ref), STR_ARG(w->x.type));
	w->v.artifact = w->x.id;
	if (str_none(w->v.content_type))
		w->v.content_type = w->x.content_type;
	if (!version_add(app_db(app), w->a, &w->v, app->uow->now, &w->gone, err))
		return false;
	change_add(app->uow, CHANGE_ARTIFACT_UPDATED, w->x.id, NULL, NULL);
	if (!file)
		return true;
	w->v.file_path = files_path(w->a, w->x.id, w->v.version, w->v.content_type);
	return version_set_file(app_db(app), w->a, w->v.id, w->v.file_path, err) &&
	       files_dir(app, w->a, w->x.id, err) &&
	       (str_none(w->temporary) || files_name(app, w->a, w->temporary, w->v.file_path, err));
}

/* What was written for nothing does not stay. */
static void
unwrite(App *app, Arena *a, Str temporary)
{
	ArtifactFiles one = { .paths = &temporary, .n = str_none(temporary) ? 0 : 1 };

	files_remove(app, a, &one);
}

static bool
make(App *app, Req *q, Res *s, MakeWork *w, Err *err)
{
	if (json_has_nul(&w->v.meta) || json_has_nul(&w->v.content_json)) {
		unwrite(app, w->a, w->temporary);
		return err_set(err, ERR_VALIDATION, "Validation failed: a text holds U+0000, which cannot be kept");
	}
	if (!app_work(app, &points_create, make_work, w, err)) {
		unwrite(app, w->a, w->temporary);
		return false;
	}
	files_remove(app, w->a, &w->gone);
	return res_data(s, 201, version_json(req_arena(q), &w->v, true), "Version created successfully");
}

/* ---- JSON ---- */

#define VERSION_FIELDS \
	{ "content_type", FIELD_TEXT, 255 }, { "created_by", FIELD_TEXT, 255 }, { "execution", FIELD_NUMBER, 0 }, \
	{ \
		"meta", FIELD_MAP, 0 \
	}

static bool
version_read(App *app, Req *q, const Json *body, VersionRow *v, Err *err)
{
	*v = (VersionRow){ .content_type = json_get_text(body, "content_type"),
		.created_by = json_get_text(body, "created_by"),
		.size_bytes = -1 };
	body_json(body, "meta", &v->meta);
	if (str_none(v->created_by) && app_caller(app)->login.n > 0)
		v->created_by = app_caller(app)->login;
	return artifact_execution(app, q, json_as_int(json_get(body, "execution"), 0), &v->execution, err);
}

bool
version_create_json(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField fields[] = { { "content", FIELD_ANY | FIELD_NEEDED, 0 }, VERSION_FIELDS };
	MakeWork w = { .a = req_arena(q) };
	Json body;

	if (!artifact_of_path(app, q, "artifacts:update", &w.x, err) ||
	    !body_read(q, fields, countof(fields), &body, err) || !version_read(app, q, &body, &w.v, err))
		return false;
	w.v.has_json = true;
	w.v.content_json = *json_get(&body, "content");
	w.v.size_bytes = (int64_t)json_text(w.a, &w.v.content_json).n;
	if (str_none(w.v.content_type))
		w.v.content_type = str_of("application/json");
	return make(app, q, s, &w, err);
}

/* ---- a file that will be written ---- */

bool
version_create_file(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField fields[] = { VERSION_FIELDS };
	MakeWork w = { .a = req_arena(q), .allocate = true };
	Json body;

	return artifact_of_path(app, q, "artifacts:update", &w.x, err) &&
	       body_read(q, fields, countof(fields), &body, err) && version_read(app, q, &body, &w.v, err) &&
	       make(app, q, s, &w, err);
}

static bool
row_ready(ArtifactRow *x, Err *err)
{
	if (str_none(x->scope))
		x->scope = str_of("action");
	if (str_none(x->type))
		x->type = str_of("file_text");
	artifact_fill(x);
	return artifact_ref_check(x->ref, err) && artifact_words_check(x, err);
}

bool
version_create_file_ref(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField fields[] = { VERSION_FIELDS, { "scope", FIELD_TEXT, 20 }, { "owner", FIELD_TEXT, 0 },
		{ "type", FIELD_TEXT, 20 }, { "visibility", FIELD_TEXT, 20 }, { "name", FIELD_TEXT, 255 },
		{ "description", FIELD_TEXT, 0 }, { "retention_policy", FIELD_TEXT, 20 },
		{ "retention_limit", FIELD_NUMBER, 0 } };
	MakeWork w = { .a = req_arena(q), .allocate = true };
	Json body;

	if (!body_read(q, fields, countof(fields), &body, err))
		return false;
	w.x = (ArtifactRow){ .ref = req_param(q, "ref"),
		.scope = json_get_text(&body, "scope"),
		.owner = json_get_text(&body, "owner"),
		.type = json_get_text(&body, "type"),
		.visibility = json_get_text(&body, "visibility"),
		.name = json_get_text(&body, "name"),
		.description = json_get_text(&body, "description"),
		.content_type = json_get_text(&body, "content_type"),
		.retention_policy = json_get_text(&body, "retention_policy"),
		.retention_limit = json_as_int(json_get(&body, "retention_limit"), LIMIT_UNSAID) };
	return row_ready(&w.x, err) && version_read(app, q, &body, &w.v, err) && make(app, q, s, &w, err);
}

/* ---- a file that is sent along ---- */

static bool
form_int(const Form *f, const char *name, int64_t fallback, int64_t *ret, Err *err)
{
	Str text;

	*ret = fallback;
	if (!form_text(f, name, 20, &text, err))
		return false;
	return str_none(text) || str_to_int(text, ret) ||
	       err_set(err, ERR_INVALID, "The part '%s' must be a number", name);
}

static bool
meta_read(Arena *a, const Form *f, Json *ret, Err *err)
{
	Err why = { 0 };
	Str text;

	if (!form_text(f, "meta", 64 * 1024, &text, err))
		return false;
	if (str_none(text) || text.n == 0)
		return true;
	return json_parse(a, text, NULL, ret, &why) ||
	       err_set(err, ERR_INVALID, "The part 'meta' is no JSON: %s", why.text);
}

/* Content type: the field, else what the part says, else any bytes. */
static bool
upload_read(App *app, Req *q, const Form *f, MakeWork *w, Err *err)
{
	const FormPart *file = form_part(f, "file");
	int64_t execution;

	w->v.size_bytes = -1;
	if (file == NULL)
		return err_set(err, ERR_INVALID, "The form has no part 'file'");
	if (file->body.n > ARTIFACT_MOST)
		return err_set(
		    err, ERR_TOO_LARGE, "The file has %zu bytes: %d are the most", file->body.n, ARTIFACT_MOST);
	if (!form_text(f, "content_type", 255, &w->v.content_type, err) ||
	    !form_text(f, "created_by", 255, &w->v.created_by, err) || !meta_read(w->a, f, &w->v.meta, err) ||
	    !form_int(f, "execution", 0, &execution, err))
		return false;
	if (str_none(w->v.content_type) || w->v.content_type.n == 0)
		w->v.content_type = !str_none(file->type) && file->type.n > 0 ? str_copy(w->a, file->type)
									      : str_of("application/octet-stream");
	for (size_t i = 0; i < w->v.content_type.n; i++)
		if ((unsigned char)w->v.content_type.p[i] < ' ' || (unsigned char)w->v.content_type.p[i] > '~')
			return err_set(err, ERR_INVALID, "The content type holds a character that no header can");
	if (str_none(w->v.created_by) && app_caller(app)->login.n > 0)
		w->v.created_by = app_caller(app)->login;
	w->v.size_bytes = (int64_t)file->body.n;
	return artifact_execution(app, q, execution, &w->v.execution, err);
}

/* What is small goes into the row. What is large goes into a file, before the transaction: it holds up nobody. */
static bool
upload_make(App *app, Req *q, Res *s, const Form *f, MakeWork *w, Err *err)
{
	const FormPart *file = form_part(f, "file");

	if (file->body.n <= ARTIFACT_INLINE)
		w->v.content = file->body.p == NULL ? (Str){ "", 0 } : file->body;
	else if (!files_write(app, w->a, w->x.id, file->body, &w->temporary, err))
		return false;
	return make(app, q, s, w, err);
}

bool
version_upload(App *app, Req *q, Res *s, Err *err)
{
	MakeWork w = { .a = req_arena(q) };
	Form f;

	return artifact_of_path(app, q, "artifacts:update", &w.x, err) && req_form(q, &f, err) &&
	       upload_read(app, q, &f, &w, err) && upload_make(app, q, s, &f, &w, err);
}

static bool
form_row(const Form *f, ArtifactRow *x, Err *err)
{
	struct {
		const char *name;
		Str *to;
		size_t most;
	} texts[] = { { "scope", &x->scope, 20 }, { "owner", &x->owner, 255 }, { "type", &x->type, 20 },
		{ "visibility", &x->visibility, 20 }, { "name", &x->name, 255 },
		{ "description", &x->description, 4096 }, { "retention_policy", &x->retention_policy, 20 } };

	for (size_t i = 0; i < countof(texts); i++)
		if (!form_text(f, texts[i].name, texts[i].most, texts[i].to, err))
			return false;
	return form_int(f, "retention_limit", LIMIT_UNSAID, &x->retention_limit, err);
}

bool
version_upload_ref(App *app, Req *q, Res *s, Err *err)
{
	MakeWork w = { .a = req_arena(q), .x = { .ref = req_param(q, "ref") } };
	Form f;

	if (!req_form(q, &f, err) || !form_row(&f, &w.x, err) || !row_ready(&w.x, err) ||
	    !upload_read(app, q, &f, &w, err))
		return false;
	w.x.content_type = w.v.content_type;
	return upload_make(app, q, s, &f, &w, err);
}
