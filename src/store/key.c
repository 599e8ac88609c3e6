#include "store/key.h"

#include "store/change.h"

#define COLUMNS \
	"select x.id, x.ref, x.name, x.owner_type, x.owner, x.owner_identity, x.owner_pack, x.owner_action," \
	" x.owner_sensor, x.owner_pack_ref, x.owner_action_ref, x.owner_sensor_ref, x.encrypted," \
	" x.encryption_key_hash, x.value, x.created, x.updated from key x"

static const char from[] = " from key x";

/* The ref is the second: lists are in its order. */
static const Column summary[] = {
	{ "x.id", "id", COL_INT, false },
	{ "x.ref", "ref", COL_TEXT, false },
	{ "x.owner_type", "owner_type", COL_TEXT, false },
	{ "x.owner", "owner", COL_TEXT, false },
	{ "x.name", "name", COL_TEXT, false },
	{ "x.encrypted", "encrypted", COL_BOOL, false },
	{ "x.created", "created", COL_TIME, false },
};

static const ScopeColumns scope_columns = {
	.ref = "x.ref",
	.id = "x.id",
	.pack_ref = "x.owner_pack_ref",
	.owner = "x.owner_identity",
	.owner_type = "x.owner_type",
	.owner_ref = "coalesce(x.owner_pack_ref, x.owner_action_ref, x.owner_sensor_ref)",
	.encrypted = "x.encrypted",
};

static KeyRow
key_read(Arena *a, Row r)
{
	return (KeyRow){
		.id = row_int(r, 0),
		.ref = row_str(r, 1),
		.name = row_str(r, 2),
		.owner_type = row_str(r, 3),
		.owner = row_str(r, 4),
		.owner_identity = row_int(r, 5),
		.owner_pack = row_int(r, 6),
		.owner_action = row_int(r, 7),
		.owner_sensor = row_int(r, 8),
		.owner_pack_ref = row_str(r, 9),
		.owner_action_ref = row_str(r, 10),
		.owner_sensor_ref = row_str(r, 11),
		.encrypted = row_bool(r, 12),
		.key_id = row_str(r, 13),
		.value = row_json(a, r, 14),
		.created = row_int(r, 15),
		.updated = row_int(r, 16),
	};
}

bool
key_get(Db *db, Arena *a, Str ref, KeyRow *ret, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where x.ref = $1", .in = "s" };
	Bind b[] = { bind_str(ref) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read key");
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Key '%.*s' not found", STR_ARG(ref));
	*ret = key_read(a, rows_at(&rows, 0));
	return true;
}

bool
key_get_id(Db *db, Arena *a, Id id, KeyRow *ret, bool *ret_found, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where x.id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read key");
	*ret_found = rows.n > 0;
	if (rows.n > 0)
		*ret = key_read(a, rows_at(&rows, 0));
	return true;
}

/* ---- writing ---- */

/* Looked for first: a statement that breaks a constraint would end the transaction, and says less. */
static bool
name_free(Db *db, Arena *a, const KeyRow *k, Err *err)
{
	static const Stmt s = {
		.sql = "select ref from key where (ref = $1 or (owner_type = $2 and owner = $3 and name = $4)) and id "
		       "<> $5"
		       " order by ref = $1 desc",
		.in = "ssssi",
	};
	Bind b[] = { bind_str(k->ref), bind_str(k->owner_type), bind_str(k->owner), bind_str(k->name),
		bind_int(k->id) };
	Rows rows;
	Str other;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read key");
	if (rows.n == 0)
		return true;
	other = row_str(rows_at(&rows, 0), 0);
	if (str_eq(other, k->ref))
		return err_set(err, ERR_CONFLICT, "Key '%.*s' already exists", STR_ARG(k->ref));
	return err_set(
	    err, ERR_CONFLICT, "Its owner has a key named '%.*s' already: '%.*s'", STR_ARG(k->name), STR_ARG(other));
}

bool
key_insert(Db *db, Arena *a, KeyRow *k, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "insert into key (ref, name, owner_type, owner, owner_identity, owner_pack, owner_action,"
		    " owner_sensor, owner_pack_ref, owner_action_ref, owner_sensor_ref, encrypted, encryption_key_hash,"
		    " value, created, updated)"
		    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15) returning id",
		.in = "ssssIIIISSSbSjt",
	};
	Bind b[] = { bind_str(k->ref), bind_str(k->name), bind_str(k->owner_type), bind_str(k->owner),
		bind_id(k->owner_identity), bind_id(k->owner_pack), bind_id(k->owner_action), bind_id(k->owner_sensor),
		bind_str(k->owner_pack_ref), bind_str(k->owner_action_ref), bind_str(k->owner_sensor_ref),
		bind_bool(k->encrypted), bind_str(k->key_id), bind_json(&k->value), bind_time(now) };
	Rows rows;

	k->id = 0;
	if (!change_lock(db, a, err) || !name_free(db, a, k, err))
		return false;
	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "store key '%.*s'", STR_ARG(k->ref));
	k->id = row_int(rows_at(&rows, 0), 0);
	k->created = k->updated = now;
	return change_note(db, a, "key", k->id, now, err);
}

