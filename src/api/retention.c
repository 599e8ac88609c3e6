#include "api/audit.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/view.h"
#include "api/work.h"
#include "store/retention.h"

enum { EVERY_MOST = 366 * 86400, STEP_MOST = 1000000 };

static Json
target_json(Arena *a, int64_t age)
{
	Json o = json_object();

	json_add(a, &o, "max_age_seconds", age == RETAIN_FOR_EVER ? json_null() : json_int(age));
	return o;
}

static Json
plan_json(Arena *a, const RetainPlan *plan)
{
	Json o = json_object(), targets = json_object();

	for (size_t i = 0; i < RETAIN_TARGETS; i++)
		json_add(a, &targets, retain_target_name((RetainTarget)i), target_json(a, plan->max_age[i]));
	json_add(a, &o, "enabled", json_bool(plan->enabled));
	json_add(a, &o, "check_interval_seconds", json_int(plan->every));
	json_add(a, &o, "batch_size", json_int(plan->step));
	json_add(a, &o, "dry_run", json_bool(plan->dry_run));
	json_add(a, &o, "advisory_lock_key", json_int(plan->lock_key));
	json_add(a, &o, "targets", targets);
	return o;
}

bool
retention_show(App *app, Req *q, Res *s, Err *err)
{
	RetainPlan plan = app->engine->keep;

	return retain_plan_read(app_db(app), req_arena(q), &plan, err) &&
	       res_data(s, 200, plan_json(req_arena(q), &plan), NULL);
}

/* ---- changing ---- */

static bool
in_range(const char *key, int64_t n, int64_t least, int64_t most, Err *err)
{
	return (n >= least && n <= most) ||
	       err_set(err, ERR_VALIDATION, "Validation failed: %s: must be from %lld to %lld, not %lld", key,
		   (long long)least, (long long)most, (long long)n);
}

static bool
target_read(const JsonMember *m, RetainPlan *plan, Err *err)
{
	const Json *age = json_get(&m->value, "max_age_seconds");
	RetainTarget t;

	if (!retain_target_of(m->key, &t))
		return err_set(err, ERR_VALIDATION, "Validation failed: targets: there is no target '%.*s'",
		    STR_ARG(str_sub(m->key, 0, 100)));
	if (m->value.kind != JSON_NULL && m->value.kind != JSON_OBJECT)
		return err_set(err, ERR_VALIDATION, "Validation failed: targets.%s: must be an object, not %s",
		    retain_target_name(t), json_kind_name(m->value.kind));
	if (age == NULL)
		return true;
	if (age->kind != JSON_NULL && json_as_int(age, -1) < 0)
		return err_set(err, ERR_VALIDATION,
		    "Validation failed: targets.%s.max_age_seconds: must be a number of seconds, or null to keep for "
		    "ever",
		    retain_target_name(t));
	plan->max_age[t] = age->kind == JSON_NULL ? RETAIN_FOR_EVER : json_as_int(age, 0);
	return in_range("max_age_seconds", plan->max_age[t], RETAIN_FOR_EVER, INT32_MAX, err);
}

static bool
plan_change(const Json *body, RetainPlan *plan, Err *err)
{
	Json targets = json_null();

	body_bool(body, "enabled", &plan->enabled);
	body_bool(body, "dry_run", &plan->dry_run);
	body_int(body, "check_interval_seconds", &plan->every);
	body_int(body, "batch_size", &plan->step);
	body_int(body, "advisory_lock_key", &plan->lock_key);
	body_json(body, "targets", &targets);
	if (!in_range("check_interval_seconds", plan->every, 1, EVERY_MOST, err) ||
	    !in_range("batch_size", plan->step, 1, STEP_MOST, err))
		return false;
	for (size_t i = 0; targets.kind == JSON_OBJECT && i < targets.n; i++)
		if (!target_read(&targets.members[i], plan, err))
			return false;
	return true;
}

typedef struct RetentionWork {
	const Req *q;
	Json body;
	RetainPlan plan;
} RetentionWork;

static bool
retention_work(App *app, void *self, Err *err)
{
	RetentionWork *w = self;
	Arena *a = req_arena(w->q);
	AuditNote note = { .category = AUDIT_ADMIN, .event_type = "retention.updated", .resource_type = "retention" };
	Json details = json_object();

	w->plan = app->engine->keep;
	if (!retain_plan_read(app_db(app), a, &w->plan, err))
		return false;
	json_add(a, &details, "before", plan_json(a, &w->plan));
	if (!plan_change(&w->body, &w->plan, err) || !retain_plan_write(app_db(app), a, &w->plan, app->uow->now, err))
		return false;
	json_add(a, &details, "after", plan_json(a, &w->plan));
	note.details = &details;
	return audit_add(app, w->q, &note, err);
}

bool
retention_update(App *app, Req *q, Res *s, Err *err)
{
	static const BodyField fields[] = {
		{ "enabled", FIELD_BOOL, 0 },
		{ "check_interval_seconds", FIELD_NUMBER, 0 },
		{ "batch_size", FIELD_NUMBER, 0 },
		{ "dry_run", FIELD_BOOL, 0 },
		{ "advisory_lock_key", FIELD_NUMBER, 0 },
		{ "targets", FIELD_MAP, 0 },
	};
	RetentionWork w = { .q = q };

	if (!body_read(q, fields, countof(fields), &w.body, err) || !app_define(app, retention_work, &w, err))
		return false;
	if (app->engine->moved != NULL) /* where nothing waits nobody looks, until something is said to have happened */
		app->engine->moved(app->engine->moved_self, &(Outbox){ 0 });
	return res_data(s, 200, plan_json(req_arena(q), &w.plan), "Retention configuration updated successfully");
}
