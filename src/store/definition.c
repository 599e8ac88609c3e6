#include "store/definition.h"

static const Json empty_object = { .kind = JSON_OBJECT };
static const Json empty_array = { .kind = JSON_ARRAY };

Bind
bind_object(const Json *v)
{
	return bind_json(v->kind == JSON_OBJECT ? v : &empty_object);
}

Bind
bind_array(const Json *v)
{
	return bind_json(v->kind == JSON_ARRAY ? v : &empty_array);
}

Bind
bind_value(const Json *v)
{
	return bind_json(v->kind == JSON_NULL ? NULL : v);
}

Bind
bind_count(int64_t v)
{
	return bind_id(v);
}

static Id
id_of(const void *def)
{
	Id id;

	memcpy(&id, def, sizeof(id));
	return id;
}

static Str
ref_of(const DefTable *t, const void *def)
{
	Str ref;

	memcpy(&ref, (const char *)def + t->ref_at, sizeof(ref));
	return ref;
}

/* *ret_found instead of an error. */
static bool
find(Db *db, Arena *a, const DefTable *t, const Stmt *s, Bind key, void *ret, bool *ret_found, Err *err)
{
	Rows rows;

	if (!db_read(db, a, s, &key, &rows, err))
		return err_wrap(err, "read %s", t->kind);
	*ret_found = rows.n > 0;
	if (*ret_found)
		t->read(a, rows_at(&rows, 0), ret);
	return true;
}

bool
def_get(Db *db, Arena *a, const DefTable *t, Id id, void *ret, Err *err)
{
	bool found = false;

	if (!find(db, a, t, &t->by_id, bind_int(id), ret, &found, err))
		return false;
	return found || err_set(err, ERR_NOT_FOUND, "%s with ID %lld not found", t->name, (long long)id);
}

bool
def_get_ref(Db *db, Arena *a, const DefTable *t, Str ref, void *ret, Err *err)
{
	bool found = false;

	if (!find(db, a, t, &t->by_ref, bind_str(str_none(ref) ? str_of("") : ref), ret, &found, err))
		return false;
	return found || err_set(err, ERR_NOT_FOUND, "%s '%.*s' not found", t->name, STR_ARG(ref));
}

static Str
text(Str s)
{
	return str_none(s) ? str_of("") : s;
}

/* The search as a pattern: what is special in patterns stands for itself. */
static Str
search_pattern(Arena *a, Str search)
{
	Str low = str_lower(a, text(search));
	Buf b = buf_open(a);

	buf_char(&b, '%');
	for (size_t i = 0; i < low.n; i++) {
		if (low.p[i] == '%' || low.p[i] == '_' || low.p[i] == '\\')
			buf_char(&b, '\\');
		buf_char(&b, low.p[i]);
	}
	if (low.n > 0)
		buf_char(&b, '%');
	return buf_str(&b);
}

bool
def_list(
    Db *db, Arena *a, const DefTable *t, const DefFilter *f, void **ret, size_t *ret_n, int64_t *ret_total, Err *err)
{
	static const DefFilter all = { 0 };
	const DefFilter *by = f == NULL ? &all : f;
	Bind b[] = { bind_str(text(by->pack_ref)), bind_bool(by->only_enabled), bind_str(search_pattern(a, by->search)),
		bind_str(text(by->trigger_ref)), bind_str(text(by->action_ref)), bind_str(text(by->after)),
		bind_int(by->limit > 0 ? by->limit : INT64_MAX), bind_int(by->offset) };
	Rows rows, total;
	char *made;

	if (!db_read(db, a, &t->list, b, &rows, err))
		return err_wrap(err, "list %s", t->kind);
	if (ret_total != NULL) {
		if (!db_read(db, a, &t->count, b, &total, err))
			return err_wrap(err, "count %s", t->kind);
		*ret_total = row_int(rows_at(&total, 0), 0);
	}
	made = arena_array_of(a, rows.n + 1, t->size);
	for (size_t i = 0; i < rows.n; i++)
		t->read(a, rows_at(&rows, i), made + i * t->size);
	*ret = made;
	*ret_n = rows.n;
	return true;
}

static bool
bind_eq(const Bind *x, const Bind *y)
{
	if (x->type != y->type)
		return false;
	if (x->type == 's' || x->type == 'x')
		return str_eq(x->s, y->s);
	if (x->type == 'j')
		return json_eq(x->j, y->j);
	if (x->type == 'b')
		return x->b == y->b;
	return x->type == 0 || x->i == y->i;
}

static bool
same(const Bind *x, const Bind *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!bind_eq(&x[i], &y[i]))
			return false;
	return true;
}

static bool
insert(Db *db, Arena *a, const DefTable *t, Bind *b, TimeUs now, Id *ret_id, Err *err)
{
	Rows rows;

	b[t->width] = bind_time(now);
	if (!db_exec(db, a, &t->insert, b, &rows, err))
		return false;
	*ret_id = row_int(rows_at(&rows, 0), 0);
	return true;
}

static bool
update(Db *db, Arena *a, const DefTable *t, Bind *b, TimeUs now, Id id, Err *err)
{
	b[t->width] = bind_time(now);
	b[t->width + 1] = bind_int(id);
	return db_exec(db, a, &t->update, b, NULL, err);
}

bool
def_put(Db *db, Arena *a, const DefTable *t, void *def, TimeUs now, DefPut *ret, Err *err)
{
	Str ref = ref_of(t, def);
	void *before = arena_alloc(a, t->size);
	Bind *b = arena_array(a, Bind, t->width + 2), *old = arena_array(a, Bind, t->width + 2);
	bool found = false;

	if (!find(db, a, t, &t->by_ref, bind_str(ref), before, &found, err))
		return false;
	if (t->merge != NULL)
		t->merge(def, found ? before : NULL, now);
	t->binds(def, b);
	if (found)
		t->binds(before, old);
	*ret =
	    (DefPut){ .id = found ? id_of(before) : 0, .made = !found, .changed = !found || !same(b, old, t->width) };
	if (ret->made && !insert(db, a, t, b, now, &ret->id, err))
		return err_wrap(err, "store %s '%.*s'", t->kind, STR_ARG(ref));
	if (!ret->made && ret->changed && !update(db, a, t, b, now, ret->id, err))
		return err_wrap(err, "store %s '%.*s'", t->kind, STR_ARG(ref));
	memcpy(def, &ret->id, sizeof(Id));
	return !ret->changed || change_note(db, a, t->kind, ret->id, now, err);
}

bool
def_delete(Db *db, Arena *a, const DefTable *t, Id id, TimeUs now, Err *err)
{
	Bind key = bind_int(id);
	Rows touched = { 0 }, gone;

	if (t->rules_touched.sql != NULL && !db_exec(db, a, &t->rules_touched, &key, &touched, err))
		return false;
	if (!db_exec(db, a, &t->remove, &key, &gone, err))
		return err_wrap(err, "delete %s %lld", t->kind, (long long)id);
	if (gone.n == 0)
		return err_set(err, ERR_NOT_FOUND, "%s with ID %lld not found", t->name, (long long)id);
	for (size_t i = 0; i < touched.n; i++)
		if (!change_note(db, a, "rule", row_int(rows_at(&touched, i), 0), now, err))
			return false;
	return change_note(db, a, t->kind, id, now, err);
}
