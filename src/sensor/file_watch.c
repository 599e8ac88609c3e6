/*
 * core.file_watch: what happens to files in directories. The kernel tells what changed; a list of the files as they were last seen lets
 * us find out by ourselves when it could not tell (its queue overflowed). Writes are reported once they have rested for a moment.
 */
#include "sensor/builtin.h"

#include "base/clock.h"
#include "base/map.h"
#include "os/fs.h"
#include "os/poll.h"
#include "os/watch.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	DEPTH_MOST = 64,
	LOOK_US = 5 * US_PER_S,        /* for a directory that is not there yet */
	HALF_MOVE_US = 50 * US_PER_MS, /* the other half comes at once, or never */
	SETTLE_US = 500 * US_PER_MS,
};

typedef enum Kind { KIND_CREATED = 1, KIND_MODIFIED = 2, KIND_DELETED = 4, KIND_MOVED = 8, KINDS_ALL = 15 } Kind;

static const struct {
	Kind kind;
	const char *name;
} kind_names[] = {
	{ KIND_CREATED, "created" },
	{ KIND_MODIFIED, "modified" },
	{ KIND_DELETED, "deleted" },
	{ KIND_MOVED, "moved" },
};

typedef struct Rule {
	Json id;
	Str trigger_ref;
	Json paths, patterns; /* arrays of texts */
	bool recursive;
	unsigned kinds;
	TimeUs settle;
} Rule;

/* A file as it was last seen, and what is still to be said of it. */
typedef struct File {
	int64_t size, mtime;
	bool there;
	unsigned pending; /* created or modified */
	TimeUs due;
} File;

typedef struct Half {
	Str path;
	uint32_t cookie;
	TimeUs until;
} Half;

typedef struct FileWatch {
	Arena *rules_a;
	Rule *rules;
	size_t rule_count;
	Map definitions; /* rule id → Json of it, in rules_a */
	Arena *files_a;
	Map files; /* path → File */
	Map dirs;  /* number → path, in files_a */
	Map known; /* paths that were watched before the watches were made anew */
	int fd;
	Poll poll;
	News news;
	Half half;            /* of a move; no path: none waits */
	bool missing, broken; /* a root is not there; nobody reads us any more */
	TimeUs looked;
} FileWatch;

static TimeUs
mono(void)
{
	return clock_mono(clock_real());
}

/* ---- rules ---- */

static Json
texts_of(Arena *a, const Json *config, const char *one, const char *many, const char *fallback)
{
	const Json *single = json_get(config, one), *list = json_get(config, many);
	Json all = json_array();

	if (json_is(single, JSON_STRING))
		json_push(a, &all, *single);
	for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++)
		if (json_is(&list->items[i], JSON_STRING))
			json_push(a, &all, list->items[i]);
	if (all.n == 0 && fallback != NULL)
		json_push(a, &all, json_cstr(fallback));
	return all;
}

static unsigned
kinds_of(const Json *config)
{
	const Json *list = json_get(config, "events");
	unsigned kinds = 0;

	for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++)
		for (size_t k = 0; k < countof(kind_names); k++)
			if (str_is(json_as_str(&list->items[i]), kind_names[k].name))
				kinds |= kind_names[k].kind;
	return kinds == 0 ? KINDS_ALL : kinds;
}

static TimeUs
settle_of(const Json *config)
{
	const Json *v = json_get(config, "settle");
	TimeUs t = SETTLE_US;

	if (json_is_number(v))
		t = (TimeUs)(json_as_real(v, 0.5) * US_PER_S);
	else if (json_is(v, JSON_STRING) && !duration_parse(json_as_str(v), &t))
		t = SETTLE_US;
	return t < 0 ? 0 : t > 3600 * (TimeUs)US_PER_S ? 3600 * (TimeUs)US_PER_S : t;
}

