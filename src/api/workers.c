#include "api/workers.h"

#include "access/access.h"
#include "api/body.h"
#include "api/given.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/view.h"
#include "base/codec.h"
#include "base/log.h"
#include "engine/schedule.h"
#include "model/choice.h"
#include "store/change.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 100 };

/* ---- how a worker is ---- */

bool
crew_read(App *app, Arena *a, Str role, Crew *ret, Err *err)
{
	*ret = (Crew){ .now = app_now(app), .live = app->engine->live };
	return worker_list(app_db(app), a, role, &ret->workers, &ret->n, err) &&
	       worker_loads(app_db(app), a, &ret->loads, &ret->load_n, err);
}

const WorkerLoadRow *
crew_load(const Crew *c, Id worker)
{
	static const WorkerLoadRow idle = { 0 };

	for (size_t i = 0; i < c->load_n; i++)
		if (c->loads[i].worker == worker)
			return &c->loads[i];
	return &idle;
}

int64_t
load_running(const WorkerLoadRow *l)
{
	return l->live[EXEC_RUNNING] + l->live[EXEC_CANCELING];
}

int64_t
load_active(const WorkerLoadRow *l)
{
	return load_running(l) + l->live[EXEC_SCHEDULED] + l->live[EXEC_SCHEDULING];
}

static bool
is_alive(const Crew *c, const WorkerDef *w)
{
	return liveness_alive(c->live, w, c->now);
}

/* Cordoned wins over all; one that is silent is offline whatever its row says; load makes an active one busy. */
const char *
worker_health(const Crew *c, const WorkerDef *w)
{
	if (w->cordoned)
		return "cordoned";
	if (str_is(w->status, "error"))
		return "error";
	if (str_is(w->status, "inactive"))
		return "inactive";
	if (!is_alive(c, w))
		return "offline";
	return load_active(crew_load(c, w->id)) > 0 ? "busy" : "active";
}

static Str
worker_status(const Crew *c, const WorkerDef *w)
{
	return str_is(w->status, "active") && load_active(crew_load(c, w->id)) > 0 ? str_of("busy") : w->status;
}

/* ---- as JSON ---- */

static Json
load_json(Arena *a, const Crew *c, const WorkerDef *w)
{
	static const char *const nobody[] = { "queue_depth", "active_rules", "max_concurrent_sensors",
		"sensor_processes_monitored", "sensor_processes_running" };
	const WorkerLoadRow *l = crew_load(c, w->id);
	Json o = json_object();

	json_add(a, &o, "requested", json_int(0)); /* a run that waits belongs to no worker */
	json_add(a, &o, "scheduling", json_int(l->live[EXEC_SCHEDULING]));
	json_add(a, &o, "scheduled", json_int(l->live[EXEC_SCHEDULED]));
	json_add(a, &o, "running", json_int(l->live[EXEC_RUNNING]));
	json_add(a, &o, "canceling", json_int(l->live[EXEC_CANCELING]));
	json_add(a, &o, "total_active", json_int(load_active(l)));
	json_add(a, &o, "max_concurrent_executions", json_int(w->slots));
	json_add(a, &o, "utilization_percent", w->slots > 0 ? json_int(load_running(l) * 100 / w->slots) : json_null());
	for (size_t i = 0; i < countof(nobody); i++)
		json_add(a, &o, nobody[i], json_null());
	return o;
}

static Json
runtimes_json(Arena *a, const WorkerDef *w)
{
	const Json *names = json_get(&w->capabilities, "runtimes");
	const Json *versions = json_get(&w->capabilities, "runtime_versions");
	Json all = json_array();

	for (size_t i = 0; json_is(names, JSON_ARRAY) && i < names->n; i++) {
		Str name = json_as_str(&names->items[i]);
		const Json *of = str_none(name) ? NULL : json_get_str(versions, runtime_alias(a, name));
		Json o = json_object();

		if (str_none(name))
			continue;
		json_add(a, &o, "name", json_str(name));
		json_add(a, &o, "versions", json_is(of, JSON_ARRAY) ? *of : json_array());
		json_push(a, &all, o);
	}
	return all;
}

static Json
of_kind(const WorkerDef *w, const char *key, JsonKind kind, Json fallback)
{
	const Json *v = json_get(&w->capabilities, key);

	return json_is(v, kind) ? *v : fallback;
}

