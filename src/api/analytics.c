#include "api/access.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/work.h"
#include "store/analytics.h"

enum { HOURS_DEFAULT = 24, HOURS_MOST = 8760 };

static const TimeUs HOUR = 3600 * (TimeUs)US_PER_S;

/* since wins over hours; with only until, the window ends there. */
static bool
window_read(App *app, Req *q, Window *ret, Err *err)
{
	int64_t hours;

	if (!query_time(q, "since", &ret->since, err) || !query_time(q, "until", &ret->until, err) ||
	    !req_query_int(q, "hours", HOURS_DEFAULT, &hours, err))
		return false;
	hours = hours < 1 ? 1 : hours > HOURS_MOST ? HOURS_MOST : hours;
	if (ret->until == 0)
		ret->until = app_now(app);
	if (ret->since == 0)
		ret->since = ret->until - hours * HOUR;
	return ret->since <= ret->until ||
	       err_set(
		   err, ERR_INVALID, "The query parameter 'since' is later than 'until': nothing can be between them");
}

static void
add_window(Arena *a, Json *o, const Window *w)
{
	json_add(a, o, "since", json_str(time_text(a, w->since)));
	json_add(a, o, "until", json_str(time_text(a, w->until)));
}

/* ---- one series ---- */

static const char *const rights[SERIES_KINDS] = {
	[SERIES_EXECUTION_STATUS] = "executions:read",
	[SERIES_THROUGHPUT] = "executions:read",
	[SERIES_EVENTS] = "events:read",
	[SERIES_ENFORCEMENTS] = "enforcements:read",
	[SERIES_WORKERS] = "workers:read",
};

static bool
series_read(App *app, Req *q, Series series, Window *w, Json *ret, Err *err)
{
	Scope scope = app_scope(app, req_arena(q), rights[series]);

	return analytics_series(app_db(app), req_arena(q), series, w, &scope, ret, err);
}

static bool
series_answer(App *app, Req *q, Res *s, Series series, Err *err)
{
	Json o = json_object(), points;
	Window w;

	if (!window_read(app, q, &w, err) || !series_read(app, q, series, &w, &points, err))
		return false;
	json_add(req_arena(q), &o, "data", points);
	add_window(req_arena(q), &o, &w);
	return res_data(s, 200, o, NULL);
}

bool
analytics_status(App *app, Req *q, Res *s, Err *err)
{
	return series_answer(app, q, s, SERIES_EXECUTION_STATUS, err);
}

bool
analytics_throughput(App *app, Req *q, Res *s, Err *err)
{
	return series_answer(app, q, s, SERIES_THROUGHPUT, err);
}

bool
analytics_events(App *app, Req *q, Res *s, Err *err)
{
	return series_answer(app, q, s, SERIES_EVENTS, err);
}

bool
analytics_enforcements(App *app, Req *q, Res *s, Err *err)
{
	return series_answer(app, q, s, SERIES_ENFORCEMENTS, err);
}

bool
analytics_workers(App *app, Req *q, Res *s, Err *err)
{
	return series_answer(app, q, s, SERIES_WORKERS, err);
}

/* ---- failures, and all at once ---- */

static bool
failures_read(App *app, Req *q, Window *w, Json *ret, Err *err)
{
	Arena *a = req_arena(q);
	Scope scope = app_scope(app, a, "executions:read");
	FailureRate f;

	if (!analytics_failures(app_db(app), a, w, &scope, &f, err))
		return false;
	*ret = json_object();
	add_window(a, ret, w);
	json_add(a, ret, "total_terminal", json_int(f.terminal));
	json_add(a, ret, "completed_count", json_int(f.completed));
	json_add(a, ret, "failed_count", json_int(f.failed));
	json_add(a, ret, "timeout_count", json_int(f.timed_out));
	json_add(a, ret, "failure_rate_pct",
	    json_real(f.terminal == 0 ? 0 : (double)(f.failed + f.timed_out) * 100 / (double)f.terminal));
	return true;
}

bool
analytics_failure_rate(App *app, Req *q, Res *s, Err *err)
{
	Window w;
	Json o;

	return window_read(app, q, &w, err) && failures_read(app, q, &w, &o, err) && res_data(s, 200, o, NULL);
}

bool
analytics_dashboard(App *app, Req *q, Res *s, Err *err)
{
	static const char *const keys[SERIES_KINDS] = {
		[SERIES_EXECUTION_STATUS] = "execution_status",
		[SERIES_THROUGHPUT] = "execution_throughput",
		[SERIES_EVENTS] = "event_volume",
		[SERIES_ENFORCEMENTS] = "enforcement_volume",
		[SERIES_WORKERS] = "worker_status",
	};
	Arena *a = req_arena(q);
	Json o = json_object(), part;
	Window w, one;

	if (!window_read(app, q, &w, err))
		return false;
	add_window(a, &o, &w);
	for (size_t i = 0; i < SERIES_KINDS; i++) {
		one = w;
		part = json_array();
		if (may(app, rights[i], NULL) && !series_read(app, q, (Series)i, &one, &part, err))
			return false;
		json_add(a, &o, keys[i], part);
	}
	one = w;
	if (!failures_read(app, q, &one, &part, err))
		return false;
	json_add(a, &o, "failure_rate", part);
	return res_data(s, 200, o, NULL);
}
