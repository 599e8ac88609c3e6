#include "api/resource.h"

#include "api/access.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 100 };

static Str
ref_of(const Resource *r, const void *def)
{
	Str ref;

	memcpy(&ref, (const char *)def + r->table->ref_at, sizeof(ref));
	return ref;
}

bool
resource_find(App *app, Arena *a, const Resource *r, Str key, void *ret, Err *err)
{
	Id id;

	if (str_to_int(key, &id))
		return def_get(app_db(app), a, r->table, id, ret, err);
	return def_get_ref(app_db(app), a, r->table, key, ret, err);
}

static Target
target_of(const Resource *r, const void *def, Str asked)
{
	Target t = { .asked = asked, .ref = ref_of(r, def) };

	memcpy(&t.id, def, sizeof(t.id));
	memcpy(&t.pack_ref, (const char *)def + r->pack_at, sizeof(t.pack_ref));
	return t;
}

static Str
right_of(Arena *a, const Resource *r, const char *action)
{
	return str_fmt(a, "%s:%s", r->rights, action);
}

bool
resource_held(App *app, Arena *a, const Resource *r, Str key, const char *action, void *ret, Err *err)
{
	Target t;

	if (!resource_find(app, a, r, key, ret, err))
		return false;
	t = target_of(r, ret, key);
	return reach(app, right_of(a, r, action).p, &t, err);
}

bool
resource_makeable(App *app, const Resource *r, Str ref, Str pack_ref, Err *err)
{
	Target t = { .ref = ref, .pack_ref = pack_ref };

	return need(app, right_of(app->uow->arena, r, "create").p, &t, err);
}

/* A list's rows, one by one, where the caller's rights name some only. */
typedef struct Seen {
	App *app;
	const Resource *r;
	const char *right;
	Keep *keep;
	void *self;
} Seen;

static bool
is_seen(const void *def, void *self)
{
	const Seen *s = self;
	Target t = target_of(s->r, def, (Str){ 0 });

	return may(s->app, s->right, &t) && (s->keep == NULL || s->keep(def, s->self));
}

bool
resource_of_path(App *app, Req *q, const Resource *r, const char *param, void *ret, Err *err)
{
	Arena *a = req_arena(q);
	Str key = req_param(q, param);
	Target t;

	if (!resource_find(app, a, r, key, ret, err))
		return false;
	t = target_of(r, ret, key);
	return see(app, right_of(a, r, "read").p, &t, err);
}

/* ---- lists ---- */

/* The page of a list that the database has filtered and cut: by offset, or behind the last row of the page before. */
static bool
list_cut(App *app, Req *q, Res *s, const Resource *r, const Page *page, DefFilter filter, Str after, Err *err)
{
	Arena *a = req_arena(q);
	Json rows = json_array();
	ListEnd end = { 0 };
	void *defs;
	size_t n;

	filter.limit = page->size + 1;
	filter.offset = str_none(after) ? page->offset : 0;
	filter.after = after;
	if (!def_list(app_db(app), a, r->table, &filter, &defs, &n, &end.total, err))
		return false;
	end.more = n > (size_t)page->size;
	n -= end.more;
	if (r->hide != NULL && !r->hide(app, a, defs, n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		json_push(a, &rows, r->summary(a, (char *)defs + i * r->table->size));
	if (n > 0)
		end.last = ref_of(r, (char *)defs + (n - 1) * r->table->size);
	return answer_list(q, s, page, rows, &end);
}

typedef struct Sift {
	Keep *keep;
	void *self;
	Str after; /* none: from the first */
} Sift;

/* Where the rows after this one begin. A row that is gone by now has its place all the same. */
static size_t
start_after(const Resource *r, const char *defs, size_t n, Str after)
{
	size_t at = 0;

	if (str_none(after))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (str_eq(ref_of(r, defs + i * r->table->size), after))
			return i + 1;
	while (at < n && str_cmp(ref_of(r, defs + at * r->table->size), after) < 0)
		at++;
	return at;
}

/* The page of a list in which something is looked for that the database does not know how to. */
static bool
list_sifted(
    App *app, Req *q, Res *s, const Resource *r, const Page *page, const DefFilter *filter, const Sift *by, Err *err)
{
	Arena *a = req_arena(q);
	int64_t at = 0, skip = str_none(by->after) ? page->offset : 0;
	Json rows = json_array();
	ListEnd end = { 0 };
	size_t n, start;
	void *defs;

	if (!def_list(app_db(app), a, r->table, filter, &defs, &n, NULL, err))
		return false;
	start = start_after(r, defs, n, by->after);
	for (size_t i = 0; i < n; i++) {
		char *def = (char *)defs + i * r->table->size;

		if (by->keep != NULL && !by->keep(def, by->self))
			continue;
		end.total++;
		if (i >= start && at++ >= skip && rows.n < page->size) {
			if (r->hide != NULL && !r->hide(app, a, def, 1, err))
				return false;
			json_push(a, &rows, r->summary(a, def));
			end.last = ref_of(r, def);
		}
	}
	end.more = at > skip + rows.n;
	return answer_list(q, s, page, rows, &end);
}

bool
resource_list(App *app, Req *q, Res *s, const Resource *r, DefFilter filter, Keep *keep, void *self, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Str right = right_of(req_arena(q), r, "read");
	Seen seen = { .app = app, .r = r, .right = right.p, .keep = keep, .self = self };
	Sift sift = { .keep = keep, .self = self };

	if (!app_scope(app, req_arena(q), right.p).all) {
		keep = sift.keep = is_seen;
		sift.self = &seen;
	}
	if (!page_after(req_arena(q), &page, &sift.after, err))
		return false;
	if (keep == NULL)
		return list_cut(app, q, s, r, &page, filter, sift.after, err);
	return list_sifted(app, q, s, r, &page, &filter, &sift, err);
}

/* ---- one ---- */

bool
resource_show(App *app, Req *q, Res *s, const Resource *r, Err *err)
{
	Arena *a = req_arena(q);
	void *def = arena_alloc(a, r->table->size);

	if (!resource_of_path(app, q, r, "ref", def, err))
		return false;
	return res_data(s, 200, r->whole(a, def), NULL);
}

bool
resource_ref_free(App *app, Arena *a, const Resource *r, Str ref, Err *err)
{
	void *def = arena_alloc(a, r->table->size);
	Err why = { 0 };

	if (def_get_ref(app_db(app), a, r->table, ref, def, &why))
		return err_set(err, ERR_CONFLICT, "%s with ref '%.*s' already exists", r->table->name, STR_ARG(ref));
	if (why.code == ERR_NOT_FOUND)
		return true;
	*err = why;
	return false;
}

/* Wider than what packs' files may say: refs that other clients made must go on working. */
bool
component_ref_check(Str ref, Err *err)
{
	size_t dots = 0;
	bool good = true;

	for (size_t i = 0; i < ref.n; i++) {
		unsigned char c = (unsigned char)ref.p[i];

		dots += c == '.';
		good = good && c > ' ' && c != 0x7f && c != '/' && !(c >= 'A' && c <= 'Z');
	}
	if (good && dots == 1 && !str_starts(ref, str_of(".")) && !str_ends(ref, str_of(".")))
		return true;
	return err_set(err, ERR_VALIDATION,
	    "Validation failed: ref: '%.*s' must be two lower-case words with a dot between them, like pack.name",
	    STR_ARG(ref));
}