/* What the worker found on its machine, and what it did not. */
static void
add_findings(Arena *a, Json *o, const WorkerDef *w)
{
	json_add(a, o, "detected_interpreters", of_kind(w, "detected_interpreters", JSON_ARRAY, json_array()));
	json_add(a, o, "missing_runtimes", of_kind(w, "missing_runtimes", JSON_ARRAY, json_array()));
	json_add(a, o, "labels", of_kind(w, "labels", JSON_OBJECT, json_object()));
	json_add(a, o, "taints", of_kind(w, "taints", JSON_ARRAY, json_array()));
}

static Json
worker_json(Arena *a, const Crew *c, const WorkerDef *w)
{
	Json o = json_object();

	json_add(a, &o, "id", json_int(w->id));
	json_add(a, &o, "name", json_str(w->name));
	json_add(a, &o, "worker_type", json_str(w->type));
	json_add(a, &o, "worker_role", json_str(w->role));
	json_add(a, &o, "host", json_str(w->host));
	json_add(a, &o, "port", json_null());
	json_add(a, &o, "status", json_str(worker_status(c, w)));
	json_add(a, &o, "health_state", json_cstr(worker_health(c, w)));
	json_add(a, &o, "supported_runtimes", runtimes_json(a, w));
	add_findings(a, &o, w);
	if (json_is(json_get(&w->capabilities, "isolation"), JSON_OBJECT))
		json_add(a, &o, "isolation", *json_get(&w->capabilities, "isolation"));
	if (!str_none(json_get_text(&w->meta, "full")))
		json_add(a, &o, "full_reason", json_str(json_get_text(&w->meta, "full")));
	json_add(a, &o, "load", load_json(a, c, w));
	json_add(a, &o, "heartbeat_age_seconds",
	    w->last_heartbeat == 0 ? json_null() : json_int((c->now - w->last_heartbeat) / US_PER_S));
	json_add(a, &o, "heartbeat_stale", json_bool(!is_alive(c, w)));
	json_add(a, &o, "last_heartbeat", json_time(a, w->last_heartbeat));
	json_add(a, &o, "cordoned", json_bool(w->cordoned));
	json_add(a, &o, "cordon_reason", json_str(w->cordon_reason));
	json_add(a, &o, "cordoned_by", json_id(w->cordoned_by));
	json_add(a, &o, "cordoned_at", json_time(a, w->cordoned_at));
	json_add(a, &o, "created", json_time(a, w->created));
	json_add(a, &o, "updated", json_time(a, w->updated));
	return o;
}

/* ---- routes ---- */

typedef struct Wanted {
	Str role, status, health;
	bool by_cordoned, cordoned;
} Wanted;

static bool
is_wanted(const Crew *c, const WorkerDef *w, const Wanted *by)
{
	if (!str_none(by->role) && !str_eq(w->role, by->role))
		return false;
	if (!str_none(by->status) && !str_eq(worker_status(c, w), by->status))
		return false;
	if (!str_none(by->health) && !str_is(by->health, worker_health(c, w)))
		return false;
	return !by->by_cordoned || w->cordoned == by->cordoned;
}

bool
workers_list(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Wanted by = { .role = req_query(q, "role"),
		.status = req_query(q, "status"),
		.health = req_query(q, "health_state"),
		.by_cordoned = !str_none(req_query(q, "cordoned")) };
	Arena *a = req_arena(q);
	Json rows = json_array();
	ListEnd end = { 0 };
	Crew c;

	if (!page_counted(a, &page, err) || !req_query_bool(q, "cordoned", false, &by.cordoned, err) ||
	    !crew_read(app, a, (Str){ 0 }, &c, err))
		return false;
	for (size_t i = 0; i < c.n; i++) {
		if (!is_wanted(&c, &c.workers[i], &by))
			continue;
		if (end.total >= page.offset && rows.n < page.size)
			json_push(a, &rows, worker_json(a, &c, &c.workers[i]));
		end.total++;
	}
	end.more = page.offset + rows.n < end.total;
	return answer_list(q, s, &page, rows, &end);
}

static const WorkerDef *
worker_in(const Crew *c, Str key)
{
	Id id = 0;

	if (!str_to_int(key, &id))
		id = 0;
	for (size_t i = 0; i < c->n; i++)
		if (c->workers[i].id == id || str_eq(c->workers[i].name, key))
			return &c->workers[i];
	return NULL;
}

