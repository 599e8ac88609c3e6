#include "store/identity.h"

enum { WIDTH = 5 };

#define COLUMNS \
	"select x.id, x.login, x.display_name, x.password_hash, x.attributes, x.frozen, x.created, x.updated" \
	" from identity x"
#define FILTER \
	" where $1 = ''" DEF_ALWAYS_ENABLED DEF_SEARCH("login || ' ' || coalesce(display_name, '')") \
	    DEF_NO_TRIGGER DEF_NO_ACTION

static void
identity_read(Arena *a, Row r, void *def)
{
	IdentityDef *d = def;

	*d = (IdentityDef){
		.id = row_int(r, 0),
		.login = row_str(r, 1),
		.display_name = row_str(r, 2),
		.password_hash = row_str(r, 3),
		.attributes = row_json(a, r, 4),
		.frozen = row_bool(r, 5),
		.created = row_int(r, 6),
		.updated = row_int(r, 7),
	};
}

static void
identity_binds(const void *def, Bind *b)
{
	const IdentityDef *d = def;
	Bind all[WIDTH] = { bind_str(d->login), bind_str(d->display_name), bind_str(d->password_hash),
		bind_object(&d->attributes), bind_bool(d->frozen) };

	memcpy(b, all, sizeof(all));
}

const DefTable identity_table = {
	.kind = "identity",
	.name = "Identity",
	.size = sizeof(IdentityDef),
	.ref_at = offsetof(IdentityDef, login),
	.width = WIDTH,
	.read = identity_read,
	.binds = identity_binds,
	.by_id = { .sql = COLUMNS " where x.id = $1", .in = "i" },
	.by_ref = { .sql = COLUMNS " where x.login = $1", .in = "s" },
	.list = { .sql = COLUMNS FILTER " and x.login > $6 order by x.login limit $7 offset $8", .in = DEF_LIST_IN },
	.count = { .sql = "select count(*) from identity x" FILTER, .in = DEF_COUNT_IN },
	.insert = { .sql = "insert into identity (login, display_name, password_hash, attributes, frozen, created, "
			   "updated)"
			   " values ($1, $2, $3, $4, $5, $6, $6) returning id",
	    .in = "sSSjbt" },
	.update = { .sql = "update identity set login = $1, display_name = $2, password_hash = $3, attributes = $4,"
			   " frozen = $5, updated = $6 where id = $7",
	    .in = "sSSjbti" },
	.remove = { .sql = "delete from identity where id = $1 returning id", .in = "i" },
};

bool
identity_get(Db *db, Arena *a, Id id, IdentityDef *ret, Err *err)
{
	return def_get(db, a, &identity_table, id, ret, err);
}

bool
identity_get_login(Db *db, Arena *a, Str login, IdentityDef *ret, Err *err)
{
	return def_get_ref(db, a, &identity_table, login, ret, err);
}

bool
identity_put(Db *db, Arena *a, IdentityDef *d, TimeUs now, DefPut *ret, Err *err)
{
	return def_put(db, a, &identity_table, d, now, ret, err);
}

/* An inquiry that is assigned to nobody may be answered by everybody. Nobody assigns one to the identity until the commit. */
static bool
asks_nobody_else(Db *db, Arena *a, Id id, Err *err)
{
	static const Stmt hold = {
		.sql = "select id from identity where id = $1",
		.pg = "select id from identity where id = $1 for update",
		.in = "i",
	};
	static const Stmt asked = {
		.sql = "select id from inquiry where assigned_to = $1 and status = 'pending' order by id limit 1",
		.in = "i",
	};
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_exec(db, a, &hold, b, NULL, err) || !db_exec(db, a, &asked, b, &rows, err))
		return err_wrap(err, "look for inquiries of identity %lld", (long long)id);
	return rows.n == 0 ||
	       err_set(err, ERR_CONFLICT,
		   "Identity %lld cannot be deleted: inquiry %lld waits for its answer and would be open to "
		   "everybody; assign it to somebody else, or cancel it",
		   (long long)id, (long long)row_int(rows_at(&rows, 0), 0));
}

