/*
 * Every stored secret gets the current encryption key, a step at a time, while everything else goes on. A step that is not made
 * again loses nothing: what bears an older key is found by it.
 */
#include "api/audit.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/work.h"
#include "engine/keys.h"

enum { STEP_US = 500 * US_PER_MS }; /* about this long for one answer */

static bool
rewrap_work(App *app, void *self, Err *err)
{
	return keys_rewrap(app->uow, self, err);
}

/* The stages of a cursor: "s12" is in secrets, behind 12. */
static const char stage_letters[REWRAP_STAGES] = { 'k', 's', 'w', 'i' };

static bool
cursor_read(const Req *q, Rewrap *r, Err *err)
{
	Str text = req_query(q, "after");

	if (str_none(text))
		return true;
	for (int i = 0; i < REWRAP_STAGES; i++)
		if (text.n > 0 && text.p[0] == stage_letters[i] && str_to_int(str_sub(text, 1, text.n), &r->after) &&
		    r->after >= 0) {
			r->stage = (RewrapStage)i;
			return true;
		}
	return err_set(err, ERR_INVALID, "The query parameter 'after' must be `next` of an earlier answer");
}

static bool
say(App *app, Req *q, int64_t rewrapped, int64_t unreadable, Err *err)
{
	Arena *a = req_arena(q);
	Json details = json_object();
	AuditNote note = { .category = AUDIT_SECRET,
		.outcome = unreadable == 0 ? AUDIT_SUCCESS : AUDIT_FAILURE,
		.event_type = "key.rotate",
		.resource_type = "key",
		.details = &details };

	json_add(a, &details, "rewrapped", json_int(rewrapped));
	json_add(a, &details, "unreadable", json_int(unreadable));
	return audit_now(app, q, &note, err);
}

bool
keys_rotate(App *app, Req *q, Res *s, Err *err)
{
	TimeUs until = clock_mono(clock_real()) + STEP_US;
	Arena *a = req_arena(q);
	int64_t rewrapped = 0, unreadable = 0, left;
	Rewrap r = { 0 };
	Json o = json_object();

	if (!cursor_read(q, &r, err))
		return false;
	do {
		if (!app_work(app, &points_define, rewrap_work, &r, err))
			return false;
		rewrapped += r.rewrapped;
		unreadable += r.unreadable;
	} while (!r.done && clock_mono(clock_real()) < until);
	if (!keys_stale(app_db(app), a, app->engine->vault, &left, err) || !say(app, q, rewrapped, unreadable, err))
		return false;
	json_add(a, &o, "key_id", json_str(vault_key_id(app->engine->vault)));
	json_add(a, &o, "rewrapped", json_int(rewrapped));
	json_add(a, &o, "unreadable", json_int(unreadable));
	json_add(a, &o, "left", json_int(left));
	json_add(a, &o, "done", json_bool(r.done));
	json_add(a, &o, "next",
	    r.done ? json_null() : json_str(str_fmt(a, "%c%lld", stage_letters[r.stage], (long long)r.after)));
	return res_data(s, 200, o, NULL);
}
