#include "store/inquiry.h"

static const Column summary[] = {
	{ "x.id", "id", COL_INT, false },
	{ "x.execution", "execution", COL_INT, false },
	{ "x.prompt", "prompt", COL_TEXT, false },
	{ "x.assigned_to", "assigned_to", COL_INT, false },
	{ "x.status", "status", COL_TEXT, false },
	{ "x.response is not null", "has_response", COL_BOOL, false },
	{ "x.timeout_at", "timeout_at", COL_TIME, false },
	{ "x.created", "created", COL_TIME, false },
};

static const ScopeColumns scope_columns = { .id = "x.id" };

bool
inquiry_get(Db *db, Arena *a, Id id, Inquiry *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id, execution, assigned_to, prompt, status, response_schema, response, timeout_at,"
		       " responded_at, created, updated from inquiry where id = $1",
		.in = "i",
	};
	Bind b[] = { bind_int(id) };
	Rows rows;
	Row r;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read inquiry");
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Inquiry with ID %lld not found", (long long)id);
	r = rows_at(&rows, 0);
	*ret = (Inquiry){
		.id = row_int(r, 0),
		.execution = row_int(r, 1),
		.assigned_to = row_int(r, 2),
		.prompt = row_str(r, 3),
		.status = row_str(r, 4),
		.response_schema = row_json(a, r, 5),
		.response = row_json(a, r, 6),
		.timeout_at = row_int(r, 7),
		.responded_at = row_int(r, 8),
		.created = row_int(r, 9),
		.updated = row_int(r, 10),
	};
	return true;
}

bool
inquiry_list(Db *db, Arena *a, const InquiryFilter *f, const Slice *slice, SliceOut *ret, Err *err)
{
	Listing l;

	listing_open(&l, a, " from inquiry x", summary, countof(summary));
	listing_text(&l, "x.status", f->status, false);
	listing_id(&l, "x.execution", f->execution);
	listing_id(&l, "x.assigned_to", f->assigned_to);
	return (listing_scope(&l, f->scope, &scope_columns, err) && listing_read(db, &l, slice, ret, err)) ||
	       err_wrap(err, "list inquiries");
}

static Json
id_or_null(Id id)
{
	return id == 0 ? json_null() : json_int(id);
}

static Json
time_or_null(Arena *a, TimeUs t)
{
	return t == 0 ? json_null() : json_str(time_text(a, t));
}

Json
inquiry_json(Arena *a, const Inquiry *i)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(i->id));
	json_add(a, &o, "execution", json_int(i->execution));
	json_add(a, &o, "prompt", json_str(i->prompt));
	json_add(a, &o, "response_schema", i->response_schema);
	json_add(a, &o, "assigned_to", id_or_null(i->assigned_to));
	json_add(a, &o, "status", json_str(i->status));
	json_add(a, &o, "response", i->response);
	json_add(a, &o, "timeout_at", time_or_null(a, i->timeout_at));
	json_add(a, &o, "responded_at", time_or_null(a, i->responded_at));
	json_add(a, &o, "created", json_str(time_text(a, i->created)));
	json_add(a, &o, "updated", json_str(time_text(a, i->updated)));
	return o;
}

/* ---- writing ---- */

static bool
exists(Db *db, Arena *a, const Stmt *s, Id id, bool *ret, Err *err)
{
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_read(db, a, s, b, &rows, err))
		return false;
	*ret = rows.n > 0;
	return true;
}

/* What it refers to is there; said by name, not by the database. */
static bool
inquiry_refers(Db *db, Arena *a, const Inquiry *i, Err *err)
{
	static const Stmt run = { .sql = "select id from execution where id = $1", .in = "i" };
	static const Stmt person = { .sql = "select id from identity where id = $1", .in = "i" };
	bool there = true;

	if (!exists(db, a, &run, i->execution, &there, err))
		return false;
	if (!there)
		return err_set(err, ERR_NOT_FOUND, "Execution with ID %lld not found", (long long)i->execution);
	if (i->assigned_to != 0 && !exists(db, a, &person, i->assigned_to, &there, err))
		return false;
	return there || err_set(err, ERR_NOT_FOUND, "Identity with ID %lld not found", (long long)i->assigned_to);
}

