#include "store/event.h"

#include <stdlib.h>

static Bind
bind_uuid(Arena *a, Uuid u)
{
	char text[UUID_TEXT];

	uuid_write(u, text);
	return bind_str(str_copy(a, (Str){ text, UUID_TEXT }));
}

static void
ids_read(const Rows *made, Id *ret_ids)
{
	for (size_t i = 0; i < made->n; i++)
		ret_ids[made->from[i]] = row_int(rows_at(made, i), 0);
}

#define INSERT_EVENT \
	"insert into event (trigger, trigger_ref, config, payload, source, source_ref, rule, rule_ref, " \
	"tick_key," \
	" correlation_id, created, depth) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)" \
	" on conflict do nothing"

bool
event_insert(Db *db, Arena *a, const EventNew *rows, size_t n, TimeUs now, Id *ret_ids, Err *err)
{
	static const Stmt s = {
		.sql = INSERT_EVENT,
		.pg = INSERT_EVENT " returning id",
		.in = "IsJJISISSsti",
		.gives_id = true,
		.set = true,
	};
	enum { WIDTH = 12 };
	Bind *b = arena_array(a, Bind, n * WIDTH + 1);
	Rows made;

	for (size_t i = 0; i < n; i++) {
		const EventNew *e = &rows[i];
		Bind one[WIDTH] = { bind_id(e->trigger), bind_str(e->trigger_ref), bind_json(e->config),
			bind_json(e->payload), bind_id(e->source), bind_str(e->source_ref), bind_id(e->rule),
			bind_str(e->rule_ref), bind_str(e->tick_key), bind_uuid(a, e->correlation), bind_time(now),
			bind_int(e->depth) };

		memcpy(b + i * WIDTH, one, sizeof(one));
		ret_ids[i] = 0;
	}
	if (n == 0)
		return true;
	if (!db_batch(db, a, &s, b, n, &made, err))
		return err_wrap(err, "store event");
	ids_read(&made, ret_ids);
	return true;
}

#define INSERT_ENFORCEMENT \
	"insert into enforcement (rule, rule_ref, trigger_ref, config, event, conditions, " \
	"correlation_id, created)" \
	" values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing"

bool
enforcement_insert(Db *db, Arena *a, const EnforcementNew *rows, size_t n, TimeUs now, Id *ret_ids, Err *err)
{
	static const Stmt s = {
		.sql = INSERT_ENFORCEMENT,
		.pg = INSERT_ENFORCEMENT " returning id",
		.in = "issjijst",
		.gives_id = true,
		.set = true,
	};
	enum { WIDTH = 8 };
	Bind *b = arena_array(a, Bind, n * WIDTH + 1);
	Rows made;

	for (size_t i = 0; i < n; i++) {
		const EnforcementNew *e = &rows[i];
		Bind one[WIDTH] = { bind_id(e->rule), bind_str(e->rule_ref), bind_str(e->trigger_ref),
			bind_json(e->config), bind_id(e->event), bind_json(e->conditions), bind_uuid(a, e->correlation),
			bind_time(now) };

		memcpy(b + i * WIDTH, one, sizeof(one));
		ret_ids[i] = 0;
	}
	if (n == 0)
		return true;
	if (!db_batch(db, a, &s, b, n, &made, err))
		return err_wrap(err, "store enforcement");
	ids_read(&made, ret_ids);
	return true;
}

#define TAKEN_COLUMNS "id, rule, event, rule_ref, trigger_ref, config, correlation_id, created"

static void
taken_read(Arena *a, Row r, EnforcementTaken *e)
{
	*e = (EnforcementTaken){
		.id = row_int(r, 0),
		.rule = row_int(r, 1),
		.event = row_int(r, 2),
		.rule_ref = row_str(r, 3),
		.trigger_ref = row_str(r, 4),
		.config = row_json(a, r, 5),
		.created = row_int(r, 7),
	};
	if (!uuid_parse(row_str(r, 6), &e->correlation))
		e->correlation = (Uuid){ 0 };
}