bool
identity_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err)
{
	return asks_nobody_else(db, a, id, err) && def_delete(db, a, &identity_table, id, now, err);
}

bool
identity_there(Db *db, Arena *a, Id id, bool *ret, Err *err)
{
	static const Stmt s = { .sql = "select id from identity where id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read identity %lld", (long long)id);
	*ret = rows.n > 0;
	return true;
}

bool
identity_any(Db *db, Arena *a, bool *ret, Err *err)
{
	static const Stmt s = { .sql = "select id from identity where id <> 1 limit 1", .in = "" };
	Rows rows;

	if (!db_read(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "read identities");
	*ret = rows.n > 0;
	return true;
}

/* ---- what was given to whom ---- */

static bool
sets_read(Db *db, Arena *a, const Stmt *s, Bind key, PermissionSetDef **ret, size_t *ret_n, Err *err)
{
	Rows rows;

	if (!db_read(db, a, s, &key, &rows, err))
		return err_wrap(err, "read permission sets");
	*ret = arena_array(a, PermissionSetDef, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] =
		    (PermissionSetDef){ .id = row_int(r, 0), .ref = row_str(r, 1), .grants = row_json(a, r, 2) };
	}
	return true;
}

bool
identity_sets(Db *db, Arena *a, Id identity, PermissionSetDef **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select p.id, p.ref, p.grants from permission_set p where"
		       " p.id in (select permset from permission_assignment where identity = $1)"
		       " or p.id in (select r.permset from permission_set_role_assignment r"
		       " join identity_role_assignment i on i.role = r.role where i.identity = $1) order by p.ref",
		.in = "i",
	};

	return sets_read(db, a, &s, bind_int(identity), ret, ret_n, err);
}

#define WITH_SETS(in_list) \
	"select 1 from identity i where i.id <> 1 and not i.frozen and (" \
	"exists (select 1 from permission_assignment p where p.identity = i.id and p.permset " in_list ")" \
	" or exists (select 1 from identity_role_assignment r join permission_set_role_assignment s on s.role = " \
	"r.role" \
	" where r.identity = i.id and s.permset " in_list ")) limit 1"

bool
identity_any_with(Db *db, Arena *a, const Json *sets, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = WITH_SETS("in (select value from json_each($1))"),
		.pg = WITH_SETS("= any(array(select x::bigint from jsonb_array_elements_text($1) x))"),
		.in = "j",
	};
	Bind b = bind_json(sets);
	Rows rows;

	if (!db_read(db, a, &s, &b, &rows, err))
		return err_wrap(err, "look for who has a permission set");
	*ret = rows.n > 0;
	return true;
}

bool
role_sets(Db *db, Arena *a, Str role, PermissionSetDef **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select p.id, p.ref, p.grants from permission_set p join permission_set_role_assignment r"
		       " on r.permset = p.id where r.role = $1 order by p.ref",
		.in = "s",
	};

	return sets_read(db, a, &s, bind_str(role), ret, ret_n, err);
}

typedef struct AssignmentRow {
	const char *what;   /* in sentences */
	const char *change; /* what is noted as changed */
	Stmt list, get, insert, remove;
} AssignmentRow;

#define SET_COLUMNS \
	"select x.id, x.identity, x.permset, p.ref, null, null, false, x.created, x.created from " \
	"permission_assignment x" \
	" join permission_set p on p.id = x.permset"
#define ROLE_COLUMNS \
	"select x.id, x.identity, 0, null, x.role, x.source, x.managed, x.created, x.updated from " \
	"identity_role_assignment x"
#define ROLE_SET_COLUMNS \
	"select x.id, 0, x.permset, p.ref, x.role, null, false, x.created, x.created from " \
	"permission_set_role_assignment x" \
	" join permission_set p on p.id = x.permset"

