#include "runtime/nests.h"

#include "os/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	SPARE_MOST = 64,
	SETTLE = 40 * US_PER_MS, /* the clock of files may stand still for one tick of the slowest kernel: 10 ms */
};

static const TimeUs NEVER = INT64_MAX;

typedef struct Pack {
	struct Pack *next;
	const char *name;
} Pack;

struct Nests {
	Arena *a;
	const Clock *clock;
	Str home_base, files_base, spare_base;
	bool spare_base_there;
	uint64_t made;
	Pack *packs;
	Nest *all;
	Nest *spare, **last; /* with a home, the one that was given first in front */
	size_t spares;
	Nest *bare; /* without folders */
};

/* ---- folders ---- */

static Folder
folder_look(const char *path, TimeUs settled)
{
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return (Folder){ 0 };
	if (st.st_ctim.tv_nsec == 0)
		settled = NEVER; /* a file system that counts whole seconds */
	return (Folder){ st.st_dev, st.st_ino, st.st_ctim, settled, st.st_mode, st.st_uid, st.st_gid };
}

static bool
folder_untouched(const Folder *f, const char *path)
{
	Folder is = folder_look(path, 0);

	return f->inode != 0 && is.inode == f->inode && is.device == f->device &&
	       is.changed.tv_sec == f->changed.tv_sec && is.changed.tv_nsec == f->changed.tv_nsec;
}

/* What its owner can write beside it, as lists of who may do what. Labels of the system's policy are not the owner's. */
static bool
has_attributes(const char *path)
{
	static const char systems[] = "security.";
	char names[1024];
	ssize_t n = llistxattr(path, names, sizeof(names));

	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1)
		if (strncmp(names + i, systems, sizeof(systems) - 1) != 0)
			return true;
	return n < 0 && errno != ENOTSUP;
}

/* Of one that was renamed when the run began: as far as its time does not tell yet, by what there is to change. */
static bool
folder_as_ever(const Folder *f, const char *path)
{
	Folder is = folder_look(path, 0);

	return folder_untouched(f, path) && is.mode == f->mode && is.user == f->user && is.group == f->group &&
	       !has_attributes(path);
}

static bool
folder_make(const Nests *n, const char *path, mode_t mode, Folder *ret)
{
	*ret = (Folder){ 0 };
	if (mkdir(path, mode) < 0)
		return false;
	*ret = folder_look(path, clock_mono(n->clock) + SETTLE);
	return ret->inode != 0;
}

/* ---- names ---- */

static Str
home_path(const Nests *n, Arena *a, const Nest *nest)
{
	return str_fmt(a, "%s/%llu", n->home_base.p, (unsigned long long)nest->number);
}

/* Where its folder for files waits for the next run, below another. */
static Str
spare_path(const Nests *n, Arena *a, const Nest *nest)
{
	return str_fmt(a, "%s/%llu", n->spare_base.p, (unsigned long long)nest->number);
}

static Str
base_path(const Nests *n, Arena *a, const Nest *nest)
{
	return str_fmt(a, "%s/execution_%lld", n->files_base.p, (long long)nest->execution);
}

static Str
files_in(Arena *a, Str base)
{
	return str_fmt(a, "%.*s/files", STR_ARG(base));
}

/* ---- which one ---- */

/* The same for the same one. NULL: it has none, and shares with nobody. */
static const char *
pack_named(Nests *n, Str name)
{
	Pack *one;

	if (name.n == 0)
		return NULL;
	for (one = n->packs; one != NULL; one = one->next)
		if (str_is(name, one->name))
			return one->name;
	one = arena_new(n->a, Pack);
	*one = (Pack){ n->packs, str_copy(n->a, name).p };
	n->packs = one;
	return one->name;
}

/* The first of which every change shows. */
static Nest **
choose(Nests *n, const char *pack, TimeUs now)
{
	for (Nest **at = &n->spare; *at != NULL; at = &(*at)->next)
		if ((*at)->pack == pack && (*at)->home.settled <= now && (*at)->files.settled <= now)
			return at;
	return NULL;
}

static Nest *
spare_take(Nests *n, Nest **at)
{
	Nest *nest = *at;

	*at = nest->next;
	if (n->last == &nest->next)
		n->last = at;
	n->spares--;
	return nest;
}

static Nest *
bare_take(Nests *n)
{
	Nest *nest = n->bare;

	if (nest != NULL) {
		n->bare = nest->next;
		return nest;
	}
	nest = calloc(1, sizeof(*nest));
	if (nest == NULL)
		abort();
	nest->number = ++n->made;
	nest->walled.ruleset = -1;
	nest->of_all = n->all;
	n->all = nest;
	return nest;
}

/* ---- its folders ---- */

/* Whoever was in it may be alive and knows its name. */
static void
home_remove(Nests *n, Arena *a, Nest *nest)
{
	(void)tree_remove(home_path(n, a, nest).p);
	nest->number = ++n->made;
	nest->home = (Folder){ 0 };
}

static bool
home_take(Nests *n, Arena *a, Nest *nest, Str *ret, Err *err)
{
	*ret = home_path(n, a, nest);
	if (folder_untouched(&nest->home, ret->p))
		return true;
	home_remove(n, a, nest);
	*ret = home_path(n, a, nest);
	return folder_make(n, ret->p, 0700, &nest->home) ||
	       err_sys(err, errno, "make the run's directory '%s'", ret->p);
}

static void
pair_remove(Arena *a, Str base)
{
	if (rmdir(files_in(a, base).p) == 0)
		(void)rmdir(base.p); /* when nothing else is in it */
}