static void
taken_rows(Arena *a, const Rows *rows, EnforcementTaken **ret, size_t *ret_n)
{
	*ret = arena_array(a, EnforcementTaken, rows->n + 1);
	*ret_n = rows->n;
	for (size_t i = 0; i < rows->n; i++)
		taken_read(a, rows_at(rows, i), &(*ret)[i]);
}

/* ids, each with the time, for statements of $1 id and $2 now */
static Bind *
id_binds(Arena *a, const Id *ids, size_t n, TimeUs now)
{
	Bind *b = arena_array(a, Bind, n * 2 + 1);

	for (size_t i = 0; i < n; i++) {
		b[i * 2] = bind_int(ids[i]);
		b[i * 2 + 1] = bind_time(now);
	}
	return b;
}

static int
by_number(const void *a, const void *b)
{
	Id x = *(const Id *)a, y = *(const Id *)b;

	return x < y ? -1 : x > y;
}

/* The same message may be there twice. */
static Id *
ids_once(Arena *a, const Id *ids, size_t *n)
{
	Id *once = arena_copy(a, ids, *n * sizeof(Id));
	size_t kept = 0;

	qsort(once, *n, sizeof(Id), by_number);
	for (size_t i = 0; i < *n; i++)
		if (i == 0 || once[i] != once[kept - 1])
			once[kept++] = once[i];
	*n = kept;
	return once;
}

/* SQLite has one writer: what is seen stays so until the commit, and looking first is cheaper than `returning`. */
static bool
take_by_looking(Db *db, Arena *a, const Id *ids, size_t n, TimeUs now, Rows *ret, Err *err)
{
	static const Stmt look = {
		.sql = "select " TAKEN_COLUMNS " from enforcement where id = $1 and status = 'created'",
		.in = "i",
	};
	static const Stmt take = {
		.sql = "update enforcement set status = 'processed', resolved_at = $2 where id = $1 and status = "
		       "'created'",
		.in = "it",
	};
	Bind *b = arena_array(a, Bind, n);
	Id *found;

	for (size_t i = 0; i < n; i++)
		b[i] = bind_int(ids[i]);
	if (!db_batch(db, a, &look, b, n, ret, err))
		return false;
	found = arena_array(a, Id, ret->n + 1);
	for (size_t i = 0; i < ret->n; i++)
		found[i] = row_int(rows_at(ret, i), 0);
	return ret->n == 0 || db_batch(db, a, &take, id_binds(a, found, ret->n, now), ret->n, NULL, err);
}

bool
enforcement_take(Db *db, Arena *a, const Id *ids, size_t n, TimeUs now, EnforcementTaken **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql =
		    "update enforcement set status = 'processed', resolved_at = $2 where id = $1 and status = 'created'"
		    " returning " TAKEN_COLUMNS,
		.in = "it",
		.set = true,
	};
	const Id *once;
	Rows rows;
	bool ok;

	*ret_n = 0;
	if (n == 0)
		return true;
	once = ids_once(a, ids, &n);
	ok = db_kind(db) == STORE_SQLITE ? take_by_looking(db, a, once, n, now, &rows, err)
					 : db_batch(db, a, &s, id_binds(a, once, n, now), n, &rows, err);
	if (!ok)
		return err_wrap(err, "take enforcement");
	taken_rows(a, &rows, ret, ret_n);
	return true;
}

bool
enforcement_disable(Db *db, Arena *a, const Id *ids, size_t n, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update enforcement set status = 'disabled', resolved_at = $2 where id = $1 and status = "
		       "'processed'",
		.in = "it",
	};

	return n == 0 || db_batch(db, a, &s, id_binds(a, ids, n, now), n, NULL, err);
}

bool
enforcement_waiting(
    Db *db, Arena *a, TimeUs before, Id after, size_t most, EnforcementTaken **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select " TAKEN_COLUMNS " from enforcement where status = 'created' and created < $1 and id > $2"
		       " order by id limit $3",
		.in = "tii",
	};
	Bind b[] = { bind_time(before), bind_int(after), bind_int((int64_t)most) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	taken_rows(a, &rows, ret, ret_n);
	return true;
}
