#include "api/artifact.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/view.h"
#include "http/negotiate.h"
#include "os/fs.h"

#include <fcntl.h>

static Json
known_int(int64_t v)
{
	return v < 0 ? json_null() : json_int(v);
}

Json
version_json(Arena *a, const VersionRow *v, bool whole)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(v->id));
	if (whole)
		json_add(a, &o, "artifact", json_int(v->artifact));
	json_add(a, &o, "version", json_int(v->version));
	json_add(a, &o, "content_type", json_str(v->content_type));
	json_add(a, &o, "size_bytes", known_int(v->size_bytes));
	if (whole && v->has_json)
		json_add(a, &o, "content_json", v->content_json);
	if (!str_none(v->file_path))
		json_add(a, &o, "file_path", json_str(v->file_path));
	if (v->execution != 0)
		json_add(a, &o, "execution", json_int(v->execution));
	if (whole && v->meta.kind != JSON_NULL)
		json_add(a, &o, "meta", v->meta);
	json_add(a, &o, "created_by", json_str(v->created_by));
	json_add(a, &o, "created", json_time(a, v->created));
	return o;
}

/* ---- reading ---- */

bool
versions_list(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json list = json_array();
	ArtifactRow x;
	VersionRow *rows;
	size_t n;

	if (!artifact_of_path(app, q, "artifacts:read", &x, err) || !version_list(app_db(app), a, x.id, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		json_push(a, &list, version_json(a, &rows[i], false));
	return res_data(s, 200, list, NULL);
}

/* 0: the latest */
static bool
number_of_path(const Req *q, int64_t *ret, Err *err)
{
	*ret = 0;
	if (str_none(req_param(q, "version")))
		return true;
	if (!req_id(q, "version", ret, err))
		return false;
	return *ret > 0 || err_set(err, ERR_INVALID, "Versions are counted from 1");
}

static bool
version_of_path(App *app, Req *q, ArtifactRow *x, VersionRow *ret, Err *err)
{
	int64_t number;

	return artifact_of_path(app, q, "artifacts:read", x, err) && number_of_path(q, &number, err) &&
	       version_get(app_db(app), req_arena(q), x->id, number, ret, err);
}

bool
version_show(App *app, Req *q, Res *s, Err *err)
{
	ArtifactRow x;
	VersionRow v;

	return version_of_path(app, q, &x, &v, err) && res_data(s, 200, version_json(req_arena(q), &v, true), NULL);
}

/* ---- download ---- */

/* attachment; filename="core_report_v3.txt": the ref's letters are harmless in quotes */
static Str
disposition(Arena *a, const ArtifactRow *x, const VersionRow *v)
{
	Str ending = files_ending(str_none(v->content_type) ? x->content_type : v->content_type);
	char *name = arena_copy(a, x->ref.p, x->ref.n);

	for (size_t i = 0; i < x->ref.n; i++)
		if (name[i] == '.' || name[i] == '"' || name[i] == '\\' || (unsigned char)name[i] < ' ')
			name[i] = '_';
	return str_fmt(
	    a, "attachment; filename=\"%.*s_v%lld%.*s\"", (int)x->ref.n, name, (long long)v->version, STR_ARG(ending));
}

static bool
file_answer(App *app, Req *q, Res *s, const VersionRow *v, Str type, Str name, Err *err)
{
	Arena *a = req_arena(q);
	CLEANUP(fd_done) int root = -1;
	CLEANUP(fd_done) int fd = -1;

	if (!files_root(app, a, &root, err))
		return false;
	if (!open_beneath(root, str_cstr(a, v->file_path), O_RDONLY | O_NONBLOCK, &fd, err))
		return err->code == ERR_NOT_FOUND
			   ? err_set(err, ERR_NOT_FOUND,
				 "Version %lld of artifact %lld has no content: its file '%.*s' is not there",
				 (long long)v->version, (long long)v->artifact, STR_ARG(v->file_path))
			   : false;
	return answer_open_file(q, s, type, name, fd_take(&fd), err);
}

/* What has a file lies on disk and is sent from there; what is small or JSON lies in the row, and never changes. */
bool
version_download(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Buf pretty = buf_open(a);
	ArtifactRow x;
	VersionRow v;
	Str type, name, tag;

	if (!version_of_path(app, q, &x, &v, err))
		return false;
	type = !str_none(v.content_type) ? v.content_type : x.content_type;
	name = disposition(a, &x, &v);
	tag = str_fmt(a, "\"a%lld-%lld\"", (long long)v.id, (long long)v.version);
	if (v.has_json) {
		json_print_pretty(&pretty, &v.content_json);
		return answer_content(
		    q, s, str_none(type) ? str_of("application/json") : type, tag, name, buf_str(&pretty));
	}
	if (str_none(type))
		type = str_of("application/octet-stream");
	if (!str_none(v.file_path))
		return file_answer(app, q, s, &v, type, name, err);
	return answer_content(q, s, type, tag, name, v.content);
}

/* ---- deleting ---- */

typedef struct VersionWork {
	Arena *a;
	Id artifact;
	int64_t number;
	ArtifactFiles files;
} VersionWork;

static bool
remove_work(App *app, void *self, Err *err)
{
	VersionWork *w = self;

	return version_delete(app_db(app), w->a, w->artifact, w->number, &w->files, err);
}

bool
version_remove(App *app, Req *q, Res *s, Err *err)
{
	VersionWork w = { .a = req_arena(q) };
	ArtifactRow x;

	if (!artifact_of_path(app, q, "artifacts:delete", &x, err) || !number_of_path(q, &w.number, err))
		return false;
	w.artifact = x.id;
	if (!app_work(app, &points_create, remove_work, &w, err))
		return false;
	files_remove(app, w.a, &w.files);
	return answer_success(q, s, str_fmt(w.a, "Version %lld deleted successfully", (long long)w.number));
}
