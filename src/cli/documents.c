#include "cli/documents.h"

#include "base/near.h"
#include "base/yaml.h"
#include "cli/help.h"
#include "os/fs.h"

#include <sys/stat.h>

enum { FILE_MAX = 10 * 1024 * 1024, DEPTH_MAX = 16 };

typedef struct Pile {
	Cli *c;
	Document *all;
	size_t n, room;
} Pile;

static Document *
pile_add(Pile *p)
{
	if (p->n == p->room) {
		size_t room = p->room == 0 ? 64 : p->room * 2;

		p->all = arena_grow(p->c->a, p->all, p->room * sizeof(Document), room * sizeof(Document));
		p->room = room;
	}
	p->all[p->n] = (Document){ 0 };
	return &p->all[p->n++];
}

static bool
unknown_member(const Document *d, Str name, Err *err)
{
	size_t best = name.n / 2 + 2;
	const char *nearest = NULL, *article = strchr("aeiou", d->kind->name[0]) != NULL ? "an" : "a";

	for (size_t i = 0; i < KIND_MEMBERS && d->kind->members[i].name != NULL; i++) {
		size_t far = str_distance(name, str_of(d->kind->members[i].name));

		if (far >= best)
			continue;
		best = far;
		nearest = d->kind->members[i].name;
	}
	return err_set(err, ERR_INVALID, "%s:%u: %s %s has no member '%.*s'%s%s%s", d->file, d->line, article,
	    d->kind->name, STR_ARG(name), nearest == NULL ? "" : ". Did you mean '", nearest == NULL ? "" : nearest,
	    nearest == NULL ? "" : "'?");
}

static bool
check_members(const Document *d, Err *err)
{
	for (size_t i = 0; i < d->body.n; i++)
		if (apply_member(d->kind, d->body.members[i].key) == NULL)
			return unknown_member(d, d->body.members[i].key, err);
	return true;
}

static bool
check_twice(const Pile *p, const Document *d, Err *err)
{
	for (const Document *o = p->all; o < d; o++)
		if (o->kind == d->kind && str_eq(o->ref, d->ref))
			return err_set(err, ERR_INVALID, "%s:%u: %s %.*s is given twice, first in %s:%u", d->file,
			    d->line, d->kind->name, STR_ARG(d->ref), o->file, o->line);
	return true;
}

static bool
take_document(Pile *p, const char *file, unsigned line, Json v, Err *err)
{
	Document *d;

	if (json_is_null(&v))
		return true;
	if (!json_is(&v, JSON_OBJECT))
		return err_set(err, ERR_INVALID, "%s:%u: a document is an object with kind and ref", file, line);
	if (p->n == DOCUMENTS_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %d documents", DOCUMENTS_MAX);
	d = pile_add(p);
	d->file = file;
	d->line = line;
	d->kind = apply_kind_named(json_get_text(&v, "kind"));
	d->ref = json_get_text(&v, "ref");
	if (d->kind == NULL)
		return err_set(err, ERR_INVALID,
		    "%s:%u: kind is pack, trigger, action, workflow, sensor, key, policy or rule, not '%.*s'", file,
		    line, STR_ARG(json_get_text(&v, "kind")));
	if (d->ref.n == 0)
		return err_set(err, ERR_INVALID, "%s:%u: a %s needs a ref", file, line, d->kind->name);
	d->body = v;
	json_remove(&d->body, str_of("kind"));
	json_remove(&d->body, str_of("ref"));
	return check_members(d, err) && check_twice(p, d, err);
}

static bool
is_mark(Str line)
{
	return str_starts(line, str_of("---")) && (line.n == 3 || line.p[3] == ' ' || line.p[3] == '\r');
}

/* A file's documents lie between lines of "---". Each is parsed behind as many empty lines as stood before it, so that errors name
 * the line of the file. */
static bool
take_text(Pile *p, const char *file, Str text, Err *err)
{
	Arena *a = p->c->a;
	Str rest = text, line;
	Buf one = buf_open(a);
	unsigned at = 0, begun = 1;
	bool more = true, blank = true;

	while (more) {
		more = str_cut(&rest, '\n', &line);
		at++;
		if (more && !is_mark(line)) {
			if (blank && str_trim(line).n > 0 && str_trim(line).p[0] != '#') {
				blank = false;
				begun = at;
			}
			buf_add(&one, line);
			if (!str_none(rest))
				buf_char(&one, '\n');
			continue;
		}
		if (!blank) {
			Json v;

			if (!yaml_parse(a, file, buf_str(&one), NULL, &v, err) ||
			    !take_document(p, file, begun, v, err))
				return false;
		}
		one = buf_open(a);
		for (unsigned i = 0; i < at; i++)
			buf_char(&one, '\n');
		blank = true;
	}
	return true;
}

static bool
take_file(Pile *p, const char *path, Err *err)
{
	Str text;

	return file_read(p->c->a, path, FILE_MAX, &text, err) && take_text(p, path, text, err);
}

static bool
take_folder(Pile *p, const char *path, unsigned depth, Err *err)
{
	DirEntry *entries;
	size_t n;

	if (depth > DEPTH_MAX)
		return err_set(err, ERR_INVALID, "'%s' lies deeper than %d folders", path, DEPTH_MAX);
	if (!dir_list(p->c->a, path, &entries, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		Str name = entries[i].name;
		const char *child = str_fmt(p->c->a, "%s/%.*s", path, STR_ARG(name)).p;
		bool yaml = str_ends(name, str_of(".yaml")) || str_ends(name, str_of(".yml")) ||
			    str_ends(name, str_of(".json"));

		if (name.p[0] == '.')
			continue;
		if (entries[i].dir ? !take_folder(p, child, depth + 1, err) : yaml && !take_file(p, child, err))
			return false;
	}
	return true;
}

/* By kind, in the order in which they are made; within a kind as they were read. */
static void
sort(Pile *p)
{
	Document *sorted = arena_array(p->c->a, Document, p->n + 1);
	size_t n_kinds, at = 0;
	const ApplyKind *kinds = apply_kinds(&n_kinds);

	for (size_t k = 0; k < n_kinds; k++)
		for (size_t i = 0; i < p->n; i++)
			if (p->all[i].kind == &kinds[k])
				sorted[at++] = p->all[i];
	p->all = sorted;
}

bool
documents_read(Cli *c, Str path, Document **ret, size_t *ret_count, Err *err)
{
	const char *name = str_cstr(c->a, path);
	Pile p = { .c = c };
	struct stat st;
	Str text;

	if (str_is(path, "-")) {
		if (!cli_text_of(c, path, &text, err) || !take_text(&p, "standard input", text, err))
			return false;
	} else if (stat(name, &st) < 0) {
		return err_set(err, ERR_INVALID, "there is no '%s'", name);
	} else if (S_ISDIR(st.st_mode) ? !take_folder(&p, name, 0, err) : !take_file(&p, name, err)) {
		return false;
	}
	sort(&p);
	*ret = p.all;
	*ret_count = p.n;
	return true;
}