static Rule
rule_read(Arena *a, const Json *r)
{
	const Json *config = json_get(r, "config");

	return (Rule){ .id = *json_get(r, "id"),
		.trigger_ref = json_get_text(r, "trigger_ref"),
		.paths = texts_of(a, config, "path", "paths", NULL),
		.patterns = texts_of(a, config, "pattern", "patterns", "*"),
		.recursive = json_as_bool(json_get(config, "recursive"), false),
		.kinds = kinds_of(config),
		.settle = settle_of(config) };
}

static bool
under(Str dir, Str root)
{
	while (root.n > 1 && root.p[root.n - 1] == '/')
		root.n--;
	return str_starts(dir, root) && (dir.n == root.n || root.n == 1 || dir.p[root.n] == '/');
}

static bool
rule_covers(const Rule *r, Str dir)
{
	for (uint32_t i = 0; i < r->paths.n; i++) {
		Str root = json_as_str(&r->paths.items[i]);

		if (under(dir, root) && (r->recursive || under(root, dir)))
			return true;
	}
	return false;
}

static Str
name_of(Str path)
{
	size_t at = path.n;

	while (at > 0 && path.p[at - 1] != '/')
		at--;
	return str_sub(path, at, path.n);
}

static Str
dir_of(Str path)
{
	size_t n = path.n - name_of(path).n;

	return str_sub(path, 0, n > 1 ? n - 1 : n);
}

static bool
rule_takes(const Rule *r, Str path)
{
	char name[NAME_MAX + 1];

	if (!rule_covers(r, dir_of(path)))
		return false;
	snprintf(name, sizeof(name), "%.*s", STR_ARG(name_of(path)));
	for (uint32_t i = 0; i < r->patterns.n; i++)
		if (fnmatch(r->patterns.items[i].s, name, 0) == 0)
			return true;
	return false;
}

static bool
anyone_covers(const FileWatch *w, Str dir)
{
	for (size_t i = 0; i < w->rule_count; i++)
		if (rule_covers(&w->rules[i], dir))
			return true;
	return false;
}

/* ---- telling ---- */

static void
emit(FileWatch *w, Kind kind, Str path, Str from)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	struct stat st;
	bool there = kind != KIND_DELETED && stat(str_cstr(a, path), &st) == 0;
	const char *name = "";

	for (size_t k = 0; k < countof(kind_names); k++)
		if (kind_names[k].kind == kind)
			name = kind_names[k].name;
	for (size_t i = 0; i < w->rule_count && !w->broken; i++) {
		const Rule *r = &w->rules[i];
		Json p = json_object();

		if ((r->kinds & (unsigned)kind) == 0 || !rule_takes(r, path))
			continue;
		json_add(a, &p, "event", json_cstr(name));
		json_add(a, &p, "path", json_str(path));
		json_add(a, &p, "name", json_str(name_of(path)));
		json_add(a, &p, "directory", json_str(dir_of(path)));
		json_add(a, &p, "old_path", json_str(from));
		json_add(a, &p, "size", there ? json_int(st.st_size) : json_null());
		json_add(a, &p, "modified_at",
		    there ? json_str(time_text(a, (TimeUs)st.st_mtim.tv_sec * US_PER_S)) : json_null());
		json_add(a, &p, "observed_at", json_str(time_text(a, clock_wall(clock_real()))));
		w->broken = !builtin_emit(&r->id, r->trigger_ref, (Str){ 0 }, p);
	}
}

static File *
file_at(FileWatch *w, Str path)
{
	File *f = map_get_str(&w->files, path);

	if (f != NULL)
		return f;
	f = arena_new(w->files_a, File);
	map_put_str(&w->files, str_copy(w->files_a, path), f);
	return f;
}

/* The longest that any rule wants a write to rest. */
static TimeUs
settle_for(const FileWatch *w, Str path)
{
	TimeUs most = 0;

	for (size_t i = 0; i < w->rule_count; i++)
		if (w->rules[i].settle > most && rule_takes(&w->rules[i], path))
			most = w->rules[i].settle;
	return most;
}