/* Another attempt's folder, with what that has left: nobody else's, ever. */
static void
files_share(Nests *n, Id execution)
{
	for (Nest *at = n->all; at != NULL; at = at->of_all)
		if (at->execution == execution)
			at->files.settled = NEVER;
}

static bool
files_make(Nests *n, Nest *nest, Str base, Str files)
{
	bool ours = mkdir(base.p, 0750) == 0;

	if (!ours && errno == ENOENT)
		ours = dirs_make(base.p, 0750, NULL);
	if (!folder_make(n, files.p, 0750, &nest->files) && errno != EEXIST)
		return false;
	nest->base = folder_look(base.p, 0);
	if (!ours)
		files_share(n, nest->execution);
	return true;
}

/* Beside its logs, for what it writes there stays as long as they do. Not among them: what it made there, we would open. */
static Str
files_take(Nests *n, Arena *a, Nest *nest)
{
	Str base = base_path(n, a, nest), files = files_in(a, base);

	if (nest->files.inode != 0 && rename(spare_path(n, a, nest).p, base.p) == 0) {
		nest->base = folder_look(base.p, 0); /* a name is part of what changes */
		if (folder_untouched(&nest->files, files.p))
			return files;
	} else if (nest->files.inode != 0) {
		pair_remove(a, spare_path(n, a, nest));
	}
	return files_make(n, nest, base, files) ? files : (Str){ 0 };
}

/* ---- coming and going ---- */

bool
nest_take(Nests *n, Arena *a, Id execution, Str pack, Nest **ret, Str *ret_home, Str *ret_files, Err *err)
{
	TimeUs now = clock_mono(n->clock);
	const char *name = pack_named(n, pack);
	Nest **at = name == NULL ? NULL : choose(n, name, now);
	Nest *nest = at == NULL ? bare_take(n) : spare_take(n, at);

	nest->pack = name;
	nest->taken = now;
	nest->execution = execution;
	*ret_files = files_take(n, a, nest);
	if (!home_take(n, a, nest, ret_home, err)) {
		nest_give(n, a, nest, false, false);
		return false;
	}
	*ret = nest;
	return true;
}

static bool
untouched(const Nest *nest, const Folder *f, const char *path)
{
	return f->settled <= nest->taken && folder_untouched(f, path);
}

/* An empty folder of which it is not known whether it was touched is replaced by a new one. False: the run has left something. */
static bool
files_renew(Nests *n, Nest *nest, Str files)
{
	return untouched(nest, &nest->files, files.p) ||
	       (rmdir(files.p) == 0 && folder_make(n, files.p, 0750, &nest->files));
}

static void
files_give(Nests *n, Arena *a, Nest *nest, bool again)
{
	Str base = base_path(n, a, nest);

	if (!again || nest->files.inode == 0 || nest->files.settled == NEVER || !folder_as_ever(&nest->base, base.p) ||
	    !files_renew(n, nest, files_in(a, base)) || rename(base.p, spare_path(n, a, nest).p) < 0) {
		pair_remove(a, base);
		nest->files = (Folder){ 0 };
	}
	nest->execution = 0;
}

static void
spare_add(Nests *n, Nest *nest)
{
	nest->next = NULL;
	*n->last = nest;
	n->last = &nest->next;
	n->spares++;
}

static void
bare_add(Nests *n, Nest *nest)
{
	fd_done(&nest->walled.ruleset);
	nest->next = n->bare;
	n->bare = nest;
}

/* The one that waits longest, of a pack that has not run for long. */
static void
spare_drop(Nests *n, Arena *a)
{
	Nest *nest = spare_take(n, &n->spare);

	if (nest->files.inode != 0)
		pair_remove(a, spare_path(n, a, nest));
	nest->files = (Folder){ 0 };
	home_remove(n, a, nest);
	bare_add(n, nest);
}

void
nest_give(Nests *n, Arena *a, Nest *nest, bool alone, bool logs)
{
	bool again = alone && nest->pack != NULL && nest->home.settled != NEVER;
	Str home = home_path(n, a, nest);

	if (!again || !untouched(nest, &nest->home, home.p)) {
		home_remove(n, a, nest);
		again = again && folder_make(n, home_path(n, a, nest).p, 0700, &nest->home);
	}
	if (again && !n->spare_base_there)
		n->spare_base_there = dirs_make(n->spare_base.p, 0750, NULL);
	files_give(n, a, nest, again && !logs);
	if (!again) {
		bare_add(n, nest);
		return;
	}
	if (n->spares == SPARE_MOST)
		spare_drop(n, a);
	spare_add(n, nest);
}

Nests *
nests_open(Arena *a, const Clock *clock, Str home_base, Str files_base)
{
	Nests *n = calloc(1, sizeof(*n));

	if (n == NULL)
		abort();
	n->a = a;
	n->clock = clock;
	n->home_base = home_base;
	n->files_base = files_base;
	n->spare_base = str_fmt(a, "%s/.spare", files_base.p);
	n->last = &n->spare;
	(void)tree_remove(n->spare_base.p); /* of one that was killed */
	return n;
}

void
nests_close(Nests *n)
{
	Arena *a;
	Nest *next;

	if (n == NULL)
		return;
	a = arena_open();
	for (Nest *nest = n->all; nest != NULL; nest = next) {
		next = nest->of_all;
		if (nest->files.inode != 0)
			pair_remove(a, nest->execution != 0 ? base_path(n, a, nest) : spare_path(n, a, nest));
		fd_done(&nest->walled.ruleset);
		free(nest);
	}
	(void)rmdir(n->spare_base.p);
	arena_close(a);
	free(n);
}
