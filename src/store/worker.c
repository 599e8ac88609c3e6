#include "store/worker.h"

#include "store/history.h"

#define WORKER_COLUMNS \
	"select w.id, w.name, w.worker_type, w.worker_role, w.host, w.status, w.incarnation, w.boot_id, " \
	"w.capabilities, w.meta," \
	" r.ref, w.cordoned, w.cordon_reason, w.cordoned_by, w.cordoned_at, w.last_heartbeat, w.slots, w.ahead, " \
	"w.created," \
	" w.updated from worker w left join runtime r on r.id = w.runtime"

static void
worker_read(Arena *a, Row r, WorkerDef *w)
{
	*w = (WorkerDef){
		.id = row_int(r, 0),
		.name = row_str(r, 1),
		.type = row_str(r, 2),
		.role = row_str(r, 3),
		.host = row_str(r, 4),
		.status = row_str(r, 5),
		.incarnation = row_str(r, 6),
		.boot_id = row_str(r, 7),
		.capabilities = row_json(a, r, 8),
		.meta = row_json(a, r, 9),
		.runtime_ref = row_str(r, 10),
		.cordoned = row_bool(r, 11),
		.cordon_reason = row_str(r, 12),
		.cordoned_by = row_int(r, 13),
		.cordoned_at = row_int(r, 14),
		.last_heartbeat = row_int(r, 15),
		.slots = row_int(r, 16),
		.ahead = row_int(r, 17),
		.created = row_int(r, 18),
		.updated = row_int(r, 19),
	};
}

bool
worker_reserve(Db *db, Arena *a, Str name, TimeUs now, Id *ret_id, Err *err)
{
	static const Stmt make = {
		.sql = "insert into worker (name, status, created, updated) values ($1, 'inactive', $2, $2) on "
		       "conflict do nothing",
		.in = "st",
	};
	static const Stmt find = { .sql = "select id from worker where name = $1", .in = "s" };
	Bind b[] = { bind_str(name), bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &make, b, NULL, err) || !db_exec(db, a, &find, b, &rows, err))
		return false;
	if (rows.n == 0)
		return err_set(err, ERR_INTERNAL, "worker '%.*s' cannot be made", STR_ARG(name));
	*ret_id = row_int(rows_at(&rows, 0), 0);
	return true;
}

/* ---- what its history says ---- */

typedef struct Before {
	bool there;
	Str name, status, incarnation, host, cordon_reason;
	bool cordoned;
} Before;

static bool
before_read(Db *db, Arena *a, Id id, Str name, Before *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select name, status, incarnation, host, cordon_reason, cordoned from worker where id = $1 or "
		       "name = $2",
		.in = "IS",
	};
	Bind b[] = { bind_id(id), bind_str(name) };
	Rows rows;

	*ret = (Before){ 0 };
	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	if (rows.n > 0) {
		Row r = rows_at(&rows, 0);

		*ret = (Before){ true, row_str(r, 0), row_str(r, 1), row_str(r, 2), row_str(r, 3), row_str(r, 4),
			row_bool(r, 5) };
	}
	return true;
}

typedef struct Changes {
	Arena *a;
	Json before, after;
} Changes;

static void
change_text(Changes *c, const char *key, Str before, Str after)
{
	if (str_eq(before, after))
		return;
	json_add(c->a, &c->before, key, json_str(before));
	json_add(c->a, &c->after, key, json_str(after));
}

static Changes
changes_open(Arena *a)
{
	return (Changes){ a, json_object(), json_object() };
}

static bool
changes_note(Db *db, const Changes *c, Id id, const Before *b, TimeUs now, Err *err)
{
	return c->after.n == 0 || worker_note(db, c->a, id, b->name, b->there ? &c->before : NULL, &c->after, now, err);
}

