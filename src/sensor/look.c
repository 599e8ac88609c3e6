/* What should run, who holds it, what people ask: one transaction, and then what follows of it. */
#include "sensor/inner.h"

#include "base/codec.h"
#include "engine/alerts.h"
#include "engine/moves.h"
#include "engine/sensor_messages.h"

#include <stdio.h>

enum { RENEW_PARTS = 3 };

static const Want *
want_find(const Keeper *k, Id sensor)
{
	for (size_t i = 0; i < k->want_count; i++)
		if (k->wants[i].sensor == sensor)
			return &k->wants[i];
	return NULL;
}

static const SensorProcess *
row_find(const SensorProcess *rows, size_t n, Id sensor)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].sensor == sensor)
			return &rows[i];
	return NULL;
}

static size_t
held_count(const Keeper *k)
{
	size_t n = 0;

	for (const Ward *w = k->wards; w != NULL; w = w->next)
		n += w->held;
	return n;
}

/* ---- inside the transaction ---- */

static bool
definitions_read(Keeper *k, Err *err)
{
	Uow *u = k->u;
	int64_t version;
	bool ok = true;

	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	version = defs_version(u->e->defs);
	if (!k->known || version != k->version) {
		ok = wants_read(k, err);
		k->known = ok;
		k->version = version;
	}
	defs_leave(u->e->defs);
	return ok;
}

static bool
alert_row(Keeper *k, const Ward *w, Err *err)
{
	Uow *u = k->u;
	Json *details = arena_new(u->arena, Json);
	Alert alert = { .severity = "error",
		.category = "sensor_process_health",
		.failure_type = "sensor_process_repeated_failure",
		.component_type = "sensor",
		.component = w->want.sensor,
		.component_ref = w->want.ref,
		.worker_role = "sensor",
		.details = details,
		.key = str_fmt(u->arena, "alert:sensor:%lld:%lld:%lld", (long long)w->want.sensor,
		    (long long)w->row.instance, (long long)w->row.restarts) };

	alert.summary = str_fmt(u->arena, "Sensor '%.*s' has failed %lld times in a row: %s", STR_ARG(w->want.ref),
	    (long long)w->row.failures, w->error);
	*details = json_object();
	json_add(u->arena, details, "consecutive_failures", json_int(w->row.failures));
	json_add(u->arena, details, "host", json_str(k->config.host));
	json_add(u->arena, details, "exit_code", w->row.exit_code < 0 ? json_null() : json_int(w->row.exit_code));
	json_add(u->arena, details, "signal", w->row.signal < 0 ? json_null() : json_int(w->row.signal));
	json_add(u->arena, details, "next_restart_at",
	    w->row.next_restart == 0 ? json_null() : json_str(time_text(u->arena, w->row.next_restart)));
	return alert_raise(u, &alert, err);
}

static bool
ward_write(Keeper *k, Ward *w, Err *err)
{
	Uow *u = k->u;
	bool held;

	if (!w->dirty || w->row.instance == 0)
		return true;
	w->row.error = w->error[0] == '\0' ? (Str){ 0 } : str_of(w->error);
	w->row.reason = w->reason[0] == '\0' ? (Str){ 0 } : str_of(w->reason);
	w->row.stderr_excerpt = w->tail_n == 0 ? (Str){ 0 } : utf8_clean(u->arena, (Str){ w->tail, w->tail_n });
	if (!sensor_process_write(u->db, u->arena, &w->row, u->now, err))
		return false;
	if (w->refused > 0 &&
	    !sensor_process_events(u->db, u->arena, w->want.sensor, w->row.instance, 0, w->refused, u->now, &held, err))
		return false;
	return !w->alert || alert_row(k, w, err);
}

/* What is not wanted any more, and has ended, is somebody else's to take. */
static bool
ward_release(Keeper *k, Ward *w, bool *ret_released, Err *err)
{
	Uow *u = k->u;

	*ret_released = w->held && !w->wanted && w->phase == WARD_RESTING;
	if (!*ret_released)
		return true;
	if ((atomic_load(&k->stopping) || w->moves) && str_none(u->e->boot_id))
		out_sensor(u, w->want.sensor, w->want.ref);
	return sensor_process_release(u->db, u->arena, w->want.sensor, w->row.instance, err);
}

static bool
wards_write(Keeper *k, bool renew, Err *err)
{
	Uow *u = k->u;

	for (Ward *w = k->wards; w != NULL; w = w->next) {
		bool held = true, released;

		if (!w->held || w->lost)
			continue;
		if (renew && !sensor_process_renew(u->db, u->arena, w->want.sensor, w->row.instance,
				 u->now + k->config.lease, &held, err))
			return false;
		if (!held) {
			w->lost = true;
			continue;
		}
		if (!ward_write(k, w, err) || !ward_release(k, w, &released, err))
			return false;
	}
	return true;
}

