#include "api/workers.h"

#include "api/handlers.h"
#include "store/change.h"

/* Does the database answer? */
static bool
database_answers(App *app, Arena *a, Err *err)
{
	Id last;

	return change_last(app_db(app), a, &last, err);
}

bool
health(App *app, Req *q, Res *s, Err *err)
{
	Json o = json_object();

	(void)app;
	(void)err;
	json_add(req_arena(q), &o, "status", json_cstr("ok"));
	return res_json(s, 200, &o);
}

bool
health_live(App *app, Req *q, Res *s, Err *err)
{
	(void)app;
	(void)q;
	(void)err;
	return res_empty(s, 200);
}

bool
health_ready(App *app, Req *q, Res *s, Err *err)
{
	return res_empty(s, database_answers(app, req_arena(q), err) ? 200 : 503);
}

static bool
broker_answers(App *app, Arena *a)
{
	QueueDepth *queues;
	size_t n;

	return bus_depths(app->engine->bus, a, &queues, &n, NULL);
}

/* What is wrong beyond the database: nothing here makes the answer an error, for the API itself works. */
static bool
add_rest(App *app, Arena *a, Json *o, Err *err)
{
	int64_t active = 0;
	WaitingRow *waiting;
	TimeUs oldest = 0;
	size_t n;
	Crew c;

	if (!crew_read(app, a, str_of("action"), &c, err) || !waiting_by_reason(app_db(app), a, &waiting, &n, err))
		return false;
	for (size_t i = 0; i < c.n; i++)
		active += liveness_alive(c.live, &c.workers[i], c.now);
	for (size_t i = 0; i < n; i++)
		if (oldest == 0 || waiting[i].oldest_at < oldest)
			oldest = waiting[i].oldest_at;
	json_add(a, o, "message_queue", json_cstr(broker_answers(app, a) ? "connected" : "disconnected"));
	json_add(a, o, "workers_active", json_int(active));
	json_add(a, o, "oldest_waiting_seconds", oldest == 0 ? json_null() : json_int((c.now - oldest) / US_PER_S));
	return true;
}

bool
health_detailed(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json o = json_object();
	Err why = { 0 };

	(void)err;
	if (database_answers(app, a, &why)) {
		json_add(a, &o, "status", json_cstr("ok"));
		json_add(a, &o, "version", json_cstr(ATTUNE_VERSION));
		json_add(a, &o, "database", json_cstr("connected"));
		if (add_rest(app, a, &o, &why))
			return res_json(s, 200, &o);
	}
	o = json_object();
	json_add(a, &o, "status", json_cstr("error"));
	json_add(a, &o, "database", json_cstr("disconnected"));
	json_add(a, &o, "error", json_str(str_copy(a, str_of(why.text))));
	return res_json(s, 503, &o);
}
