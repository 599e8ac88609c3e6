#include "store/inquiry.h"

#include "model/question.h"

#define RECEIVED(of) "(select count(*) from inquiry_answer y where y.inquiry = " of ".id)"

static const Column summary[] = {
	{ "x.id", "id", COL_INT, false },
	{ "x.execution", "execution", COL_INT, false },
	{ "x.prompt", "prompt", COL_TEXT, false },
	{ "x.assigned_to", "assigned_to", COL_INT, false },
	{ "(select p.login from identity p where p.id = x.assigned_to)", "assigned_login", COL_TEXT, false },
	{ "x.status", "status", COL_TEXT, false },
	{ "x.response is not null", "has_response", COL_BOOL, false },
	{ "x.assigned_role", "assigned_role", COL_TEXT, false },
	{ "x.required_responses", "required_responses", COL_INT, false },
	{ RECEIVED("x"), "responses_received", COL_INT, false },
	{ "x.timeout_at", "timeout_at", COL_TIME, false },
	{ "x.created", "created", COL_TIME, false },
};

static const ScopeColumns scope_columns = { .id = "x.id" };

bool
inquiry_get(Db *db, Arena *a, Id id, Inquiry *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id, execution, assigned_to, prompt, status, response_schema, response, timeout_at,"
		       " responded_at, created, updated, assigned_role, required_responses, " RECEIVED(
			   "x") ", default_response, escalation, escalated, remind_every, reminded from inquiry x "
				"where id = $1",
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
		.assigned_role = row_str(r, 11),
		.required = row_int(r, 12),
		.received = row_int(r, 13),
		.default_response = row_json(a, r, 14),
		.escalation = row_json(a, r, 15),
		.escalated = row_int(r, 16),
		.remind_every = row_int(r, 17),
		.reminded = row_int(r, 18),
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

static TimeUs
after_of(const Inquiry *i, int64_t step)
{
	const Json *s = step < 0 ? NULL : json_at(&i->escalation, (size_t)step);

	return json_as_int(json_get(s, "after"), 0);
}

/* The steps with their times, and whether they have been taken. */
static Json
escalation_json(Arena *a, const Inquiry *i)
{
	Json list = json_array();

	for (size_t k = 0; i->escalation.kind == JSON_ARRAY && k < i->escalation.n; k++) {
		const Json *s = &i->escalation.items[k], *to = json_get(s, "assigned_to"),
			   *role = json_get(s, "assigned_role");
		Json o = json_object();

		json_add(a, &o, "at", json_str(time_text(a, i->created + after_of(i, (int64_t)k))));
		json_add(a, &o, "assigned_to", to == NULL ? json_null() : *to);
		json_add(a, &o, "assigned_role", role == NULL ? json_null() : *role);
		json_add(a, &o, "done", json_bool((int64_t)k < i->escalated));
		json_push(a, &list, o);
	}
	return list;
}

static TimeUs
next_of(const Inquiry *i, TimeUs created)
{
	return question_next(created, i->timeout_at, i->remind_every, i->reminded, after_of(i, i->escalated));
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
	json_add(a, &o, "assigned_role", str_none(i->assigned_role) ? json_null() : json_str(i->assigned_role));
	json_add(a, &o, "required_responses", json_int(i->required));
	json_add(a, &o, "responses_received", json_int(i->received));
	json_add(a, &o, "default_response", i->default_response);
	json_add(a, &o, "escalation", escalation_json(a, i));
	json_add(a, &o, "remind_every", i->remind_every == 0 ? json_null() : json_int(i->remind_every / US_PER_S));
	json_add(a, &o, "reminded", json_int(i->reminded));
	if (i->answers.kind == JSON_ARRAY)
		json_add(a, &o, "answers", i->answers);
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
		.sql =
		    "insert into inquiry (execution, prompt, response_schema, assigned_to, status, timeout_at,"
		    " created, updated, assigned_role, required_responses, default_response, escalation, remind_every,"
		    " next_at) values ($1, $2, $3, $4, 'pending', $5, $6, $6, $7, $8, $9, $10, $11, $12) returning id",
		.in = "isJITtSiJjiT",
	};
	Json none = json_array();
	Bind b[] = { bind_int(i->execution), bind_str(i->prompt),
		bind_json(json_is_null(&i->response_schema) ? NULL : &i->response_schema), bind_id(i->assigned_to),
		bind_time(i->timeout_at), bind_time(now), bind_str(i->assigned_role),
		bind_int(i->required < 1 ? 1 : i->required),
		bind_json(json_is_null(&i->default_response) ? NULL : &i->default_response),
		bind_json(i->escalation.kind == JSON_ARRAY ? &i->escalation : &none), bind_int(i->remind_every),
		bind_time(next_of(i, now)) };
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
inquiry_update(Db *db, Arena *a, const Inquiry *before, const Inquiry *i, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "update inquiry set status = $1, response = $2, assigned_to = $3, updated = $4, assigned_role = $5,"
		    " responded_at = $6 where id = $7 and status = $8 and escalated = $9",
		.in = "sJItSTisi",
	};
	Bind b[] = { bind_str(i->status), bind_json(json_is_null(&i->response) ? NULL : &i->response),
		bind_id(i->assigned_to), bind_time(now), bind_str(i->assigned_role), bind_time(i->responded_at),
		bind_int(i->id), bind_str(before->status), bind_int(before->escalated) };
	Rows rows;

	if (!inquiry_refers(db, a, i, err))
		return false;
	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "store inquiry");
	return rows.affected > 0 ||
	       err_set(err, ERR_CONFLICT, "Inquiry %lld was changed in the meantime: look at it, and try again",
		   (long long)i->id);
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
inquiry_due(Db *db, Arena *a, TimeUs now, size_t most, Id **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select id from inquiry where status = 'pending' and next_at is not null and next_at <= $1"
		       " order by next_at limit $2",
		.in = "ti",
	};
	Bind b[] = { bind_time(now), bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read due inquiries");
	*ret = arena_array(a, Id, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = row_int(rows_at(&rows, i), 0);
	return true;
}

bool
inquiry_outlived(Db *db, Arena *a, const Inquiry *i, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id from execution where id = $1 and finished_at is not null and finished_at >= $2",
		.in = "it",
	};
	Bind b[] = { bind_int(i->execution), bind_time(i->created) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "read execution %lld", (long long)i->execution);
	*ret = rows.n > 0;
	return true;
}

