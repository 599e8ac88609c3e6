#include "api/webhook_group.h"

#include "base/log.h"
#include "store/webhook.h"

#include <pthread.h>
#include <stdlib.h>

enum { FREE_MOST = 64, FREE_KEPT_BYTES = 64 * 1024 }; /* an arena that holds more is not kept */

struct HookGroup {
	Engine *engine;
	Gather *gather;
	Uow *uow;             /* of the thread; NULL: not opened yet */
	bool whole;           /* the thread's: what it commits is all of a group */
	pthread_mutex_t lock; /* of what follows */
	Arena *free[FREE_MOST];
	size_t free_n;
};

/* ---- parts ---- */

static Arena *
arena_again(HookGroup *g)
{
	Arena *a = NULL;

	pthread_mutex_lock(&g->lock);
	if (g->free_n > 0)
		a = g->free[--g->free_n];
	pthread_mutex_unlock(&g->lock);
	return a;
}

/* True: it is kept for another part. */
static bool
arena_keep(HookGroup *g, Arena *a)
{
	bool kept;

	arena_reset(a);
	if (arena_used(a) > FREE_KEPT_BYTES)
		return false;
	pthread_mutex_lock(&g->lock);
	kept = g->free_n < FREE_MOST;
	if (kept)
		g->free[g->free_n++] = a;
	pthread_mutex_unlock(&g->lock);
	return kept;
}

HookPart *
hook_part_open(HookGroup *g)
{
	Arena *again = arena_again(g), *a = again != NULL ? again : arena_open();
	HookPart *p = arena_new(a, HookPart);

	p->a = a;
	p->group = g;
	atomic_store(&p->holds, 1);
	return p;
}

void
hook_part_close(HookPart *p)
{
	Arena *a;

	if (p == NULL || atomic_fetch_sub(&p->holds, 1) > 1)
		return;
	a = p->a;
	if (!arena_keep(p->group, a))
		arena_close(a);
}

void
hook_part_done(HookPart **p)
{
	hook_part_close(*p);
	*p = NULL;
}

static void
part_drop(Part *part)
{
	hook_part_close((HookPart *)part);
}

bool
hook_too_many(int64_t requests, TimeUs window, Err *err)
{
	return err_set(err, ERR_FORBIDDEN, "Too many requests: this webhook takes %lld in %lld s", (long long)requests,
	    (long long)(window / US_PER_S));
}

/* ---- how many there were ---- */

static int
by_number(const void *a, const void *b)
{
	Id x = *(const Id *)a, y = *(const Id *)b;

	return x < y ? -1 : x > y;
}

/* One transaction at a time counts the requests of a webhook. Always in the same order, so that two never wait for each other. */
static bool
limits_lock(Uow *u, HookPart **parts, size_t n, Err *err)
{
	Id *ids = arena_array(u->arena, Id, n + 1);
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (parts[i]->requests > 0 && !parts[i]->refused)
			ids[found++] = parts[i]->trigger;
	qsort(ids, found, sizeof(Id), by_number);
	for (size_t i = 0; i < found; i++)
		if ((i == 0 || ids[i] != ids[i - 1]) && !webhook_lock(u->db, u->arena, ids[i], err))
			return false;
	return true;
}

static bool
one_sender(const HookPart *a, const HookPart *b)
{
	return a->trigger == b->trigger && str_eq(a->ip, b->ip) && str_eq(a->webhook_key, b->webhook_key);
}

/* What the store says, and who came in this group before: the line of each is written only after all have been counted. */
static bool
part_count(Uow *u, HookPart **parts, size_t i, Err *err)
{
	HookPart *p = parts[i];
	size_t before = i;

	while (before > 0 && !one_sender(parts[before - 1], p))
		before--;
	if (before > 0)
		p->counted = parts[before - 1]->counted;
	else if (!webhook_recent(
		     u->db, u->arena, p->trigger, p->webhook_key, p->ip, u->now - p->window, &p->counted, err))
		return false;
	if (!p->refused && p->counted >= p->requests) {
		p->limited = true;
		p->ok = hook_too_many(p->requests, p->window, &p->err);
	}
	p->counted += !p->limited;
	return true;
}

