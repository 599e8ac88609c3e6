#include "engine/register.h"

#include "os/fs.h"
#include "store/change.h"
#include "store/pack.h"

enum {
	FOLDER_DEPTH_MOST = 8,
	FILE_MOST = 1024 * 1024,
	LOADER = 1, /* rises when the same files would be stored differently */
};

typedef struct Sum {
	Arena *a;
	uint64_t value;
} Sum;

/* FNV-1a: it tells changes from no changes, not friends from enemies. */
static void
sum_add(Sum *s, Str bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		s->value = (s->value ^ (unsigned char)bytes.p[i]) * 0x100000001b3ull;
	s->value = (s->value ^ 0xff) * 0x100000001b3ull;
}

static bool
is_yaml(Str name)
{
	return str_ends(name, str_of(".yaml")) || str_ends(name, str_of(".yml"));
}

/* Names of all files, contents of those that are read: scripts are looked at when they run. */
static bool
sum_folder(Sum *s, Str path, unsigned depth, Err *err)
{
	DirEntry *entries;
	size_t n;
	Str text;

	if (!dir_list(s->a, path.p, &entries, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Str name = entries[i].name, full = str_fmt(s->a, "%.*s/%.*s", STR_ARG(path), STR_ARG(name));

		if (name.p[0] == '.' || str_is(name, "node_modules") || str_is(name, "__pycache__"))
			continue;
		sum_add(s, name);
		if (entries[i].dir && depth < FOLDER_DEPTH_MOST && !sum_folder(s, full, depth + 1, err))
			return false;
		if (entries[i].dir || !is_yaml(name))
			continue;
		if (!file_read(s->a, full.p, FILE_MOST, &text, err))
			return false;
		sum_add(s, text);
	}
	return true;
}

static bool
checksum(Arena *a, Str folder, Str *ret, Err *err)
{
	Sum s = { .a = a, .value = 0xcbf29ce484222325ull };

	sum_add(&s, str_fmt(a, "%d", LOADER));
	sum_add(&s, folder);
	if (!sum_folder(&s, folder, 0, err))
		return false;
	*ret = str_fmt(a, "fnv1a:%016llx", (unsigned long long)s.value);
	return true;
}

/* Somebody may have registered it while this process waited for the lock, or put other files in their place. */
static bool
register_locked(Db *db, Arena *a, Str folder, Pack *pack, Str sum, TimeUs now, RegisterResult *r, Err *err)
{
	Str stored, found;

	if (!change_lock(db, a, err) || !checksum(a, folder, &found, err))
		return false;
	if (!str_eq(found, sum)) {
		*pack = (Pack){ 0 };
		sum = found;
		if (!pack_load(a, folder, pack, err))
			return false;
	}
	if (!pack_checksum(db, a, pack->def.ref, &stored, err))
		return false;
	r->unchanged = str_eq(stored, sum);
	if (r->unchanged)
		return true;
	return register_pack(db, a, pack, now, &r->report, err) && pack_set_checksum(db, a, r->report.pack, sum, err);
}

static bool
register_once(Db *db, Arena *a, Str folder, Pack *pack, Str sum, TimeUs now, RegisterResult *r, Err *err)
{
	if (db_begin(db, err) && register_locked(db, a, folder, pack, sum, now, r, err) && db_commit(db, err))
		return true;
	db_rollback(db);
	return false;
}

/* What is wrong with a pack is its own affair; what is wrong with the store is everybody's. */
static bool
is_ours(ErrCode code)
{
	static const bool ours[ERR_CODES] = {
		[ERR_INVALID] = true,
		[ERR_VALIDATION] = true,
		[ERR_NOT_FOUND] = true,
		[ERR_CONFLICT] = true,
		[ERR_TOO_LARGE] = true,
		[ERR_FORBIDDEN] = true,
		[ERR_SYS] = true,
	};

	return ours[code];
}

static Str
last_part(Str folder)
{
	size_t from = folder.n;

	while (from > 0 && folder.p[from - 1] != '/')
		from--;
	return str_sub(folder, from, folder.n);
}

static bool
register_folder(Db *db, Arena *a, Str folder, TimeUs now, RegisterResult *r, Err *err)
{
	Pack pack = { 0 };
	Str sum, stored;
	bool ok;

	if (!checksum(a, folder, &sum, err))
		return false;
	/* The folder mostly has the pack's name, and is part of the sum: nothing need be read then. */
	r->ref = last_part(folder);
	if (!pack_checksum(db, a, r->ref, &stored, err))
		return false;
	r->unchanged = str_eq(stored, sum);
	if (r->unchanged)
		return true;
	ok = pack_load(a, folder, &pack, err);
	r->ref = pack.def.ref;
	r->problems = pack.problems;
	r->problem_count = pack.problem_count;
	if (!ok)
		return false;
	if (!pack_checksum(db, a, pack.def.ref, &stored, err))
		return false;
	r->unchanged = str_eq(stored, sum);
	if (r->unchanged || register_once(db, a, folder, &pack, sum, now, r, err))
		return true;
	r->refused = err->code == ERR_VALIDATION;
	return false;
}

static bool
one_folder(Db *db, Arena *a, Str folder, TimeUs now, RegisterResult *r, Err *err)
{
	Err why = { 0 };

	r->folder = folder;
	if (register_folder(db, a, folder, now, r, &why))
		return true;
	if (!is_ours(why.code)) {
		*err = why;
		return false;
	}
	r->problem = str_copy(a, str_of(why.text));
	return true;
}

/* What one pack lacked, another one may have brought since: those that the store refused are tried again while that helps. */
static bool
again(Db *db, Arena *a, TimeUs now, RegisterResult *results, size_t n, Err *err)
{
	bool helped = true;

	while (helped) {
		helped = false;
		for (size_t i = 0; i < n; i++) {
			RegisterResult r = { 0 };

			if (!results[i].refused)
				continue;
			if (!one_folder(db, a, results[i].folder, now, &r, err))
				return false;
			helped = helped || str_none(r.problem);
			results[i] = r;
		}
	}
	return true;
}

/* Only "core" goes before the others, which are in byte order already. */
static void
core_first(DirEntry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		DirEntry core = entries[i];

		if (!str_is(core.name, "core"))
			continue;
		memmove(entries + 1, entries, i * sizeof(*entries));
		entries[0] = core;
		return;
	}
}

bool
register_all(Db *db, Arena *a, Str base_dir, TimeUs now, RegisterResult **ret, size_t *ret_n, Err *err)
{
	DirEntry *entries;
	size_t n;

	if (!dir_list(a, str_cstr(a, base_dir), &entries, &n, err))
		return err_wrap(err, "packs_base_dir '%.*s'", STR_ARG(base_dir));
	core_first(entries, n);
	*ret = arena_array(a, RegisterResult, n + 1);
	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		Str folder = str_fmt(a, "%.*s/%.*s", STR_ARG(base_dir), STR_ARG(entries[i].name));

		if (!entries[i].dir || entries[i].name.p[0] == '.' ||
		    !file_exists(str_fmt(a, "%.*s/pack.yaml", STR_ARG(folder)).p))
			continue;
		if (!one_folder(db, a, folder, now, &(*ret)[(*ret_n)++], err))
			return false;
	}
	return again(db, a, now, *ret, *ret_n, err);
}
