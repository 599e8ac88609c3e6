#include "store/analytics.h"

enum { ROWS_MOST = 1000000, POINTS_MOST = 20000 };

/* Rows of one transaction may be a little older than their id says. */
static const TimeUs SLACK = 60 * (TimeUs)US_PER_S;

typedef struct SeriesSql {
	const char *from, *time, *label, *only;
	Stmt next; /* id and time of the first row from $1 on */
	Stmt last; /* the greatest id */
	ScopeColumns scope;
} SeriesSql;

#define NEXT(table, made) \
	{ \
		.sql = "select id, " made " from " table " where id >= $1 order by id limit 1", .in = "i" \
	}
#define LAST(table) \
	{ \
		.sql = "select max(id) from " table, .in = "" \
	}
#define EXECUTIONS(label_) \
	{ \
		.from = " from execution x", .time = "x.created", .label = label_, \
		.next = NEXT("execution", "created"), .last = LAST("execution"), .scope = { \
			.pack_of = "x.action_ref", \
			.ref = "x.action_ref", \
			.id = "x.id", \
			.owner = "x.executor", \
			.execution = "x.id", \
			.ancestors = "x.ancestors" \
		} \
	}

static const SeriesSql series_sql[SERIES_KINDS] = {
	[SERIES_EXECUTION_STATUS] = EXECUTIONS("x.status"),
	[SERIES_THROUGHPUT] = EXECUTIONS("x.action_ref"),
	[SERIES_EVENTS] = { .from = " from event x",
	    .time = "x.created",
	    .label = "x.trigger_ref",
	    .next = NEXT("event", "created"),
	    .last = LAST("event"),
	    .scope = { .pack_of = "x.trigger_ref", .ref = "x.trigger_ref", .id = "x.id" } },
	[SERIES_ENFORCEMENTS] = { .from = " from enforcement x",
	    .time = "x.created",
	    .label = "x.rule_ref",
	    .next = NEXT("enforcement", "created"),
	    .last = LAST("enforcement"),
	    .scope = { .pack_of = "x.rule_ref", .ref = "x.rule_ref", .id = "x.id" } },
	[SERIES_WORKERS] = { .from = " from worker_history x",
	    .time = "x.time",
	    .label = "x.new_values ->> 'status'",
	    .only = "x.new_values ->> 'status' is not null",
	    .next = NEXT("worker_history", "time"),
	    .last = LAST("worker_history"),
	    .scope = { .id = "x.entity_id" } },
};

/* ---- where the window begins ---- */

static bool
row_from(Db *db, Arena *a, const SeriesSql *s, Id id, Id *ret_id, TimeUs *ret_at, Err *err)
{
	Bind b[] = { bind_int(id) };
	Rows rows;

	if (!db_read(db, a, &s->next, b, &rows, err))
		return false;
	*ret_id = rows.n > 0 ? row_int(rows_at(&rows, 0), 0) : 0;
	*ret_at = rows.n > 0 ? row_int(rows_at(&rows, 0), 1) : 0;
	return true;
}

/* The first id worth looking at; 0: there are no rows. */
static bool
first_id(Db *db, Arena *a, const SeriesSql *s, Window *w, Id *ret, Err *err)
{
	Id low = 1, high, id;
	TimeUs at;
	Rows rows;

	*ret = 0;
	if (!db_read(db, a, &s->last, NULL, &rows, err))
		return false;
	high = rows.n > 0 ? row_int(rows_at(&rows, 0), 0) : 0;
	if (high == 0)
		return true;
	if (high > ROWS_MOST)
		low = high - ROWS_MOST;
	if (!row_from(db, a, s, low, &id, &at, err))
		return false;
	if (low > 1 && at > w->since)
		w->since = at;
	while (low < high) {
		Id middle = low + (high - low) / 2;

		if (!row_from(db, a, s, middle, &id, &at, err))
			return false;
		if (id != 0 && at < w->since - SLACK)
			low = id + 1;
		else
			high = middle;
	}
	*ret = low;
	return true;
}