static bool
parts_count(Uow *u, HookPart **parts, size_t n, Err *err)
{
	if (!limits_lock(u, parts, n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (parts[i]->requests > 0 && !part_count(u, parts, i, err))
			return false;
	return true;
}

/* ---- events ---- */

static const Json *
event_config(Arena *a, const HookPart *p, TimeUs now)
{
	Str at = time_text(a, now);
	Json *o = arena_new(a, Json);

	*o = json_object();
	json_add(a, o, "source", json_cstr("webhook"));
	json_add(a, o, "webhook_key", json_str(p->webhook_key));
	json_add(a, o, "received_at", json_str(str_fmt(a, "%.*s+00:00", STR_ARG(str_sub(at, 0, at.n - 1)))));
	if (p->headers != NULL)
		json_add(a, o, "headers", *p->headers);
	if (p->ip.n > 0)
		json_add(a, o, "source_ip", json_str(p->ip));
	if (!str_none(p->agent))
		json_add(a, o, "user_agent", json_str(p->agent));
	if (p->signed_only)
		json_add(a, o, "hmac_verified", json_bool(p->verified));
	return o;
}

static bool
part_stored(Uow *u, HookPart *p, const EventOut *out, Err *err)
{
	p->event = out->id;
	p->received = u->now;
	p->again = out->id == 0;
	return !p->again || event_of_tick(u->db, u->arena, p->tick, &p->event, &p->received, err);
}

static bool
events_store(Uow *u, HookPart **parts, size_t n, Err *err)
{
	EventIn *in = arena_array(u->arena, EventIn, n + 1);
	EventOut *out = arena_array(u->arena, EventOut, n + 1);
	size_t taken = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		if (parts[i]->ok)
			in[taken++] = (EventIn){
				.trigger_ref = parts[i]->trigger_ref,
				.source_ref = str_of("webhook"),
				.payload = parts[i]->payload,
				.config = event_config(u->arena, parts[i], u->now),
				.tick_key = parts[i]->tick,
				.correlation = parts[i]->correlation,
			};
	if (!ingest(u, in, taken, out, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (parts[i]->ok && !part_stored(u, parts[i], &out[at++], err))
			return false;
	return true;
}

/* ---- the log ---- */

static int
status_of(const HookPart *p)
{
	if (p->ok)
		return 200;
	return p->limited ? 429 : err_http_status(p->err.code);
}

static WebhookLogNew
line_of(const HookPart *p)
{
	return (WebhookLogNew){
		.trigger = p->trigger,
		.trigger_ref = p->trigger_ref,
		.key = p->webhook_key,
		.event = p->event,
		.source_ip = p->ip,
		.user_agent = p->agent,
		.bytes = p->bytes,
		.status = status_of(p),
		.took_ms = (clock_mono(clock_real()) - p->began) / US_PER_MS,
		.error = p->ok ? (Str){ 0 } : str_of(p->err.text),
		.verified = p->verified,
		.limited = p->limited,
		.allowed = p->allowed,
	};
}

static bool
lines_store(Uow *u, HookPart **parts, size_t n, Err *err)
{
	WebhookLogNew *lines = arena_array(u->arena, WebhookLogNew, n);

	for (size_t i = 0; i < n; i++)
		lines[i] = line_of(parts[i]);
	return webhook_log_add(u->db, u->arena, lines, n, u->now, err);
}

/* ---- one group ---- */

/* As it was when it came: it may be tried a second time. */
static void
part_begin(HookPart *p)
{
	if (p->refused)
		return;
	p->ok = true;
	p->stale = false;
	p->limited = p->again = false;
	p->event = 0;
}

/* Marks those that were let in by definitions that this transaction finds changed. */
static bool
any_stale(Uow *u, HookPart **parts, size_t n)
{
	int64_t version = defs_version(u->e->defs);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		parts[i]->stale = parts[i]->version != 0 && parts[i]->version != version;
		any = any || parts[i]->stale;
	}
	return any;
}

/* What was committed is there: the requests are answered while the messages about their events are sent. */
static void
on_committed(void *self)
{
	HookGroup *g = self;

	if (g->whole)
		gather_tell(g->gather);
}

/* *ret_written: all but the commit was done. */
static bool
group_work(HookGroup *g, HookPart **parts, size_t n, bool *ret_written, Err *err)
{
	Uow *u = g->uow;

	for (size_t i = 0; i < n; i++)
		part_begin(parts[i]);
	*ret_written = uow_begin(u, err) && parts_count(u, parts, n, err) && events_store(u, parts, n, err) &&
		       (!any_stale(u, parts, n) || err_set(err, ERR_STALE, "definitions have changed")) &&
		       lines_store(u, parts, n, err);
	u->committed = on_committed;
	u->committed_self = g;
	return *ret_written && uow_commit(u, &points_ingest, err);
}

static void
part_failed(HookPart *p, const Err *err)
{
	/* the refusal counts, not whether it could be written down */
	if (p->refused) {
		log_warn("webhook of '%.*s': %s", STR_ARG(p->trigger_ref), err->text);
		return;
	}
	p->ok = p->limited = false;
	p->err = *err;
}

/* Leaves those that are not stale, in their order; the others go back as they are. */
static size_t
stale_leave(HookPart **parts, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!parts[i]->stale)
			parts[kept++] = parts[i];
		else
			parts[i]->ok = false;
	}
	return kept;
}

/* What it was in a group that could not be written is not known: each alone, so that nobody fails for another's sake. */
static void
group_try(HookGroup *g, HookPart **parts, size_t n)
{
	enum { TRIES = 2 };
	bool written = false;
	size_t left;
	Err err = { 0 };

	/* once more if the store gave way to somebody else, but never what may be there after all */
	for (int i = 0; i < TRIES && !written && (i == 0 || err.code == ERR_AWAY); i++) {
		err_clear(&err);
		if (group_work(g, parts, n, &written, &err))
			return;
		uow_abort(g->uow);
	}
	g->whole = false;
	left = err.code == ERR_STALE ? stale_leave(parts, n) : n;
	if (left < n) {
		if (left > 0)
			group_try(g, parts, left);
		return;
	}
	if (n > 1 && !err_passes(err.code)) {
		for (size_t i = 0; i < n; i++)
			group_try(g, parts + i, 1);
		return;
	}
	for (size_t i = 0; i < n; i++)
		part_failed(parts[i], &err);
}

static void
group_run(void *self, Part **group, size_t n)
{
	HookGroup *g = self;
	HookPart *parts[GATHER_GROUP_MOST];
	Err err = { 0 };

	for (size_t i = 0; i < n; i++)
		parts[i] = (HookPart *)group[i];
	g->whole = true;
	if (g->uow != NULL || uow_open(g->engine, &g->uow, &err))
		group_try(g, parts, n);
	else
		for (size_t i = 0; i < n; i++)
			part_failed(parts[i], &err);
	for (size_t i = 0; i < n; i++)
		hook_part_close((HookPart *)group[i]); /* parts has lost those that were stale */
}

/* ---- */

HookGroup *
hook_group_open(Engine *e, void (*done)(void *self, const int64_t *keys, size_t n), void *self)
{
	HookGroup *g = calloc(1, sizeof(HookGroup));

	if (g == NULL)
		abort();
	g->engine = e;
	pthread_mutex_init(&g->lock, NULL);
	g->gather = gather_open(&(GatherConfig){
	    .name = "webhooks", .run = group_run, .drop = part_drop, .done = done, .self = g, .done_self = self });
	return g;
}

void
hook_group_close(HookGroup *g)
{
	if (g == NULL)
		return;
	gather_close(g->gather);
	uow_close(g->uow);
	while (g->free_n > 0)
		arena_close(g->free[--g->free_n]);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

bool
hook_group_give(HookGroup *g, HookPart *p, Err *err)
{
	bool ok;

	atomic_fetch_add(&p->holds, 1);
	ok = gather_give(g->gather, &p->part, err);
	if (!ok)
		hook_part_close(p);
	return ok;
}

HookPart *
hook_group_take(HookGroup *g, int64_t key)
{
	return (HookPart *)gather_take(g->gather, key);
}