static void
ward_take(Keeper *k, const Want *want, const SensorProcess *row, int64_t instance)
{
	Ward *w = ward_make(k, want->sensor);

	want_copy(w->a, want, &w->want);
	w->row = row == NULL ? (SensorProcess){ .exit_code = -1, .signal = -1 } : *row;
	w->row.sensor = want->sensor;
	w->row.instance = instance;
	w->row.status = str_of("stopped");
	w->row.holder = w->row.host = w->row.error = w->row.reason = w->row.stderr_excerpt = (Str){ 0 };
	w->row.pid = w->row.failures = w->row.next_restart = 0;
	w->restart_seen = w->row.restart_asked;
	w->held = w->wanted = true;
	share_claimed(k, want->sensor);
	w->row.rules = want->rules.n;
}

static const char *
why_not(const Want *want, const SensorProcess *row)
{
	if (want == NULL)
		return "it is switched off";
	if (want->rules.n == 0)
		return "no enabled rule uses its triggers";
	if (row != NULL && row->stop)
		return "it was stopped: start it with attune sensor start";
	return NULL;
}

static bool
is_free(const Keeper *k, const SensorProcess *row, TimeUs now)
{
	return row == NULL || str_none(row->holder) || !str_none(k->e->boot_id) || str_eq(row->holder, k->name) ||
	       row->lease_until < now || row->lease_until > now + 2 * k->config.lease;
}

static bool
idle_say(Keeper *k, Id sensor, const SensorProcess *row, Str why, Err *err)
{
	if ((row != NULL && (!str_none(row->holder) || str_eq(row->reason, why))))
		return true;
	return sensor_process_idle(k->u->db, k->u->arena, sensor, why, k->u->now, err);
}

/* Takes the lease of what nobody runs. */
static bool
claim_one(Keeper *k, const Want *want, const SensorProcess *row, Err *err)
{
	Uow *u = k->u;
	SensorLease lease = {
		.holder = k->name, .host = k->config.host, .length = k->config.lease, .alone = !str_none(u->e->boot_id)
	};
	int64_t instance;

	if (!str_none(want->cannot))
		return k->probe == PROBE_WANTED || idle_say(k, want->sensor, row, want->cannot, err);
	if (k->config.most > 0 && held_count(k) >= (size_t)k->config.most)
		return idle_say(
		    k, want->sensor, row, str_of("all sensor workers are full (sensor.max_concurrent_sensors)"), err);
	if (!sensor_process_claim(u->db, u->arena, want->sensor, &lease, u->now, &instance, err))
		return false;
	if (instance != 0)
		ward_take(k, want, row, instance);
	return true;
}

/* Is there anything to share? Then how much of it is ours: asked only if it matters, for an idle process asks nothing. */
static bool
share_find(Keeper *k, const SensorProcess *rows, size_t n, Share *ret, Err *err)
{
	size_t wanted = 0, held = held_count(k);
	bool open = false;

	*ret = (Share){ .most = SIZE_MAX, .least = SIZE_MAX };
	for (size_t i = 0; i < k->want_count; i++) {
		const SensorProcess *row = row_find(rows, n, k->wants[i].sensor);

		if (why_not(&k->wants[i], row) != NULL)
			continue;
		wanted++;
		open = open || row == NULL || str_none(row->holder);
	}
	return (!open && held < 2) || share_read(k, wanted, rows, n, ret, err);
}

static bool
claim_all(Keeper *k, const SensorProcess *rows, size_t n, Err *err)
{
	Share share;

	if (!share_find(k, rows, n, &share, err))
		return false;
	for (size_t i = 0; !atomic_load(&k->stopping) && i < k->want_count; i++) {
		const Want *want = &k->wants[i];
		const SensorProcess *row = row_find(rows, n, want->sensor);
		const Ward *w = ward_find(k, want->sensor);

		if ((w != NULL && w->held) || why_not(want, row) != NULL || !is_free(k, row, k->u->now) ||
		    !share_lets(k, &share, held_count(k), want->sensor, row))
			continue;
		if (!claim_one(k, want, row, err))
			return false;
	}
	share_give(k, &share, held_count(k));
	return true;
}

/* ---- after the commit ---- */

static bool
same_process(const Want *a, const Want *b)
{
	return a->defined == b->defined && str_eq(a->runtime, b->runtime) &&
	       json_eq(&a->runtime_config, &b->runtime_config) && json_eq(&a->triggers, &b->triggers);
}

static void
tell_rule(Keeper *k, Ward *w, const char *type, const Json *rule)
{
	Json line = json_object();

	json_add(k->u->arena, &line, "type", json_cstr(type));
	json_add(k->u->arena, &line, "rule", *rule);
	ward_tell(k, w, &line);
}

static Map
rules_map(Arena *a, const Json *rules)
{
	Map m = map_open(a);

	for (uint32_t i = 0; i < rules->n; i++)
		map_put(&m, json_as_int(json_get(&rules->items[i], "id"), 0), &rules->items[i]);
	return m;
}

