#include "api/pack_work.h"

#include "api/work.h"
#include "base/log.h"
#include "os/fs.h"
#include "store/pack.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

/* What installs that were killed have left in packs_base_dir: their own folders, which nobody else would ever look into. */

enum { YOUNG_S = 3600 }; /* one that has no lock yet is much younger */

/* Nobody is at it any more, and nobody can be until the lock is let go. */
static bool
is_left(Arena *a, const char *path, int *ret_lock)
{
	struct stat st;
	Err held = { 0 };

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_mtime <= time(NULL) - YOUNG_S &&
	       lock_take(str_fmt(a, "%s/" PACK_STAGE_LOCK, path).p, ret_lock, NULL, &held);
}

/* A pack that was moved away for another one, which never came. False: it cannot be told what it is, and stays. */
static bool
put_back(App *app, Arena *a, Str before)
{
	Pack files = { 0 };
	PackDef d;
	Str final;
	Err err = { 0 };

	if (!file_exists(before.p))
		return true;
	if (!pack_load(a, before, &files, &err)) {
		log_warn("%s was left by an install that was killed, and is no pack: %s", before.p, err.text);
		return false;
	}
	final = pack_folder(app, a, files.def.ref);
	if (file_exists(final.p))
		return true;
	if (!pack_get_ref(app_db(app), a, files.def.ref, &d, &err))
		return err.code == ERR_NOT_FOUND; /* it was deleted since */
	if (rename(before.p, final.p) < 0) {
		log_warn("%s cannot be put back to %s: %s", before.p, final.p, strerror(errno));
		return false;
	}
	log_warn("%s was missing since an install was killed, and is back", final.p);
	return true;
}

static void
look_at(App *app, Arena *a, Str path)
{
	CLEANUP(fd_done) int lock = -1;

	if (is_left(a, path.p, &lock) && put_back(app, a, str_fmt(a, "%.*s/before", STR_ARG(path))) &&
	    !tree_remove(path.p))
		log_warn("the folder %s of an install that was killed cannot be removed", path.p);
}

void
pack_leftovers(App *app, Arena *a)
{
	const char *base = config_cstr(app->config, "packs_base_dir");
	DirEntry *entries;
	size_t n;
	Err err = { 0 };

	if (!dir_list(a, base, &entries, &n, &err)) {
		log_warn("what killed installs have left cannot be looked for: %s", err.text);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (str_starts(entries[i].name, str_of(PACK_INCOMING "-")))
			look_at(app, a, str_fmt(a, "%s/%.*s", base, STR_ARG(entries[i].name)));
	}
}