static bool
worker_answer(App *app, Req *q, Res *s, Err *err)
{
	Str key = req_param(q, "id");
	const WorkerDef *w;
	Json body;
	Crew c;

	if (!crew_read(app, req_arena(q), (Str){ 0 }, &c, err))
		return false;
	w = worker_in(&c, key);
	if (w == NULL)
		return err_set(err, ERR_NOT_FOUND, "Worker '%.*s' not found", STR_ARG(key));
	body = worker_json(req_arena(q), &c, w);
	return res_json(s, 200, &body);
}

bool
worker_show(App *app, Req *q, Res *s, Err *err)
{
	return worker_answer(app, q, s, err);
}

enum { TOKEN_LEAST = 60, TOKEN_USUAL = 86400, TOKEN_MOST = 259200 };

/* For a worker that cannot make its own, because it does not hold the key that signs them. It may do what a worker may: whoever hands
 * that on must have it. */
bool
worker_token(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField fields[] = { { "ttl_seconds", FIELD_NUMBER, 0 } };
	Arena *a = req_arena(q);
	Str key = req_param(q, "id");
	Json body = json_null(), grants = access_worker_grants(a), o = json_object();
	const WorkerDef *w;
	int64_t life;
	Crew c;

	if ((req_body(q).n > 0 && !body_read(q, fields, countof(fields), &body, err)) ||
	    !crew_read(app, a, (Str){ 0 }, &c, err))
		return false;
	life = json_as_int(json_get(&body, "ttl_seconds"), TOKEN_USUAL);
	if (life < TOKEN_LEAST || life > TOKEN_MOST)
		return err_set(err, ERR_VALIDATION, "Validation failed: ttl_seconds: must be from %d to %d",
		    TOKEN_LEAST, TOKEN_MOST);
	w = worker_in(&c, key);
	if (w == NULL)
		return err_set(err, ERR_NOT_FOUND, "Worker '%.*s' not found", STR_ARG(key));
	if (!delegate_grants(app, a, &grants, (Str){ 0 }, err))
		return false;
	json_add(a, &o, "worker_id", json_int(w->id));
	json_add(a, &o, "name", json_str(w->name));
	json_add(a, &o, "token", json_str(access_worker_token(app->access, a, w->id, life * US_PER_S)));
	json_add(a, &o, "expires_at", json_str(time_text(a, app_now(app) / US_PER_S * US_PER_S + life * US_PER_S)));
	return res_data(s, 200, o, NULL);
}

typedef struct Cordon {
	Arena *a;
	Str key, reason;
	bool on;
} Cordon;

static bool
cordon_work(App *app, void *self, Err *err)
{
	Cordon *w = self;
	const WorkerDef *found;
	Crew c = { 0 };

	if (!worker_list(app_db(app), w->a, (Str){ 0 }, &c.workers, &c.n, err))
		return false;
	found = worker_in(&c, w->key);
	if (found == NULL)
		return err_set(err, ERR_NOT_FOUND, "Worker '%.*s' not found", STR_ARG(w->key));
	if (found->cordoned == w->on && w->on && str_eq(found->cordon_reason, w->reason))
		return true;
	return worker_cordon(app_db(app), w->a, found->id, w->on, w->reason, 0, app->uow->now, err) &&
	       change_note(app_db(app), w->a, "worker", found->id, app->uow->now, err);
}

bool
worker_cordon_on(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField fields[] = { { "reason", FIELD_TEXT, 0 } };
	Cordon w = { .a = req_arena(q), .key = req_param(q, "id"), .on = true };
	Json body = json_null();

	if (req_body(q).n > 0 && !body_read(q, fields, countof(fields), &body, err))
		return false;
	body_text(&body, "reason", &w.reason);
	return app_define(app, cordon_work, &w, err) && worker_answer(app, q, s, err);
}

static bool
schedule_work(App *app, void *self, Err *err)
{
	(void)self;
	return schedule_unheard(app->uow, err);
}

void
waiting_schedule(App *app, const char *after)
{
	Err later = { 0 };

	if (!app_work(app, &points_schedule, schedule_work, NULL, &later))
		log_warn("nothing was scheduled after %s: %s", after, later.text);
}

bool
worker_cordon_off(App *app, Req *q, Res *s, Err *err)
{
	Cordon w = { .a = req_arena(q), .key = req_param(q, "id") };

	if (!app_define(app, cordon_work, &w, err))
		return false;
	waiting_schedule(app, "a worker was let in again");
	return worker_answer(app, q, s, err);
}