/* What changed between two lists of rules, told to a sensor that listens. */
static void
tell_rules(Keeper *k, Ward *w, const Json *before, const Json *now)
{
	Map old = rules_map(k->u->arena, before), new = rules_map(k->u->arena, now);

	for (uint32_t i = 0; i < before->n; i++)
		if (map_get(&new, json_as_int(json_get(&before->items[i], "id"), 0)) == NULL)
			tell_rule(k, w, "rule.deleted", &before->items[i]);
	for (uint32_t i = 0; i < now->n; i++) {
		const Json *was = map_get(&old, json_as_int(json_get(&now->items[i], "id"), 0));

		if (was == NULL || !json_eq(was, &now->items[i]))
			tell_rule(k, w, was == NULL ? "rule.created" : "rule.updated", &now->items[i]);
	}
}

static void
ward_follow(Keeper *k, Ward *w, const Want *want)
{
	bool same = same_process(&w->want, want), rules = !str_eq(w->want.rules_text, want->rules_text);
	Arena *before = w->a;
	Want old = w->want;

	if (same && !rules)
		return;
	w->a = arena_open();
	want_copy(w->a, want, &w->want);
	w->row.rules = want->rules.n;
	w->dirty = true;
	if (same && want->lines && w->phase == WARD_UP) {
		tell_rules(k, w, &old.rules, &w->want.rules);
	} else if (ward_alive(w)) {
		w->again = true;
		ward_stop(k, w);
	} else if (w->phase == WARD_RESTING) {
		w->row.failures = 0; /* what was wrong may be right now */
		ward_start(k, w, 0);
	}
	arena_close(before);
}

static void
ward_asked(Keeper *k, Ward *w, const SensorProcess *row)
{
	if (row == NULL || row->restart_asked == w->restart_seen)
		return;
	w->restart_seen = row->restart_asked;
	w->row.failures = 0;
	if (ward_alive(w)) {
		w->again = true;
		ward_stop(k, w);
	} else if (w->phase == WARD_RESTING) {
		ward_start(k, w, 0);
	}
}

static void
reason_set(Ward *w, const char *why)
{
	snprintf(w->reason, sizeof(w->reason), "%s", why == NULL ? "" : why);
}

static void
ward_judge(Keeper *k, Ward *w, const SensorProcess *row)
{
	const Want *want = want_find(k, w->want.sensor);
	const char *why = why_not(want, row);
	bool before = w->wanted;

	if (row == NULL)
		w->lost = true; /* the sensor is gone, and its row with it */
	if (w->lost) {
		ward_kill(k, w);
		return;
	}
	w->wanted = why == NULL && str_none(want->cannot) && !atomic_load(&k->stopping) && !w->moves;
	if (w->wanted) {
		w->again |= w->phase == WARD_TERMED || w->phase == WARD_KILLED;
		ward_follow(k, w, want);
		ward_asked(k, w, row);
		if (w->phase == WARD_RESTING && w->timer.due == 0)
			ward_start(k, w, 0);
		return;
	}
	reason_set(w, w->moves && why == NULL ? "it goes on at another sensor worker" : why);
	w->dirty |= before || w->phase == WARD_RESTING;
	w->again = false;
	if (ward_alive(w))
		ward_stop(k, w);
	else if (w->phase == WARD_RESTING)
		timers_clear(&k->timers, &w->timer);
}

static void
wards_settle(Keeper *k, const SensorProcess *rows, size_t n)
{
	for (Ward *w = k->wards, *next; w != NULL; w = next) {
		next = w->next;
		if (!w->lost) {
			w->dirty = w->alert = false;
			w->refused = 0;
			if (w->held && !w->wanted && w->phase == WARD_RESTING)
				w->held = false; /* given back by this transaction */
		}
		if (!w->held && w->phase == WARD_RESTING) {
			ward_close(k, w);
			continue;
		}
		if (w->held)
			ward_judge(k, w, row_find(rows, n, w->want.sensor));
	}
}

static bool
look_work(Keeper *k, bool renew, SensorProcess **rows, size_t *n, Err *err)
{
	Uow *u = k->u;

	return definitions_read(k, err) && wards_write(k, renew, err) &&
	       sensor_process_list(u->db, u->arena, rows, n, err) && claim_all(k, *rows, *n, err) &&
	       sensor_process_list(u->db, u->arena, rows, n, err) && uow_commit(u, &points_ward, err);
}

/* Claims that were not committed are none. */
static void
claims_forget(Keeper *k)
{
	for (Ward *w = k->wards, *next; w != NULL; w = next) {
		next = w->next;
		if (w->held && w->phase == WARD_RESTING && w->started_mono == 0 && w->timer.due == 0)
			ward_close(k, w);
	}
}

bool
keeper_look(Keeper *k, Err *err)
{
	TimeUs mono = keeper_mono(k);
	bool alone = !str_none(k->e->boot_id);
	bool renew = !alone && mono - k->renewed >= k->config.lease / RENEW_PARTS;
	SensorProcess *rows;
	size_t n;

	if (!uow_begin(k->u, err))
		return false;
	if (!look_work(k, renew, &rows, &n, err)) {
		uow_abort(k->u);
		claims_forget(k);
		return false;
	}
	if (renew)
		k->renewed = mono;
	wards_settle(k, rows, n);
	return true;
}
