#include "store/environment.h"

bool
environment_put(Db *db, Arena *a, const EnvironmentRow *r, TimeUs now, Err *err)
{
	/* a build that goes on keeps what the one before has said */
	static const Stmt s = {
		.sql =
		    "insert into pack_environment (pack, pack_ref, runtime, host, place, worker, env_path, status,"
		    " manifest_checksum, install_log, install_error, installed_at, last_verified, created, updated)"
		    " select id, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $12 from pack where ref = $1"
		    " on conflict (pack_ref, runtime, host, place) do update set worker = excluded.worker,"
		    " env_path = excluded.env_path, status = excluded.status,"
		    " manifest_checksum = coalesce(excluded.manifest_checksum, pack_environment.manifest_checksum),"
		    " install_log = coalesce(excluded.install_log, pack_environment.install_log),"
		    " install_error = excluded.install_error,"
		    " installed_at = coalesce(excluded.installed_at, pack_environment.installed_at),"
		    " last_verified = excluded.last_verified, updated = excluded.updated",
		.in = "sssssssSSSTt",
	};
	Bind b[] = { bind_str(r->pack_ref), bind_str(r->runtime), bind_str(r->host), bind_str(r->place),
		bind_str(r->worker), bind_str(r->env_path), bind_text(r->status), bind_str(r->checksum),
		bind_str(r->log), bind_str(r->error), bind_time(r->built ? now : 0), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "store an environment");
}

static Json
time_or_null(Arena *a, TimeUs t)
{
	return t == 0 ? json_null() : json_str(time_text(a, t));
}

bool
environment_list(Db *db, Arena *a, Str pack_ref, Json *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select id, pack_ref, runtime, host, worker, env_path, status, manifest_checksum, install_error,"
		       " install_log, installed_at, last_verified, requested_at, updated from pack_environment"
		       " where pack_ref = $1 order by runtime, host, place",
		.in = "s",
	};
	Bind b[] = { bind_str(pack_ref) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read environments");
	*ret = json_array();
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		Json o = json_object();

		json_add(a, &o, "id", json_int(row_int(r, 0)));
		json_add(a, &o, "pack_ref", json_str(row_str(r, 1)));
		json_add(a, &o, "runtime", json_str(row_str(r, 2)));
		json_add(a, &o, "host", json_str(row_str(r, 3)));
		json_add(a, &o, "worker", json_str(row_str(r, 4)));
		json_add(a, &o, "env_path", json_str(row_str(r, 5)));
		json_add(a, &o, "status", json_str(row_str(r, 6)));
		json_add(a, &o, "manifest_checksum", json_str(row_str(r, 7)));
		json_add(a, &o, "install_error", json_str(row_str(r, 8)));
		json_add(a, &o, "install_log", json_str(row_str(r, 9)));
		json_add(a, &o, "installed_at", time_or_null(a, row_int(r, 10)));
		json_add(a, &o, "last_verified", time_or_null(a, row_int(r, 11)));
		json_add(a, &o, "requested_at", time_or_null(a, row_int(r, 12)));
		json_add(a, &o, "updated", time_or_null(a, row_int(r, 13)));
		json_push(a, ret, o);
	}
	return true;
}

bool
environment_request(Db *db, Arena *a, Str pack_ref, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "update pack_environment set requested_at = $1, status = 'pending', updated = $1"
		       " where pack_ref = $2",
		.in = "ts",
	};
	Bind b[] = { bind_time(now), bind_str(pack_ref) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "ask for an environment");
}

bool
environment_requested(Db *db, Arena *a, Str pack_ref, Str runtime, Str host, Str place, bool *ret, Err *err)
{
	static const Stmt s = {
		.sql =
		    "select 1 from pack_environment where pack_ref = $1 and runtime = $2 and host = $3 and place = $4"
		    " and status in ('pending', 'installing') and requested_at is not null"
		    " and (installed_at is null or installed_at < requested_at)",
		.in = "ssss",
	};
	Bind b[] = { bind_str(pack_ref), bind_str(runtime), bind_str(host), bind_str(place) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read environments");
	*ret = rows.n > 0;
	return true;
}

bool
environment_hosts(Db *db, Arena *a, Str pack_ref, Str runtime, Str **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select distinct host from pack_environment where pack_ref = $1 and status = 'ready'"
		       " and (runtime = $2 or runtime like $3)",
		.in = "sss",
	};
	Bind b[] = { bind_str(pack_ref), bind_str(runtime), bind_str(str_fmt(a, "%.*s-%%", STR_ARG(runtime))) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read environments");
	*ret = arena_array(a, Str, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = row_str(rows_at(&rows, i), 0);
	return true;
}

bool
environment_waiting(Db *db, Arena *a, Str host, Str place, Str **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select distinct pack_ref from pack_environment where host = $1 and place = $2"
		       " and status = 'pending'",
		.in = "ss",
	};
	Bind b[] = { bind_str(host), bind_str(place) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read environments");
	*ret = arena_array(a, Str, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = row_str(rows_at(&rows, i), 0);
	return true;
}

bool
pack_runtimes(Db *db, Arena *a, Str pack_ref, PackRuntime **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select x.pack_ref, r.name, r.execution_config from (select distinct pack_ref, runtime"
		       " from action where $1 = '' or pack_ref = $1) x join runtime r on r.id = x.runtime",
		.in = "s",
	};
	Bind b[] = { bind_str(str_none(pack_ref) ? str_of("") : pack_ref) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read the runtimes of packs");
	*ret = arena_array(a, PackRuntime, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);

		(*ret)[i] = (PackRuntime){ row_str(r, 0), str_lower(a, row_str(r, 1)), row_json(a, r, 2) };
	}
	return true;
}