bool
inquiry_later(Db *db, Arena *a, Id id, TimeUs until, Err *err)
{
	static const Stmt s = {
		.sql = "update inquiry set next_at = $2 where id = $1 and status = 'pending'",
		.in = "it",
	};
	Bind b[] = { bind_int(id), bind_time(until) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "put off inquiry %lld", (long long)id);
}

bool
inquiry_time_out(Db *db, Arena *a, Id id, TimeUs now, bool *ret_done, Err *err)
{
	static const Stmt s = {
		.sql = "update inquiry set status = 'timeout', updated = $2 where id = $1 and status = 'pending'",
		.in = "it",
	};
	Bind b[] = { bind_int(id), bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "end inquiries whose time is over");
	*ret_done = rows.affected > 0;
	return true;
}

bool
inquiry_go_on(Db *db, Arena *a, const Inquiry *before, const Inquiry *now, TimeUs at, bool *ret_done, Err *err)
{
	static const Stmt s = {
		.sql = "update inquiry set assigned_to = $2, assigned_role = $3, escalated = $4, reminded = $5, "
		       "next_at = $6,"
		       " updated = $7 where id = $1 and status = 'pending' and escalated = $8 and reminded = $9",
		.in = "iISiiTtii",
	};
	Bind b[] = { bind_int(now->id), bind_id(now->assigned_to), bind_str(now->assigned_role),
		bind_int(now->escalated), bind_int(now->reminded), bind_time(next_of(now, now->created)), bind_time(at),
		bind_int(before->escalated), bind_int(before->reminded) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "store inquiry");
	*ret_done = rows.affected > 0;
	return true;
}

bool
inquiry_waits(Db *db, Arena *a, Id execution, Id inquiry, Err *err)
{
	static const Stmt s = {
		.sql = "update execution set wait_reason = 'inquiry', wait_detail = $2 where id = $1 and status = "
		       "'running'",
		.in = "is",
	};
	Bind b[] = { bind_int(execution), bind_str(str_fmt(a, "%lld", (long long)inquiry)) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "say what execution waits for");
}

/* "/1/5/" and 7: 1; "/" or nothing and 7: 7. */
static Id
root_of(Row r)
{
	Str line = row_null(r, 1) ? (Str){ 0 } : row_str(r, 1);
	Id root = 0;

	for (size_t i = 1; i < line.n && line.p[i] != '/'; i++)
		root = root * 10 + (line.p[i] - '0');
	return root == 0 ? row_int(r, 0) : root;
}

bool
execution_same_tree(Db *db, Arena *a, Id x, Id y, bool *ret, Err *err)
{
	static const Stmt s = { .sql = "select id, ancestors from execution where id = $1 or id = $2", .in = "ii" };
	Bind b[] = { bind_int(x), bind_int(y) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "look for what led to execution %lld", (long long)x);
	*ret = x == y || (rows.n == 2 && root_of(rows_at(&rows, 0)) == root_of(rows_at(&rows, 1)));
	return true;
}

bool
inquiry_next_due(Db *db, Arena *a, TimeUs *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select next_at from inquiry where status = 'pending' and next_at is not null"
		       " order by next_at limit 1",
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
