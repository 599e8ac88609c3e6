#include "store/sensor_process.h"

#define COLUMNS \
	"select sensor, wanted, restart_asked, status, reason, holder, host, lease_until, instance, pid," \
	" active_rule_count, restarts, consecutive_failures, last_exit_code, last_signal, last_started_at," \
	" last_stopped_at, next_restart_at, last_error, stderr_excerpt, events, lines_refused, last_event_at," \
	" created, updated from sensor_process"

static int64_t
or_none(Row r, int col)
{
	return row_null(r, col) ? -1 : row_int(r, col);
}

static void
process_read(Row r, SensorProcess *p)
{
	*p = (SensorProcess){
		.sensor = row_int(r, 0),
		.stop = str_is(row_str(r, 1), "stop"),
		.restart_asked = row_int(r, 2),
		.status = row_str(r, 3),
		.reason = row_str(r, 4),
		.holder = row_str(r, 5),
		.host = row_str(r, 6),
		.lease_until = row_int(r, 7),
		.instance = row_int(r, 8),
		.pid = row_int(r, 9),
		.rules = row_int(r, 10),
		.restarts = row_int(r, 11),
		.failures = row_int(r, 12),
		.exit_code = or_none(r, 13),
		.signal = or_none(r, 14),
		.started = row_int(r, 15),
		.stopped = row_int(r, 16),
		.next_restart = row_int(r, 17),
		.error = row_str(r, 18),
		.stderr_excerpt = row_str(r, 19),
		.events = row_int(r, 20),
		.refused = row_int(r, 21),
		.last_event = row_int(r, 22),
		.created = row_int(r, 23),
		.updated = row_int(r, 24),
	};
}

bool
sensor_process_list(Db *db, Arena *a, SensorProcess **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " order by sensor", .in = "" };
	Rows rows;

	if (!db_read(db, a, &s, NULL, &rows, err))
		return false;
	*ret = arena_array(a, SensorProcess, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		process_read(rows_at(&rows, i), &(*ret)[i]);
	return true;
}

bool
sensor_process_get(Db *db, Arena *a, Id sensor, SensorProcess *ret, Err *err)
{
	static const Stmt s = { .sql = COLUMNS " where sensor = $1", .in = "i" };
	Bind b[] = { bind_int(sensor) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return false;
	*ret = (SensorProcess){ .sensor = sensor, .status = str_of("stopped"), .exit_code = -1, .signal = -1 };
	if (rows.n > 0)
		process_read(rows_at(&rows, 0), ret);
	return true;
}

bool
sensor_process_make(Db *db, Arena *a, Id sensor, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql =
		    "insert into sensor_process (sensor, created, updated) values ($1, $2, $2) on conflict do nothing",
		.in = "it",
	};
	Bind b[] = { bind_int(sensor), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
sensor_process_claim(Db *db, Arena *a, Id sensor, const SensorLease *l, TimeUs now, int64_t *ret_instance, Err *err)
{
	static const Stmt s = {
		.sql = "update sensor_process set holder = $2, host = $3, lease_until = $4, instance = instance + 1,"
		       " reason = null, status = 'stopped', pid = null, updated = $5"
		       " where sensor = $1 and (holder is null or holder = $2 or lease_until < $5 or lease_until > $6"
		       " or $7) returning instance",
		.in = "isstttb",
	};
	/* beyond twice its length it was taken before the clock was set back: it would last for too long */
	Bind b[] = { bind_int(sensor), bind_str(l->holder), bind_str(l->host), bind_time(now + l->length),
		bind_time(now), bind_time(now + 2 * l->length), bind_bool(l->alone) };
	Rows rows;

	if (!sensor_process_make(db, a, sensor, now, err) || !db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret_instance = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	return true;
}

bool
sensor_process_renew(Db *db, Arena *a, Id sensor, int64_t instance, TimeUs until, bool *ret_held, Err *err)
{
	static const Stmt s = {
		.sql = "update sensor_process set lease_until = $3 where sensor = $1 and instance = $2"
		       " and holder is not null",
		.in = "iit",
	};
	Bind b[] = { bind_int(sensor), bind_int(instance), bind_time(until) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret_held = rows.affected > 0;
	return true;
}

static Bind
bind_some(int64_t v)
{
	return (Bind){ .type = v < 0 ? (char)0 : 'i', .i = v };
}

bool
sensor_process_write(Db *db, Arena *a, const SensorProcess *p, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update sensor_process set status = $3, reason = $4, pid = $5, active_rule_count = $6,"
		       " restarts = $7, consecutive_failures = $8, last_exit_code = $9, last_signal = $10,"
		       " last_started_at = $11, last_stopped_at = $12, next_restart_at = $13, last_error = $14,"
		       " stderr_excerpt = $15, updated = $16 where sensor = $1 and instance = $2",
		.in = "iisSIiiiIITTTSSt",
	};
	Bind b[] = { bind_int(p->sensor), bind_int(p->instance), bind_str(p->status), bind_str(p->reason),
		bind_id(p->pid), bind_int(p->rules), bind_int(p->restarts), bind_int(p->failures),
		bind_some(p->exit_code), bind_some(p->signal), bind_time(p->started), bind_time(p->stopped),
		bind_time(p->next_restart), bind_str(p->error), bind_str(p->stderr_excerpt), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
sensor_process_release(Db *db, Arena *a, Id sensor, int64_t instance, Err *err)
{
	static const Stmt s = {
		.sql =
		    "update sensor_process set holder = null, lease_until = null where sensor = $1 and instance = $2",
		.in = "ii",
	};
	Bind b[] = { bind_int(sensor), bind_int(instance) };

	return db_exec(db, a, &s, b, NULL, err);
}

bool
sensor_process_events(Db *db, Arena *a, Id sensor, int64_t instance, int64_t events, int64_t refused, TimeUs now,
    bool *ret_held, Err *err)
{
	static const Stmt s = {
		.sql = "update sensor_process set events = events + $3, lines_refused = lines_refused + $4,"
		       " last_event_at = case when $3 > 0 then $5 else last_event_at end"
		       " where sensor = $1 and instance = $2 and holder is not null",
		.in = "iiiit",
	};
	Bind b[] = { bind_int(sensor), bind_int(instance), bind_int(events), bind_int(refused), bind_time(now) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return false;
	*ret_held = rows.affected > 0;
	return true;
}

bool
sensor_process_idle(Db *db, Arena *a, Id sensor, Str reason, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update sensor_process set status = 'stopped', reason = $2, pid = null, updated = $3"
		       " where sensor = $1 and holder is null",
		.in = "ist",
	};
	Bind b[] = { bind_int(sensor), bind_str(reason), bind_time(now) };

	return sensor_process_make(db, a, sensor, now, err) && db_exec(db, a, &s, b, NULL, err);
}

bool
sensor_process_ask(Db *db, Arena *a, Id sensor, SensorWish wish, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update sensor_process set wanted = $2, restart_asked = restart_asked + $3, updated = $4"
		       " where sensor = $1",
		.in = "isit",
	};
	Bind b[] = { bind_int(sensor), bind_text(wish == SENSOR_STOP ? "stop" : "run"),
		bind_int(wish == SENSOR_RESTART), bind_time(now) };

	return sensor_process_make(db, a, sensor, now, err) && db_exec(db, a, &s, b, NULL, err);
}