static void
pend(FileWatch *w, Str path, Kind kind)
{
	File *f = file_at(w, path);

	if ((f->pending & KIND_CREATED) == 0)
		f->pending |= (unsigned)kind;
	f->due = mono() + settle_for(w, path);
}

static void
flush(FileWatch *w, Str path, File *f)
{
	struct stat st;
	char text[PATH_MAX];
	unsigned pending = f->pending;

	f->pending = 0;
	snprintf(text, sizeof(text), "%.*s", STR_ARG(path));
	if (stat(text, &st) == 0) {
		f->size = st.st_size;
		f->mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	}
	f->there = true;
	if (pending != 0)
		emit(w, (pending & KIND_CREATED) != 0 ? KIND_CREATED : KIND_MODIFIED, path, (Str){ 0 });
}

static void
gone(FileWatch *w, Str path)
{
	File *f = map_get_str(&w->files, path);

	if (f != NULL && f->pending != 0)
		flush(w, path, f);
	if (f == NULL || !f->there)
		return;
	map_put_str(&w->files, path, NULL);
	emit(w, KIND_DELETED, path, (Str){ 0 });
}

/* ---- looking by ourselves ---- */

static Str
joined(Arena *a, Str dir, Str name)
{
	return str_fmt(a, "%.*s%s%.*s", STR_ARG(dir), dir.n == 1 ? "" : "/", STR_ARG(name));
}

/* A file that is there: new, other than before, or as we know it. */
static void
seen(FileWatch *w, Str path, const struct stat *st, bool tell)
{
	int64_t mtime = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	File *f = map_get_str(&w->files, path);
	bool known = f != NULL && f->there;

	if (known && f->mtime == mtime && f->size == st->st_size)
		return;
	f = file_at(w, path);
	if (tell) {
		pend(w, path, known ? KIND_MODIFIED : KIND_CREATED);
		return;
	}
	f->there = true;
	f->mtime = mtime;
	f->size = st->st_size;
}