static bool
status_note(Db *db, Arena *a, Id id, const Before *b, const char *status, TimeUs now, Err *err)
{
	Changes c = changes_open(a);

	change_text(&c, "status", b->status, str_of(status));
	return changes_note(db, &c, id, b, now, err);
}

/* ---- registering ---- */

bool
worker_register(Db *db, Arena *a, const WorkerDef *w, TimeUs now, Id *ret_id, Str *ret_before, Err *err)
{
	static const Stmt s = {
		.sql =
		    "insert into worker (name, worker_type, worker_role, host, capabilities, meta, incarnation, "
		    "boot_id, slots,"
		    " status, last_heartbeat, created, updated) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'active', "
		    "$10, $10, $10)"
		    " on conflict (name) do update set worker_type = excluded.worker_type, host = excluded.host,"
		    " capabilities = excluded.capabilities, meta = excluded.meta, incarnation = excluded.incarnation,"
		    " boot_id = excluded.boot_id, slots = excluded.slots, status = 'active',"
		    " last_heartbeat = excluded.last_heartbeat, updated = excluded.updated returning id",
		.in = "sssSJJsSit",
	};
	Bind b[] = { bind_str(w->name), bind_str(w->type), bind_str(w->role), bind_str(w->host),
		bind_json(&w->capabilities), bind_json(&w->meta), bind_str(w->incarnation), bind_str(w->boot_id),
		bind_int(w->slots), bind_time(now) };
	Changes c = changes_open(a);
	Before before;
	Rows rows;

	if (!before_read(db, a, 0, w->name, &before, err))
		return false;
	*ret_before = before.incarnation;
	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "register worker '%.*s'", STR_ARG(w->name));
	*ret_id = row_int(rows_at(&rows, 0), 0);
	before.name = w->name;
	change_text(&c, "status", before.status, str_of("active"));
	change_text(&c, "incarnation", before.incarnation, w->incarnation);
	change_text(&c, "host", before.host, w->host);
	return changes_note(db, &c, *ret_id, &before, now, err);
}

bool
worker_list(Db *db, Arena *a, Str role, WorkerDef **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = WORKER_COLUMNS " where $1 = '' or w.worker_role = $1 order by w.name",
		.in = "s",
	};
	Bind b[] = { bind_str(str_none(role) ? str_of("") : role) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	*ret = arena_array(a, WorkerDef, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		worker_read(a, rows_at(&rows, i), &(*ret)[i]);
	return true;
}

bool
worker_get(Db *db, Arena *a, Id id, WorkerDef *ret, Err *err)
{
	static const Stmt s = { .sql = WORKER_COLUMNS " where w.id = $1", .in = "i" };
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Worker with ID %lld not found", (long long)id);
	worker_read(a, rows_at(&rows, 0), ret);
	return true;
}

bool
worker_beat(Db *db, Arena *a, Id id, Str incarnation, TimeUs now, bool *ret_woken, Err *err)
{
	static const Stmt look = {
		.sql = "select id from worker where id = $1 and incarnation = $2 and status <> 'active'",
		.in = "is",
	};
	static const Stmt beat = {
		/* also to an earlier time: the clock may have been set back */
		.sql = "update worker set last_heartbeat = $3 where id = $1 and incarnation = $2",
		.in = "ist",
	};
	Bind b[] = { bind_int(id), bind_str(incarnation), bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &look, b, &rows, err) ||
	    (rows.n > 0 && !worker_set_status(db, a, id, incarnation, "active", now, err)) ||
	    !db_exec(db, a, &beat, b, NULL, err))
		return false;
	*ret_woken = rows.n > 0;
	return true;
}

static const Stmt beats_stmt = {
	.sql = "select id, incarnation, last_heartbeat from worker where worker_role = 'action' and status = 'active'",
	.in = "",
};

void
worker_beats_ahead(Db *db, Arena *a)
{
	db_ahead(db, a, &beats_stmt, NULL);
}

