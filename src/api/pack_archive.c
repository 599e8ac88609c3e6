/* A pack's files in one archive, for workers that do not share the API's disk. */
#include "api/artifact.h"

#include "api/handlers.h"
#include "api/pack_work.h"
#include "http/spool.h"
#include "os/fs.h"
#include "packs/bundle.h"
#include "store/pack.h"

#include <errno.h>
#include <sys/stat.h>

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
internal_pack_archive(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Spool file = { 0 };
	PackDef d;
	Str folder;

	if (!pack_get_ref(app_db(app), a, req_param(q, "pack_ref"), &d, err))
		return false;
	folder = pack_folder(app, a, d.ref);
	if (!is_folder(folder.p))
		return err_set(err, ERR_NOT_FOUND, "Pack '%.*s' has no folder on the server", STR_ARG(d.ref));
	if (!spool_open(&file, config_str(app->config, "artifacts_dir"), err))
		return false;
	if (bundle_write(a, folder, d.ref, file.fd, err))
		return answer_open_file(q, s, str_of("application/gzip"), (Str){ 0 }, fd_take(&file.fd), err);
	spool_close(&file);
	return false;
}