static void
walk(FileWatch *w, Arena *a, Str dir, bool tell, int depth)
{
	DirEntry *list;
	Err why = { 0 };
	size_t n;
	int number;

	if (depth > DEPTH_MOST || !anyone_covers(w, dir))
		return;
	if (!watch_add(w->fd, str_cstr(a, dir), &number, &why)) {
		if (depth == 0 && !w->missing)
			fprintf(stderr, "%s; it is looked for every 5 s\n", why.text);
		w->missing |= depth == 0;
		return;
	}
	map_put(&w->dirs, number, (void *)(uintptr_t)str_copy(w->files_a, dir).p);
	tell |= map_get_str(&w->known, dir) != NULL;
	if (!dir_list(a, str_cstr(a, dir), &list, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++) {
		Str path = joined(a, dir, list[i].name);
		struct stat st;

		if (lstat(path.p, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			walk(w, a, path, tell, depth + 1);
		else
			seen(w, path, &st, tell);
	}
}

static void
walk_all(FileWatch *w, bool tell)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	w->missing = false;
	for (size_t i = 0; i < w->rule_count; i++)
		for (uint32_t j = 0; j < w->rules[i].paths.n; j++) {
			Str root = json_as_str(&w->rules[i].paths.items[j]);

			while (root.n > 1 && root.p[root.n - 1] == '/')
				root.n--;
			walk(w, a, root, tell, 0);
		}
	w->looked = mono();
}

/* What was lost is found by looking: what is new, what is other, what is gone. */
static void
gone_find(FileWatch *w)
{
	size_t at = 0;
	struct stat st;
	Str path;
	void *f;

	while (map_next(&w->files, &at, NULL, &path, &f)) {
		if (((File *)f)->there && lstat(path.p, &st) < 0)
			gone(w, path);
	}
}

static void
look_again(FileWatch *w)
{
	walk_all(w, true);
	gone_find(w);
}

static void
watch_anew(FileWatch *w)
{
	Err why = { 0 };

	if (w->fd >= 0) {
		poll_remove(&w->poll, w->fd);
		close(w->fd);
	}
	if (watch_open(&w->fd, &why) && poll_add(&w->poll, w->fd, w, &why))
		return;
	fprintf(stderr, "%s\n", why.text);
	exit(1);
}

/* The kernel numbers directories, and what is known of files is kept: only the watches are made anew. */
static void
begin(FileWatch *w, bool tell)
{
	Arena *before = w->files_a;
	Map files = w->files, dirs = w->dirs;
	size_t at = 0;
	Str path;
	void *one;

	w->files_a = arena_open();
	w->files = map_open(w->files_a);
	w->dirs = map_open(w->files_a);
	w->known = map_open(w->files_a);
	w->half = (Half){ 0 };
	while (before != NULL && map_next(&files, &at, NULL, &path, &one))
		if (anyone_covers(w, dir_of(path)))
			*file_at(w, path) = *(File *)one;
	at = 0;
	while (before != NULL && map_next(&dirs, &at, NULL, NULL, &one))
		map_put_str(&w->known, str_copy(w->files_a, str_of(one)), w);
	if (before != NULL)
		arena_close(before);
	watch_anew(w);
	walk_all(w, tell);
	gone_find(w); /* while nothing was watched */
}

/* ---- hearing ---- */

static void
half_end(FileWatch *w)
{
	Str path = w->half.path;

	w->half = (Half){ 0 };
	if (!str_none(path))
		gone(w, path);
}

static void
moved_to(FileWatch *w, Str path, uint32_t cookie)
{
	Str from = w->half.path;
	File *f;

	if (str_none(from) || w->half.cookie != cookie) {
		half_end(w);
		pend(w, path, KIND_CREATED);
		return;
	}
	w->half = (Half){ 0 };
	f = map_get_str(&w->files, from);
	if (f != NULL && f->pending != 0)
		flush(w, from, f);
	map_put_str(&w->files, from, NULL);
	flush(w, path, file_at(w, path));
	emit(w, KIND_MOVED, path, from);
}

static void
file_changed(FileWatch *w, const Watched *x, Str path)
{
	if ((x->change & FILE_MOVED_FROM) != 0) {
		half_end(w);
		w->half = (Half){ str_copy(w->files_a, path), x->cookie, mono() + HALF_MOVE_US };
	} else if ((x->change & FILE_MOVED_TO) != 0) {
		moved_to(w, path, x->cookie);
	} else if ((x->change & FILE_GONE) != 0) {
		gone(w, path);
	} else if ((x->change & FILE_MADE) != 0) {
		pend(w, path, KIND_CREATED);
	} else if ((x->change & (FILE_WRITTEN | FILE_TOUCHED)) != 0) {
		pend(w, path, KIND_MODIFIED);
	}
}

static void
directory_changed(FileWatch *w, const Watched *x, Arena *a, Str path)
{
	if ((x->change & (FILE_MADE | FILE_MOVED_TO)) != 0)
		walk(w, a, path, true, 1); /* what was put there before we watched is new too */
	else if ((x->change & (FILE_GONE | FILE_MOVED_FROM)) != 0)
		look_again(w);
}

static void
hear(FileWatch *w)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Watched list[EVENTS];
	bool lost = false;
	size_t n;

	while (!w->broken && (n = watch_read(w->fd, a, list, EVENTS)) > 0) {
		for (size_t i = 0; i < n; i++) {
			const char *dir = map_get(&w->dirs, list[i].directory);
			Str path;

			lost |= (list[i].change & QUEUE_OVERFLOW) != 0;
			if (dir == NULL)
				continue;
			if ((list[i].change & DIR_GONE) != 0) {
				map_put(&w->dirs, list[i].directory, NULL);
				w->missing = true;
				continue;
			}
			path = joined(a, str_of(dir), list[i].name);
			if (list[i].is_dir)
				directory_changed(w, &list[i], a, path);
			else
				file_changed(w, &list[i], path);
		}
		arena_reset(a);
	}
	if (lost) {
		fprintf(stderr, "more changed at once than the kernel could tell: all files are looked at again\n");
		look_again(w);
	}
}

/* ---- rules come and go ---- */

static void
rules_rebuild(FileWatch *w)
{
	Arena *a = arena_open();
	Map kept = map_open(a);
	size_t at = 0, n = 0;
	int64_t id;
	void *one;

	while (map_next(&w->definitions, &at, &id, NULL, &one)) {
		Json *copy = arena_new(a, Json);

		*copy = json_clone(a, one);
		map_put(&kept, id, copy);
		n++;
	}
	w->rules = arena_array(a, Rule, n + 1);
	w->rule_count = 0;
	at = 0;
	while (map_next(&kept, &at, &id, NULL, &one))
		w->rules[w->rule_count++] = rule_read(a, one);
	arena_close(w->rules_a);
	w->rules_a = a;
	w->definitions = kept;
}

static void
rule_put(FileWatch *w, const Json *rule, bool there)
{
	Json *copy = arena_new(w->rules_a, Json);
	int64_t id = json_as_int(json_get(rule, "id"), 0);

	*copy = json_clone(w->rules_a, rule);
	if (id > 0)
		map_put(&w->definitions, id, there ? copy : NULL);
}

/* False when it is to end. */
static bool
listen_rules(FileWatch *w)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	bool changed = false;
	Json line;

	while (news_next(&w->news, a, &line)) {
		Str type = json_get_text(&line, "type");
		const Json *rules = json_get(&line, "rules");

		if (str_is(type, "stop"))
			return false;
		for (uint32_t i = 0; json_is(rules, JSON_ARRAY) && i < rules->n; i++)
			rule_put(w, &rules->items[i], true);
		if (str_starts(type, str_of("rule.")))
			rule_put(w, json_get(&line, "rule"), !str_is(type, "rule.deleted"));
		changed = true;
	}
	if (changed) {
		rules_rebuild(w);
		begin(w, false);
		printf("{\"type\":\"ready\"}\n");
		fflush(stdout);
	}
	return !w->news.ended;
}