bool
worker_beats(Db *db, Arena *a, WorkerBeat **ret, size_t *ret_n, Err *err)
{
	Rows rows;

	if (!db_exec(db, a, &beats_stmt, NULL, &rows, err))
		return false;
	*ret = arena_array(a, WorkerBeat, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] = (WorkerBeat){ row_int(r, 0), row_str(r, 1), row_int(r, 2) };
	}
	return true;
}

bool
worker_set_status(Db *db, Arena *a, Id id, Str incarnation, const char *status, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "update worker set status = $3, updated = $4 where id = $1 and incarnation = $2 and status <> $3",
		.in = "isst",
	};
	Bind b[] = { bind_int(id), bind_str(incarnation), bind_text(status), bind_time(now) };
	Before before;
	Rows rows;

	return before_read(db, a, id, (Str){ 0 }, &before, err) && db_exec(db, a, &s, b, &rows, err) &&
	       (rows.affected == 0 || status_note(db, a, id, &before, status, now, err));
}

bool
worker_set_capabilities(Db *db, Arena *a, Id id, Str incarnation, const Json *capabilities, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update worker set capabilities = $3, updated = $4 where id = $1 and incarnation = $2",
		.in = "isJt",
	};
	Bind b[] = { bind_int(id), bind_str(incarnation), bind_json(capabilities), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
worker_no_slots(Db *db, Arena *a, Id id, Str incarnation, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update worker set slots = 0, updated = $3 where id = $1 and incarnation = $2",
		.in = "ist",
	};
	Bind b[] = { bind_int(id), bind_str(incarnation), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
worker_set_full(Db *db, Arena *a, Id id, Str incarnation, Str why, int64_t slots, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update worker set slots = $3, meta = $4, updated = $5 where id = $1 and incarnation = $2",
		.in = "isiJt",
	};
	Json meta = json_object();
	Bind b[] = { bind_int(id), bind_str(incarnation), bind_int(str_none(why) ? slots : 0), bind_json(&meta),
		bind_time(now) };

	if (!str_none(why))
		json_add(a, &meta, "full", json_str(why));
	return db_exec(db, a, &s, b, NULL, err);
}

bool
worker_cordon(Db *db, Arena *a, Id id, bool cordoned, Str reason, Id by, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update worker set cordoned = $2, cordon_reason = $3, cordoned_by = $4, cordoned_at = $5, "
		       "updated = $6"
		       " where id = $1 returning id",
		.in = "ibSITt",
	};
	Bind b[] = { bind_int(id), bind_bool(cordoned), bind_str(cordoned ? reason : (Str){ 0 }),
		bind_id(cordoned ? by : 0), bind_time(cordoned ? now : 0), bind_time(now) };
	Changes c = changes_open(a);
	Before before;
	Rows rows;

	if (!before_read(db, a, id, (Str){ 0 }, &before, err) || !db_exec(db, a, &s, b, &rows, err))
		return false;
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Worker with ID %lld not found", (long long)id);
	if (before.cordoned != cordoned) {
		json_add(a, &c.before, "cordoned", json_bool(before.cordoned));
		json_add(a, &c.after, "cordoned", json_bool(cordoned));
	}
	change_text(&c, "cordon_reason", before.cordon_reason, cordoned ? reason : (Str){ 0 });
	return changes_note(db, &c, id, &before, now, err);
}

