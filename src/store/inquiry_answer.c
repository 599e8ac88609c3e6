#include "store/inquiry_answer.h"

bool
inquiry_hold(Db *db, Arena *a, Id id, TimeUs now, bool *ret_open, Err *err)
{
	static const Stmt s = {
		.sql = "update inquiry set updated = $2 where id = $1 and status = 'pending'"
		       " and (timeout_at is null or timeout_at > $2)",
		.in = "it",
	};
	Bind b[] = { bind_int(id), bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "answer inquiry");
	*ret_open = rows.affected > 0;
	return true;
}

bool
inquiry_answer_add(Db *db, Arena *a, const InquiryAnswer *x, TimeUs now, int64_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "insert into inquiry_answer (inquiry, identity, link, response, created) values ($1, $2, $3, "
		       "$4, $5)"
		       " on conflict (inquiry, identity) do nothing",
		.in = "iIIjt",
	};
	static const Stmt count = { .sql = "select count(*) from inquiry_answer where inquiry = $1", .in = "i" };
	Bind b[] = { bind_int(x->inquiry), bind_id(x->identity), bind_id(x->link), bind_json(x->response),
		bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "store an answer");
	if (rows.affected == 0)
		return err_set(err, ERR_CONFLICT, "Inquiry %lld has your answer already; it needs those of others",
		    (long long)x->inquiry);
	if (!db_exec(db, a, &count, b, &rows, err))
		return err_wrap(err, "count answers");
	*ret_n = row_int(rows_at(&rows, 0), 0);
	return true;
}

static Json
id_at(Row r, int column)
{
	return row_null(r, column) ? json_null() : json_int(row_int(r, column));
}

bool
inquiry_answers(Db *db, Arena *a, Id inquiry, Json *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select x.identity, i.login, x.response, x.created, x.link, l.made_by from inquiry_answer x"
		       " left join identity i on i.id = x.identity left join inquiry_link l on l.id = x.link"
		       " where x.inquiry = $1 order by x.id",
		.in = "i",
	};
	Bind b[] = { bind_int(inquiry) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read answers");
	*ret = json_array();
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		Json o = json_object();

		json_add(a, &o, "by", id_at(r, 0));
		json_add(a, &o, "login", row_null(r, 1) ? json_null() : json_str(row_str(r, 1)));
		json_add(a, &o, "response", row_json(a, r, 2));
		json_add(a, &o, "at", json_str(time_text(a, row_int(r, 3))));
		json_add(a, &o, "link", id_at(r, 4));
		json_add(a, &o, "made_by", id_at(r, 5));
		json_push(a, ret, o);
	}
	return true;
}

bool
identity_has_role(Db *db, Arena *a, Id identity, Str role, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id from identity_role_assignment where identity = $1 and role = $2",
		.in = "is",
	};
	Bind b[] = { bind_int(identity), bind_str(role) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read roles");
	*ret = rows.n > 0;
	return true;
}

bool
identity_of_login(Db *db, Arena *a, Str login, Id *ret, Err *err)
{
	static const Stmt s = { .sql = "select id from identity where login = $1", .in = "s" };
	Bind b[] = { bind_str(login) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read identity");
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return *ret != 0 || err_set(err, ERR_NOT_FOUND, "Identity '%.*s' not found", STR_ARG(login));
}

/* ---- links ---- */

bool
inquiry_link_insert(Db *db, Arena *a, InquiryLink *l, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "insert into inquiry_link (inquiry, identity, made_by, expires_at, created)"
		       " values ($1, $2, $3, $4, $5) returning id",
		.in = "iIItt",
	};
	Bind b[] = { bind_int(l->inquiry), bind_id(l->identity), bind_id(l->made_by), bind_time(l->expires),
		bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "store a link");
	l->id = row_int(rows_at(&rows, 0), 0);
	l->created = now;
	return true;
}

bool
inquiry_link_get(Db *db, Arena *a, Id id, InquiryLink *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id, inquiry, identity, made_by, expires_at, used_at, created from inquiry_link where id "
		       "= $1",
		.in = "i",
	};
	Bind b[] = { bind_int(id) };
	Rows rows;
	Row r;

	*ret = (InquiryLink){ 0 };
	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read a link");
	if (rows.n == 0)
		return true;
	r = rows_at(&rows, 0);
	*ret = (InquiryLink){ .id = row_int(r, 0),
		.inquiry = row_int(r, 1),
		.identity = row_int(r, 2),
		.made_by = row_int(r, 3),
		.expires = row_int(r, 4),
		.used = row_int(r, 5),
		.created = row_int(r, 6) };
	return true;
}

bool
inquiry_link_use(Db *db, Arena *a, Id id, TimeUs now, bool *ret_done, Err *err)
{
	static const Stmt s = {
		.sql = "update inquiry_link set used_at = $2 where id = $1 and used_at is null and expires_at > $2",
		.in = "it",
	};
	Bind b[] = { bind_int(id), bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "use a link");
	*ret_done = rows.affected > 0;
	return true;
}