/* ---- the loop ---- */

static TimeUs
fire(FileWatch *w)
{
	TimeUs now = mono(), next = -1;
	size_t at = 0;
	Str path;
	void *one;

	if (!str_none(w->half.path) && now >= w->half.until)
		half_end(w);
	while (map_next(&w->files, &at, NULL, &path, &one)) {
		File *f = one;

		if (f->pending == 0)
			continue;
		if (f->due <= now)
			flush(w, path, f);
		else if (next < 0 || f->due - now < next)
			next = f->due - now;
	}
	if (!str_none(w->half.path) && (next < 0 || next > HALF_MOVE_US))
		next = HALF_MOVE_US;
	if (w->missing && now - w->looked >= LOOK_US)
		walk_all(w, true);
	if (w->missing && (next < 0 || next > LOOK_US))
		next = LOOK_US;
	return next;
}

int
file_watch_main(void)
{
	FileWatch w = { .fd = -1, .rules_a = arena_open() };
	Err err = { 0 };
	void *owners[2];
	bool woken;

	w.definitions = map_open(w.rules_a);
	if (!poll_open(&w.poll, &err) || !poll_add(&w.poll, STDIN_FILENO, &w.news, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	begin(&w, false);
	while (!w.broken && listen_rules(&w)) {
		TimeUs wait = fire(&w);

		(void)poll_wait(&w.poll, wait, owners, countof(owners), &woken);
		hear(&w);
		if (arena_used(w.files_a) > 64 * 1024 * 1024 && w.files.used > 4 * w.files.n)
			begin(&w, true); /* names of files that are gone are forgotten */
	}
	return 0;
}
