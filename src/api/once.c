#include "api/once.h"

#include "api/work.h"
#include "base/crypto.h"
#include "store/idempotency.h"

enum { KEY_MOST = 255 };

static const TimeUs kept_us = 24 * 3600LL * US_PER_S;

typedef struct Once {
	Str caller, key;
	Str fingerprint; /* of what is asked: method, target and body */
	bool secret;     /* both are sealed, for a hash too gives a short secret away to whoever tries them all */
} Once;

static const char sealed_mark[] = "sealed";

static bool
key_is_fine(Str key)
{
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] <= ' ' || key.p[i] > '~')
			return false;
	return key.n > 0 && key.n <= KEY_MOST;
}

static Str
caller_text(Arena *a, const Caller *c)
{
	switch (c->kind) {
	case CALLER_EXECUTION: return str_fmt(a, "execution:%lld", (long long)c->execution);
	case CALLER_SENSOR: return str_fmt(a, "sensor:%.*s", STR_ARG(c->sensor_ref));
	case CALLER_WORKER: return str_fmt(a, "worker:%lld", (long long)c->worker);
	default: return str_fmt(a, "identity:%lld", (long long)c->identity);
	}
}

/* The body is hashed by itself: it may be large, and is not copied. */
static Str
fingerprint(Req *q)
{
	Arena *a = req_arena(q);
	Str method = req_method(q), target = req_target(q), body = sha256_hex(a, req_body(q));

	return sha256_hex(a, str_fmt(a, "%.*s %.*s %.*s", STR_ARG(method), STR_ARG(target), STR_ARG(body)));
}

static Str
place_of(Arena *a, const Once *o)
{
	return str_fmt(a, "answer/%.*s/%.*s", STR_ARG(o->caller), STR_ARG(o->key));
}

static bool
answer_seal(App *app, Arena *a, const Once *o, KeptAnswer *answer, Err *err)
{
	Str text = str_fmt(a, "%.*s%.*s", STR_ARG(answer->fingerprint), STR_ARG(answer->body));

	if (!o->secret)
		return true;
	answer->fingerprint = str_of(sealed_mark);
	return vault_seal(app->engine->vault, a, place_of(a, o), text, &answer->body, err);
}

static bool
answer_open(App *app, Arena *a, const Once *o, KeptAnswer *answer, Err *err)
{
	Str text;

	if (!str_is(answer->fingerprint, sealed_mark))
		return true;
	if (!vault_unseal(app->engine->vault, a, place_of(a, o), answer->body, &text, err))
		return false;
	answer->fingerprint = str_sub(text, 0, SHA256_BYTES * 2);
	answer->body = str_sub(text, SHA256_BYTES * 2, text.n);
	return true;
}

static bool
replay(App *app, Req *q, Res *s, const Once *o, KeptAnswer *kept, Err *err)
{
	if (!answer_open(app, req_arena(q), o, kept, err))
		return false;
	if (!str_eq(kept->fingerprint, o->fingerprint))
		return err_set(err, ERR_CONFLICT,
		    "The Idempotency-Key '%.*s' was used for another request: take a new one for each request",
		    STR_ARG(o->key));
	res_clear(s);
	res_header(s, "Idempotency-Replayed", str_of("true"));
	return res_bytes(s, (int)kept->status, "application/json", str_copy(req_arena(q), kept->body));
}

/* In a transaction, which ends when what it has seen is on disk: the answer may have been kept by one that still commits. */
static bool
find_surely(App *app, Req *q, const Once *o, bool *ret_found, KeptAnswer *ret, Err *err)
{
	Uow *u = app->uow;

	if (uow_begin(u, err) &&
	    answer_find(u->db, req_arena(q), o->caller, o->key, u->now - kept_us, ret_found, ret, err) &&
	    uow_commit(u, &points_create, err))
		return true;
	uow_abort(u);
	return false;
}

/* Ends what the handler has begun: its changes and its answer, or neither. */
static bool
keep(App *app, Req *q, Res *s, const Once *o, bool *ret_kept, Err *err)
{
	Uow *u = app->uow;
	KeptAnswer answer = { o->fingerprint, res_status(s), res_body(s) };

	*ret_kept = true;
	if (answer.status == 0 || answer.status >= 500) /* it waits, or failed: that is no answer to give again */
		return !app->open || uow_commit(u, app->points, err);
	if (!app->open && !uow_begin(u, err))
		return false;
	if (!answer_seal(app, req_arena(q), o, &answer, err))
		return false;
	if (!answer_keep(u->db, req_arena(q), o->caller, o->key, &answer, u->now - kept_us, u->now, ret_kept, err))
		return false;
	return !*ret_kept || uow_commit(u, app->points, err);
}

static bool
call_and_keep(App *app, Req *q, Res *s, const Route *route, const Once *o, bool *ret_kept, Err *err)
{
	bool ok;

	app->held = true;
	app->open = app->undone = false;
	app->points = &points_create;
	ok = route->handler(app, q, s, err);
	if (ok && app->undone)
		ok = err_set(err, ERR_INTERNAL, "A part of what was asked for failed, so nothing was done");
	ok = ok && keep(app, q, s, o, ret_kept, err);
	if (!ok || !*ret_kept)
		uow_abort(app->uow);
	app->held = app->open = false;
	return ok;
}

static bool
call_once(App *app, Req *q, Res *s, const Route *route, Str key, Err *err)
{
	Once o = { caller_text(req_arena(q), &app->caller), key, fingerprint(q), (route->flags & ROUTE_SECRET) != 0 };
	Err again = { 0 };
	KeptAnswer kept;
	bool found, done = false;

	if (!answer_find(app_db(app), req_arena(q), o.caller, o.key, app_now(app) - kept_us, &found, &kept, err))
		return false;
	if (found)
		return replay(app, q, s, &o, &kept, err);
	if (call_and_keep(app, q, s, route, &o, &done, err)) {
		if (done)
			return true;
	} else if (err->code != ERR_CONFLICT && err->code != ERR_STALE) {
		return false;
	}
	/* somebody did the same in the meantime, or what stands in the way has nothing to do with the key */
	if (!find_surely(app, q, &o, &found, &kept, &again) || !found)
		return err->code != ERR_NONE
			   ? false
			   : err_set(err, ERR_AWAY, "The request could not be completed: %s", again.text);
	err_clear(err);
	return replay(app, q, s, &o, &kept, err);
}

bool
api_call(void *self, App *app, Req *q, Res *s, const Route *route, Err *err)
{
	Str key = (route->flags & ROUTE_IDEMPOTENT) != 0 ? req_header(q, "Idempotency-Key") : (Str){ 0 };

	(void)self;
	if (str_none(key))
		return route->handler(app, q, s, err);
	if (!key_is_fine(key))
		return err_set(
		    err, ERR_INVALID, "The Idempotency-Key must have 1 to %d visible ASCII characters", KEY_MOST);
	return call_once(app, q, s, route, key, err);
}