bool
inquiry_insert(Db *db, Arena *a, Inquiry *i, TimeUs now, Err *err)
{
	static const Stmt taken = { .sql = "select id from inquiry where execution = $1", .in = "i" };
	static const Stmt s = {
		.sql = "insert into inquiry (execution, prompt, response_schema, assigned_to, status, timeout_at,"
		       " created, updated) values ($1, $2, $3, $4, 'pending', $5, $6, $6) returning id",
		.in = "isJITt",
	};
	Bind b[] = { bind_int(i->execution), bind_str(i->prompt),
		bind_json(json_is_null(&i->response_schema) ? NULL : &i->response_schema), bind_id(i->assigned_to),
		bind_time(i->timeout_at), bind_time(now) };
	bool there = false;
	Rows rows;

	if (!inquiry_refers(db, a, i, err) || !exists(db, a, &taken, i->execution, &there, err))
		return false;
	if (there)
		return err_set(err, ERR_CONFLICT, "Execution %lld has an inquiry already", (long long)i->execution);
	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "store inquiry");
	i->id = row_int(rows_at(&rows, 0), 0);
	return true;
}

bool
inquiry_update(Db *db, Arena *a, const Inquiry *i, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update inquiry set status = $1, response = $2, assigned_to = $3, updated = $4 where id = $5",
		.in = "sJIti",
	};
	Bind b[] = { bind_str(i->status), bind_json(json_is_null(&i->response) ? NULL : &i->response),
		bind_id(i->assigned_to), bind_time(now), bind_int(i->id) };

	return inquiry_refers(db, a, i, err) && (db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "store inquiry"));
}

bool
inquiry_respond(Db *db, Arena *a, Id id, const Json *response, TimeUs now, bool *ret_done, Err *err)
{
	static const Stmt s = {
		.sql = "update inquiry set status = 'responded', response = $1, responded_at = $2, updated = $2"
		       " where id = $3 and status = 'pending' and (timeout_at is null or timeout_at > $2)",
		.in = "jti",
	};
	Bind b[] = { bind_json(response), bind_time(now), bind_int(id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "answer inquiry");
	*ret_done = rows.affected > 0;
	return true;
}

bool
inquiry_delete(Db *db, Arena *a, Id id, Err *err)
{
	static const Stmt s = { .sql = "delete from inquiry where id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "delete inquiry");
	return rows.affected > 0 || err_set(err, ERR_NOT_FOUND, "Inquiry with ID %lld not found", (long long)id);
}

/* ---- time ---- */

#define DUE "status = 'pending' and timeout_at is not null and timeout_at <= $1"

bool
inquiry_any_due(Db *db, Arena *a, TimeUs now, bool *ret, Err *err)
{
	static const Stmt s = { .sql = "select id from inquiry where " DUE " limit 1", .in = "t" };
	Bind b[] = { bind_time(now) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "look for inquiries whose time is over");
	*ret = rows.n > 0;
	return true;
}

bool
inquiry_time_out(Db *db, Arena *a, TimeUs now, Id **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "update inquiry set status = 'timeout', updated = $1 where " DUE " returning id",
		.in = "t",
	};
	Bind b[] = { bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "end inquiries whose time is over");
	*ret = arena_array(a, Id, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = row_int(rows_at(&rows, i), 0);
	return true;
}

bool
execution_descends(Db *db, Arena *a, Id execution, Id from, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "with recursive up (id, parent) as (select id, parent from execution where id = $1"
		       " union select e.id, e.parent from execution e join up on e.id = up.parent)"
		       " select id from up where id = $2",
		.in = "ii",
	};
	Bind b[] = { bind_int(execution), bind_int(from) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "look for the parents of execution %lld", (long long)execution);
	*ret = execution == from || rows.n > 0;
	return true;
}

bool
inquiry_next_due(Db *db, Arena *a, TimeUs *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select timeout_at from inquiry where status = 'pending' and timeout_at is not null"
		       " order by timeout_at limit 1",
		.in = "",
	};
	Rows rows;

	if (!db_read(db, a, &s, NULL, &rows, err))
		return err_wrap(err, "read due inquiries");
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return true;
}

bool
inquiry_asked(Db *db, Arena *a, Id execution, Json *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select config from execution where id = $1 and action_ref = 'core.ask'",
		.in = "i",
	};
	Bind b[] = { bind_int(execution) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read what execution %lld asks", (long long)execution);
	*ret = rows.n == 0 ? json_null() : row_json(a, rows_at(&rows, 0), 0);
	return true;
}

bool
inquiry_cancel(Db *db, Arena *a, Id execution, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "update inquiry set status = 'cancelled', updated = $2 where execution = $1 and status = 'pending'",
		.in = "it",
	};
	Bind b[] = { bind_int(execution), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "cancel inquiry");
}