static bool
window_open(Db *db, Arena *a, const SeriesSql *s, Window *w, const Scope *scope, Listing *l, bool *ret_some, Err *err)
{
	Id first;

	listing_open(l, a, s->from, NULL, 0);
	if (!first_id(db, a, s, w, &first, err))
		return false;
	*ret_some = first != 0;
	listing_where(l, "x.id >= $?", 'i', bind_int(first));
	listing_where(l, str_fmt(a, "%s >= $?", s->time).p, 't', bind_time(w->since));
	listing_where(l, str_fmt(a, "%s <= $?", s->time).p, 't', bind_time(w->until));
	if (s->only != NULL)
		listing_plain(l, s->only);
	return scope == NULL || listing_scope(l, scope, &s->scope, err);
}

/* ---- counting ---- */

static const char *
hour_of(Db *db, Arena *a, const char *time)
{
	if (db_kind(db) == STORE_SQLITE)
		return str_fmt(a, "%s - %s %% 3600000000", time, time).p;
	return str_fmt(a, "to_timestamp(floor(extract(epoch from %s) / 3600) * 3600)", time).p;
}

bool
analytics_series(Db *db, Arena *a, Series series, Window *w, const Scope *scope, Json *ret, Err *err)
{
	const SeriesSql *s = &series_sql[series];
	Buf b = buf_open(a);
	Listing l;
	bool some;
	Rows rows;

	*ret = json_array();
	if (!window_open(db, a, s, w, scope, &l, &some, err))
		return err_wrap(err, "analytics");
	if (!some)
		return true;
	buf_fmt(&b, "select %s, %s, count(*)%s%.*s group by 1, 2 order by 1, 2 limit %d", hour_of(db, a, s->time),
	    s->label, s->from, STR_ARG(buf_str(&l.where)), POINTS_MOST);
	if (!db_read_text(db, a, buf_str(&b), l.in, l.binds, &rows, err))
		return err_wrap(err, "analytics");
	for (size_t i = 0; i < rows.n; i++) {
		Row r = rows_at(&rows, i);
		Json point = json_object();

		json_add(a, &point, "bucket", json_str(time_text(a, row_int(r, 0))));
		json_add(a, &point, "label", json_str(row_str(r, 1)));
		json_add(a, &point, "value", json_int(row_int(r, 2)));
		json_push(a, ret, point);
	}
	return true;
}

bool
analytics_failures(Db *db, Arena *a, Window *w, const Scope *scope, FailureRate *ret, Err *err)
{
	/* a run that hit its limit has failed, and says so in its result */
	static const char counts[] =
	    "select count(*), count(case when x.status = 'completed' then 1 end),"
	    " count(case when x.status = 'failed' or x.status = 'abandoned' then 1 end),"
	    " count(case when x.status = 'timeout' then 1 end),"
	    " count(case when x.status = 'failed' and (cast(x.result as text) like '%\"timed_out\": true%'"
	    " or cast(x.result as text) like '%\"timed_out\":true%') then 1 end)";
	const SeriesSql *s = &series_sql[SERIES_EXECUTION_STATUS];
	Buf b = buf_open(a);
	Listing l;
	bool some;
	Rows rows;
	Row r;

	*ret = (FailureRate){ 0 };
	if (!window_open(db, a, s, w, scope, &l, &some, err))
		return err_wrap(err, "analytics");
	if (!some)
		return true;
	listing_plain(&l, "x.finished_at is not null");
	buf_text(&b, counts);
	buf_text(&b, s->from);
	buf_add(&b, buf_str(&l.where));
	if (!db_read_text(db, a, buf_str(&b), l.in, l.binds, &rows, err))
		return err_wrap(err, "analytics");
	r = rows_at(&rows, 0);
	*ret = (FailureRate){ .terminal = row_int(r, 0),
		.completed = row_int(r, 1),
		.failed = row_int(r, 2) - row_int(r, 4),
		.timed_out = row_int(r, 3) + row_int(r, 4) };
	return true;
}
