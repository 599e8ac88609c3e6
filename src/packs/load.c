#include "packs/load.h"

#include "base/yaml.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum { FILE_MOST = 1024 * 1024 };

static void
problem_add(Load *l, bool fatal, const char *pointer, Str text)
{
	PackProblem *p = arena_new(l->a, PackProblem);

	*p = (PackProblem){ .fatal = fatal, .file = l->file, .text = text, .line = 1, .column = 1 };
	if (l->text.n > 0)
		(void)yaml_locate(l->text, str_of(pointer), &p->line, &p->column);
	l->fatal = l->fatal || fatal;
	vec_push(&l->problems, p);
}

void
load_fatal(Load *l, const char *pointer, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_add(l, true, pointer, str_vfmt(l->a, fmt, ap));
	va_end(ap);
}

void
load_warn(Load *l, const char *pointer, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_add(l, false, pointer, str_vfmt(l->a, fmt, ap));
	va_end(ap);
}

/* "actions/a.yaml: line 3, column 5: what" is taken apart again, so that every problem has its place in the same two numbers. */
static void
parse_problem(Load *l, const Err *err)
{
	Str text = str_copy(l->a, str_of(err->text)), mark = str_of(": line ");
	unsigned line = 1, column = 1;
	char *end;
	size_t at;

	l->text = (Str){ 0 };
	if (str_find(text, mark, &at)) {
		line = (unsigned)strtoul(text.p + at + mark.n, &end, 10);
		if (strncmp(end, ", column ", 9) == 0)
			column = (unsigned)strtoul(end + 9, &end, 10);
		text = str_of(*end == ':' ? end + 2 : end);
	}
	problem_add(l, true, "", text);
	((PackProblem *)l->problems.items[l->problems.n - 1])->line = line;
	((PackProblem *)l->problems.items[l->problems.n - 1])->column = column;
}

bool
load_file(Load *l, Str file)
{
	Err err = { 0 };
	Str text;

	l->file = file;
	l->text = (Str){ 0 };
	if (!file_read_at(l->a, l->dir_fd, file.p, FILE_MOST, &text, &err)) {
		load_fatal(l, "", "%s", err.text);
		return false;
	}
	return load_text(l, file, text);
}

bool
load_text(Load *l, Str file, Str text)
{
	Err err = { 0 };

	l->file = file;
	l->text = text;
	if (!yaml_parse(l->a, file.p, l->text, NULL, &l->root, &err)) {
		parse_problem(l, &err);
		return false;
	}
	if (l->root.kind != JSON_OBJECT) {
		load_fatal(l, "", "a mapping of keys is expected, not %s", load_kind(&l->root));
		return false;
	}
	return true;
}

static bool
has_dots(Str path)
{
	Str rest = path, part;

	while (str_cut(&rest, '/', &part))
		if (str_is(part, ".."))
			return true;
	return false;
}

Presence
load_presence(Load *l, const char *pointer, Str file)
{
	Err err = { 0 };
	int fd = -1;

	if (has_dots(file) || str_starts(file, str_of("/"))) {
		load_fatal(l, pointer, "'%.*s' leaves the pack", STR_ARG(file));
		return FILE_REFUSED;
	}
	if (open_beneath(l->dir_fd, str_cstr(l->a, file), O_RDONLY | O_CLOEXEC | O_NONBLOCK, &fd, &err)) {
		fd_done(&fd);
		return FILE_THERE;
	}
	if (err.code != ERR_FORBIDDEN)
		return FILE_MISSING;
	load_fatal(l, pointer, "'%.*s' leaves the pack", STR_ARG(file));
	return FILE_REFUSED;
}

static bool
is_yaml(const DirEntry *e)
{
	return !e->dir && e->name.p[0] != '.' &&
	       (str_ends(e->name, str_of(".yaml")) || str_ends(e->name, str_of(".yml")));
}

/* Two files with one ref: the second is refused, naming the first. */
static void
claim_ref(Load *l, const Kind *k, Str ref)
{
	Str key = str_fmt(l->a, "%s %.*s", k->name, STR_ARG(ref));
	const Str *before = map_get_str(&l->refs, key);
	Str *here = arena_new(l->a, Str);

	*here = l->file;
	if (before != NULL)
		load_fatal(l, "/ref", "the ref '%.*s' is in %.*s already", STR_ARG(ref), STR_ARG(*before));
	else
		map_put_str(&l->refs, key, here);
}

static void
read_one(Load *l, const Kind *k, Str file, void *def)
{
	Str ref;

	if (!load_file(l, file))
		return;
	k->preset(l, def);
	fields_read(l, k->fields, k->field_count, def);
	memcpy(&ref, (char *)def + k->ref_at, sizeof(ref));
	if (str_none(ref))
		return;
	k->finish(l, def);
	memcpy(&ref, (char *)def + k->ref_at, sizeof(ref)); /* qualified now */
	claim_ref(l, k, ref);
}

static void
read_folder(Load *l, const Kind *k)
{
	Str path = str_fmt(l->a, "%s/%s", l->dir, k->folder);
	DirEntry *entries;
	size_t n, count = 0;
	char *items;
	Err err = { 0 };

	if (!file_exists(path.p))
		return;
	if (!dir_list(l->a, path.p, &entries, &n, &err)) {
		l->file = str_of(k->folder);
		l->text = (Str){ 0 };
		load_fatal(l, "", "%s", err.text);
		return;
	}
	items = arena_array_of(l->a, n + 1, k->size);
	for (size_t i = 0; i < n; i++)
		if (is_yaml(&entries[i]))
			read_one(l, k, str_fmt(l->a, "%s/%.*s", k->folder, STR_ARG(entries[i].name)),
			    items + count++ * k->size);
	memcpy((char *)l->pack + k->items_at, &items, sizeof(items));
	memcpy((char *)l->pack + k->count_at, &count, sizeof(count));
}

PackProblem *
load_problems(const Load *l, size_t *ret_n)
{
	PackProblem *all = arena_array(l->a, PackProblem, l->problems.n + 1);

	*ret_n = l->problems.n;
	for (size_t i = 0; i < l->problems.n; i++)
		all[i] = *(PackProblem *)l->problems.items[i];
	return all;
}

static bool
first_fatal(const Load *l, Err *err)
{
	for (size_t i = 0; i < l->pack->problem_count; i++) {
		const PackProblem *p = &l->pack->problems[i];

		if (p->fatal)
			return err_set(err, ERR_VALIDATION, "%s/%.*s:%u:%u: %.*s", l->dir, STR_ARG(p->file), p->line,
			    p->column, STR_ARG(p->text));
	}
	return true;
}

bool
pack_load(Arena *a, Str dir, Pack *ret, Err *err)
{
	const char *path = str_cstr(a, dir);
	CLEANUP(fd_done) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	Load l = { .a = a, .dir = path, .dir_fd = fd, .pack = ret, .problems = vec_open(a), .refs = map_open(a) };

	*ret = (Pack){ 0 };
	if (fd < 0)
		return err_sys(err, errno, "pack folder '%s'", path);
	if (load_file(&l, str_of("pack.yaml")))
		manifest_read(&l);
	ret->def.storage_path = dir;
	for (size_t i = 0; i < pack_kind_count; i++)
		read_folder(&l, &pack_kinds[i]);
	workflows_read(&l);
	ret->problems = load_problems(&l, &ret->problem_count);
	return first_fatal(&l, err);
}