bool
key_update(Db *db, Arena *a, const KeyRow *k, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update key set name = $2, encrypted = $3, encryption_key_hash = $4, value = $5, updated = $6"
		       " where id = $1",
		.in = "isbSjt",
	};
	Bind b[] = { bind_int(k->id), bind_str(k->name), bind_bool(k->encrypted), bind_str(k->key_id),
		bind_json(&k->value), bind_time(now) };

	if (!change_lock(db, a, err) || !name_free(db, a, k, err))
		return false;
	return (db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "store key '%.*s'", STR_ARG(k->ref))) &&
	       change_note(db, a, "key", k->id, now, err);
}

bool
key_delete(Db *db, Arena *a, const KeyRow *k, TimeUs now, Err *err)
{
	static const Stmt s = { .sql = "delete from key where id = $1", .in = "i" };
	Bind b[] = { bind_int(k->id) };

	return (db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "delete key '%.*s'", STR_ARG(k->ref))) &&
	       change_note(db, a, "key", k->id, now, err);
}

/* ---- lists ---- */

bool
key_list(Db *db, Arena *a, const KeyFilter *f, const Scope *scope, const Slice *slice, SliceOut *ret, Err *err)
{
	Listing l;

	listing_open(&l, a, from, summary, countof(summary));
	l.by = "x.ref";
	listing_text(&l, "x.owner_type", f->owner_type, false);
	if (!str_none(f->owner))
		listing_where(&l, "$? in (x.owner, x.owner_pack_ref, x.owner_action_ref, x.owner_sensor_ref)", 's',
		    bind_str(f->owner));
	return listing_scope(&l, scope, &scope_columns, err) &&
	       (listing_read(db, &l, slice, ret, err) || err_wrap(err, "list keys"));
}

bool
key_names(Db *db, Arena *a, KeyName **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select id, coalesce(owner_pack, 0), coalesce(owner_action, 0), name from key"
		       " where owner_type <> 'identity' and owner_type <> 'sensor' order by id",
		.in = "",
	};
	Rows rows;

	if (!db_read(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "read keys");
	*ret = arena_array(a, KeyName, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] = (KeyName){ row_int(r, 0), row_int(r, 1), row_int(r, 2), row_str(r, 3) };
	}
	return true;
}

bool
key_identity(Db *db, Arena *a, Str key, Id *ret, bool *ret_found, Err *err)
{
	static const Stmt s = { .sql = "select id from identity where id = $1 or login = $2 order by id = $1 desc",
		.in = "is" };
	int64_t id = 0;
	Bind b[2] = { { 0 }, bind_str(key) };
	Rows rows;

	(void)str_to_int(key, &id);
	b[0] = bind_int(id);
	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read identity");
	*ret_found = rows.n > 0;
	*ret = rows.n > 0 ? row_int(rows_at(&rows, 0), 0) : 0;
	return true;
}

/* ---- re-wrapping ---- */

#define STALE " where x.encrypted and (x.encryption_key_hash is null or x.encryption_key_hash <> $1)"

bool
key_stale(Db *db, Arena *a, Str key_id, Id after, size_t most, KeyRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = COLUMNS STALE " and x.id > $2 order by x.id limit $3", .in = "sii" };
	Bind b[] = { bind_str(key_id), bind_int(after), bind_int((int64_t)most) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read keys");
	*ret = arena_array(a, KeyRow, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = key_read(a, rows_at(&rows, i));
	return true;
}

bool
key_rewrap(Db *db, Arena *a, const KeyRow *was, const Json *value, Str key_id, bool *ret_done, Err *err)
{
	static const Stmt s = {
		.sql = "update key set value = $3, encryption_key_hash = $4 where id = $1 and value = $2 and encrypted"
		       " returning id",
		.in = "ijjs",
	};
	Bind b[] = { bind_int(was->id), bind_json(&was->value), bind_json(value), bind_str(key_id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "re-wrap key '%.*s'", STR_ARG(was->ref));
	*ret_done = rows.n > 0;
	return true;
}

bool
key_stale_count(Db *db, Arena *a, Str key_id, int64_t *ret, Err *err)
{
	static const Stmt s = { .sql = "select count(*) from key x" STALE, .in = "s" };
	Bind b[] = { bind_str(key_id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "count keys");
	*ret = row_int(rows_at(&rows, 0), 0);
	return true;
}
