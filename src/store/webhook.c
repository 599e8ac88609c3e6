#include "store/webhook.h"

#include "store/execution_aside.h"
#include "store/lock.h"

#include "model/lifecycle.h"

static const Column log_columns[] = {
	{ "x.id", "id", COL_INT, false },
	{ "x.trigger_ref", "trigger_ref", COL_TEXT, false },
	{ "x.event_id", "event_id", COL_INT, false },
	{ "x.source_ip", "source_ip", COL_TEXT, false },
	{ "x.user_agent", "user_agent", COL_TEXT, false },
	{ "x.payload_size_bytes", "payload_size_bytes", COL_INT, false },
	{ "x.status_code", "status_code", COL_INT, false },
	{ "x.error_message", "error_message", COL_TEXT, false },
	{ "x.processing_time_ms", "processing_time_ms", COL_INT, false },
	{ "x.hmac_verified", "hmac_verified", COL_BOOL, false },
	{ "x.rate_limited", "rate_limited", COL_BOOL, false },
	{ "x.ip_allowed", "ip_allowed", COL_BOOL, false },
	{ "x.created", "created", COL_TIME, false },
};

bool
webhook_log_add(Db *db, Arena *a, const WebhookLogNew *rows, size_t n, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "insert into webhook_event_log (trigger_id, trigger_ref, webhook_key, event_id, source_ip,"
		       " user_agent, payload_size_bytes, status_code, error_message, processing_time_ms, hmac_verified,"
		       " rate_limited, ip_allowed, created)"
		       " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
		.in = "issISSiiSibbbt",
		.set = true,
	};
	enum { WIDTH = 14 };
	Bind *b = arena_array(a, Bind, n * WIDTH + 1);

	for (size_t i = 0; i < n; i++) {
		const WebhookLogNew *row = &rows[i];
		Bind one[WIDTH] = { bind_int(row->trigger), bind_str(row->trigger_ref), bind_str(row->key),
			bind_id(row->event), bind_str(row->source_ip), bind_str(row->user_agent), bind_int(row->bytes),
			bind_int(row->status), bind_str(row->error), bind_int(row->took_ms), bind_bool(row->verified),
			bind_bool(row->limited), bind_bool(row->allowed), bind_time(now) };

		memcpy(b + i * WIDTH, one, sizeof(one));
	}
	return n == 0 || db_later(db, a, &s, b, n, err) || err_wrap(err, "log requests to webhooks");
}

bool
webhook_log_list(Db *db, Arena *a, Id trigger, const Slice *slice, SliceOut *ret, Err *err)
{
	Listing l;

	listing_open(&l, a, " from webhook_event_log x", log_columns, countof(log_columns));
	listing_id(&l, "x.trigger_id", trigger);
	return listing_read(db, &l, slice, ret, err) || err_wrap(err, "list webhook requests");
}

bool
webhook_lock(Db *db, Arena *a, Id trigger, Err *err)
{
	static const Stmt s = { .sql = "select 1 where $1 > 0", /* there is one writer only */
		.pg = "select " LOCK_TAKE(LOCK_ROW("webhook_event_log", "$1"), LOCK_EARLIER_ROW("74713", "$1")),
		.in = "i" };
	Bind b[] = { bind_int(trigger) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "lock the requests of a webhook");
}

bool
webhook_recent(Db *db, Arena *a, Id trigger, Str key, Str source_ip, TimeUs since, int64_t *ret, Err *err)
{
	static const Stmt s = {
		.sql = "select count(*) from webhook_event_log where trigger_id = $1 and source_ip = $2"
		       " and created > $3 and webhook_key = $4 and not rate_limited",
		.in = "istS",
	};
	Bind b[] = { bind_int(trigger), bind_str(source_ip), bind_time(since), bind_str(key) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "count webhook requests");
	*ret = row_int(rows_at(&rows, 0), 0);
	return true;
}

bool
event_of_tick(Db *db, Arena *a, Str tick_key, Id *ret, TimeUs *ret_created, Err *err)
{
	static const Stmt s = {
		.sql = "select id, created from event where tick_key is not null and tick_key = $1",
		.in = "s",
	};
	Bind b[] = { bind_str(tick_key) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "look for an event");
	*ret = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 0);
	*ret_created = rows.n == 0 ? 0 : row_int(rows_at(&rows, 0), 1);
	return true;
}

bool
event_runs(Db *db, Arena *a, Id event, Json *ret, bool *ret_open, Err *err)
{
	static const Stmt s = {
		.sql = "select n.status, x.id, x.status, " EXECUTION_RESULT " from enforcement n left join execution x"
		       " on x.enforcement = n.id and x.parent is null and x.original_execution is null"
		       " where n.event = $1 and n.rule is not null order by n.id",
		.in = "i",
	};
	Bind b[] = { bind_int(event) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read what came of event %lld", (long long)event);
	*ret = json_array();
	*ret_open = false;
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		Json run = json_object();

		if (row_null(r, 1)) {
			*ret_open = *ret_open || str_is(row_str(r, 0), "created");
			continue;
		}
		*ret_open = *ret_open || !exec_terminal(exec_state_of(row_str(r, 2)));
		json_add(a, &run, "id", json_int(row_int(r, 1)));
		json_add(a, &run, "status", json_str(row_str(r, 2)));
		json_add(a, &run, "result", row_json(a, r, 3));
		json_push(a, ret, run);
	}
	return true;
}

/* ---- re-wrapping ---- */

#define HMAC "x.webhook_config -> 'hmac'"
#define STALE \
	" where (" HMAC " -> 'secret' is not null or " HMAC " -> 'secrets' is not null or (" HMAC \
	" -> 'sealed' is not null and coalesce(" HMAC " ->> 'key_id', '') <> $1))"

bool
webhook_config_stale(Db *db, Arena *a, Str key_id, Id after, size_t most, HookRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = "select x.id, x.webhook_config from \"trigger\" x" STALE " and x.id > $2 order by x.id limit $3",
		.in = "sii",
	};
	Bind b[] = { bind_str(key_id), bind_int(after), bind_int((int64_t)most) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read the secrets of webhooks");
	*ret = arena_array(a, HookRow, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = (HookRow){ row_int(rows_at(&rows, i), 0), row_json(a, rows_at(&rows, i), 1) };
	return true;
}

bool
webhook_config_rewrap(Db *db, Arena *a, const HookRow *was, const Json *config, bool *ret_done, Err *err)
{
	static const Stmt s = {
		.sql = "update \"trigger\" set webhook_config = $3 where id = $1 and webhook_config = $2 returning id",
		.in = "ijj",
	};
	Bind b[] = { bind_int(was->trigger), bind_json(&was->config), bind_json(config) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "re-wrap the secrets of a webhook");
	*ret_done = rows.n > 0;
	return true;
}

bool
webhook_config_stale_count(Db *db, Arena *a, Str key_id, int64_t *ret, Err *err)
{
	static const Stmt s = { .sql = "select count(*) from \"trigger\" x" STALE, .in = "s" };
	Bind b[] = { bind_str(key_id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "count the secrets of webhooks");
	*ret = row_int(rows_at(&rows, 0), 0);
	return true;
}