bool
lease_take(Db *db, Arena *a, const char *name, Str holder, TimeUs now, TimeUs length, bool *ret_held, Err *err)
{
	static const Stmt s = {
		.sql =
		    "insert into lease (name, holder, until) values ($1, $2, $3) on conflict (name) do update set"
		    " holder = excluded.holder, until = excluded.until where lease.holder = excluded.holder or "
		    "lease.until < $4"
		    " or lease.until > $5 returning name", /* taken before the clock was set back: it would last for too long */
		.in = "ssttt",
	};
	Bind b[] = { bind_text(name), bind_str(holder), bind_time(now + length), bind_time(now),
		bind_time(now + 2 * length) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret_held = rows.n > 0;
	return true;
}

bool
lease_drop(Db *db, Arena *a, const char *name, Str holder, Err *err)
{
	static const Stmt s = { .sql = "delete from lease where name = $1 and holder = $2", .in = "ss" };
	Bind b[] = { bind_text(name), bind_str(holder) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
role_seen(Db *db, Arena *a, const RoleInstance *r, Err *err)
{
	static const Stmt s = {
		.sql =
		    "insert into role_instance (process, role, host, pid, started, last_seen) values ($1, $2, $3, "
		    "$4, $5, $6)"
		    " on conflict (process, role) do update set host = excluded.host, pid = excluded.pid,"
		    " started = excluded.started, last_seen = excluded.last_seen", /* its name is kept over restarts */
		.in = "sssitt",
	};
	Bind b[] = { bind_str(r->process), bind_str(r->role), bind_str(r->host), bind_int(r->pid),
		bind_time(r->started), bind_time(r->last_seen) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
role_forget(Db *db, Arena *a, TimeUs before, Err *err)
{
	static const Stmt s = { .sql = "delete from role_instance where last_seen < $1", .in = "t" };
	Bind b[] = { bind_time(before) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
role_gone(Db *db, Arena *a, Str process, Err *err)
{
	static const Stmt s = { .sql = "delete from role_instance where process = $1", .in = "s" };
	Bind b[] = { bind_str(process) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
role_list(Db *db, Arena *a, TimeUs since, RoleInstance **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select process, role, host, pid, started, last_seen from role_instance where last_seen >= $1"
		       " order by role, process",
		.in = "t",
	};
	Bind b[] = { bind_time(since) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	*ret = arena_array(a, RoleInstance, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] = (RoleInstance){ row_str(r, 0), row_str(r, 1), row_str(r, 2), row_int(r, 3), row_int(r, 4),
			row_int(r, 5) };
	}
	return true;
}

#define DEAD_COLUMNS "select id, message_id, queue, routing_key, reason, body, created from dead_letter"

static DeadRow
dead_read(Row r)
{
	return (DeadRow){ row_int(r, 0), row_str(r, 1), row_str(r, 2), row_str(r, 3), row_str(r, 4), row_str(r, 5),
		row_int(r, 6) };
}

bool
dead_insert(Db *db, Arena *a, const DeadRow *d, Err *err)
{
	static const Stmt s = {
		.sql = "insert into dead_letter (message_id, queue, routing_key, reason, body, created)"
		       " values ($1, $2, $3, $4, $5, $6)",
		.in = "ssssst",
	};
	Bind b[] = { bind_str(d->message_id), bind_str(d->queue), bind_str(d->routing_key), bind_str(d->reason),
		bind_str(d->body), bind_time(d->created) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
dead_list(Db *db, Arena *a, int64_t limit, int64_t offset, DeadRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = DEAD_COLUMNS " order by id desc limit $1 offset $2", .in = "ii" };
	Bind b[] = { bind_int(limit), bind_int(offset) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	*ret = arena_array(a, DeadRow, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = dead_read(rows_at(&rows, i));
	return true;
}

bool
dead_get(Db *db, Arena *a, Str message_id, DeadRow *ret, Err *err)
{
	static const Stmt s = { .sql = DEAD_COLUMNS " where message_id = $1", .in = "s" };
	Bind b[] = { bind_str(message_id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Dead letter '%.*s' not found", STR_ARG(message_id));
	*ret = dead_read(rows_at(&rows, 0));
	return true;
}

bool
dead_drop(Db *db, Arena *a, Str message_id, Err *err)
{
	static const Stmt s = { .sql = "delete from dead_letter where message_id = $1 returning id", .in = "s" };
	Bind b[] = { bind_str(message_id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	if (rows.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Dead letter '%.*s' not found", STR_ARG(message_id));
	return true;
}