/* insert: identity, permission set, role, time; each takes what it needs of them */
static const AssignmentRow kinds[ASSIGNMENTS] = {
	[ASSIGN_SET] = {
		"Permission assignment", "identity",
		{ .sql = SET_COLUMNS " where $1 = 0 or x.identity = $1 order by x.id", .in = "i" },
		{ .sql = SET_COLUMNS " where x.id = $1", .in = "i" },
		{ .sql = "insert into permission_assignment (identity, permset, created) select $1, $2, $4 where $3 = ''"
			 " on conflict do nothing returning id", .in = "iist" },
		{ .sql = "delete from permission_assignment where id = $1", .in = "i" },
	},
	[ASSIGN_ROLE] = {
		"Role assignment", "identity",
		{ .sql = ROLE_COLUMNS " where $1 = 0 or x.identity = $1 order by x.id", .in = "i" },
		{ .sql = ROLE_COLUMNS " where x.id = $1", .in = "i" },
		{ .sql = "insert into identity_role_assignment (identity, role, created, updated) select $1, $3, $4, $4"
			 " where $2 = 0 on conflict do nothing returning id", .in = "iist" },
		{ .sql = "delete from identity_role_assignment where id = $1", .in = "i" },
	},
	[ASSIGN_ROLE_SET] = {
		"Permission set role assignment", "permission_set",
		{ .sql = ROLE_SET_COLUMNS " where $1 = 0 or x.permset = $1 order by x.id", .in = "i" },
		{ .sql = ROLE_SET_COLUMNS " where x.id = $1", .in = "i" },
		{ .sql = "insert into permission_set_role_assignment (permset, role, created) select $2, $3, $4"
			 " where $1 = 0 on conflict do nothing returning id", .in = "iist" },
		{ .sql = "delete from permission_set_role_assignment where id = $1", .in = "i" },
	},
};

static void
assignment_read(Row r, Assignment *ret)
{
	*ret = (Assignment){
		.id = row_int(r, 0),
		.identity = row_int(r, 1),
		.set = row_int(r, 2),
		.set_ref = row_str(r, 3),
		.role = row_str(r, 4),
		.source = row_str(r, 5),
		.managed = row_bool(r, 6),
		.created = row_int(r, 7),
		.updated = row_int(r, 8),
	};
}

bool
assignment_list(Db *db, Arena *a, AssignmentKind kind, Id owner, Assignment **ret, size_t *ret_n, Err *err)
{
	Bind key = bind_int(owner);
	Rows rows;

	if (!db_read(db, a, &kinds[kind].list, &key, &rows, err))
		return err_wrap(err, "list what was given");
	*ret = arena_array(a, Assignment, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		assignment_read(rows_at(&rows, i), &(*ret)[i]);
	return true;
}

bool
assignment_get(Db *db, Arena *a, AssignmentKind kind, Id id, Assignment *ret, Err *err)
{
	Bind key = bind_int(id);
	Rows rows;

	if (!db_read(db, a, &kinds[kind].get, &key, &rows, err))
		return err_wrap(err, "read what was given");
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "%s with ID %lld not found", kinds[kind].what, (long long)id);
	assignment_read(rows_at(&rows, 0), ret);
	return true;
}

static Id
owner_of(AssignmentKind kind, const Assignment *x)
{
	return kind == ASSIGN_ROLE_SET ? x->set : x->identity;
}

bool
assignment_put(Db *db, Arena *a, AssignmentKind kind, Assignment *x, TimeUs now, Err *err)
{
	Bind b[] = { bind_int(x->identity), bind_int(x->set), bind_str(str_none(x->role) ? str_of("") : x->role),
		bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &kinds[kind].insert, b, &rows, err))
		return err_wrap(err, "%s", kinds[kind].what);
	if (rows.n == 0)
		return err_set(err, ERR_CONFLICT, "%s already exists", kinds[kind].what);
	x->id = row_int(rows_at(&rows, 0), 0);
	return change_note(db, a, kinds[kind].change, owner_of(kind, x), now, err) &&
	       assignment_get(db, a, kind, x->id, x, err);
}

bool
assignment_delete(Db *db, Arena *a, AssignmentKind kind, Id id, TimeUs now, Err *err)
{
	Bind key = bind_int(id);
	Assignment x;

	return assignment_get(db, a, kind, id, &x, err) && db_exec(db, a, &kinds[kind].remove, &key, NULL, err) &&
	       change_note(db, a, kinds[kind].change, owner_of(kind, &x), now, err);
}
