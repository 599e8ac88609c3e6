#include "engine/limits.h"

#include "engine/ended.h"
#include "model/limits.h"
#include "store/execution_breaker.h"
#include "store/execution_limits.h"

enum { RECLASS_MOST = 1024, OLDEST_MOST = 256 };

typedef struct Limits {
	const PolicyDef *slot, *rate, *breaker;
} Limits;

/* A workflow is held by policies that name it: under one of its pack, or of all, it would take what its own steps wait for. */
static const PolicyDef *
policy_for(const Uow *u, const ActionDef *action, LimitKind kind)
{
	const PolicyDef *p = defs_policy_of(u->e->defs, action, kind);

	return p != NULL && action_inside(action) && p->action == 0 ? NULL : p;
}

static Limits
limits_of(const Uow *u, const ActionDef *action)
{
	if (action_inside(action) && action->workflow_def == 0) /* a question is asked at once */
		return (Limits){ 0 };
	return (Limits){ policy_for(u, action, LIMIT_SLOT), policy_for(u, action, LIMIT_RATE),
		policy_for(u, action, LIMIT_BREAKER) };
}

bool
limits_any(const Uow *u, const ActionDef *action)
{
	Limits l = limits_of(u, action);

	return l.slot != NULL || l.rate != NULL || l.breaker != NULL;
}

size_t
limits_most(const Uow *u, const ActionDef *action)
{
	Limits l = action == NULL ? (Limits){ 0 } : limits_of(u, action);

	/* what is cancelled or refused instead of waiting has to be seen */
	if (l.slot == NULL || l.rate != NULL || l.breaker != NULL || str_starts(l.slot->method, str_of("cancel")))
		return SIZE_MAX;
	return l.slot->limit < 1 ? 1 : (size_t)l.slot->limit;
}

static const Json *
paths_of(const PolicyDef *p, LimitKind kind)
{
	return kind == LIMIT_SLOT ? &p->key : kind == LIMIT_RATE ? &p->rate_key : &p->breaker_key;
}

static Str
key_of(Arena *a, const PolicyDef *p, LimitKind kind, const Json *config)
{
	return p == NULL ? (Str){ 0 } : limit_key(a, p->id, paths_of(p, kind), config);
}

/* ---- rows that are being made ---- */

static void
row_born(Uow *u, ExecNew *e, const ActionDef *action)
{
	Limits l = limits_of(u, action);

	/* a task of a workflow is tried again as its workflow says */
	if (!e->of_task && json_is(&action->retry, JSON_OBJECT) && action->retry.n > 0) {
		e->retry = &action->retry;
		e->max_retries = json_as_int(json_get(&action->retry, "count"), 0);
	}
	e->limited = l.slot != NULL || l.rate != NULL || l.breaker != NULL || e->max_retries != 0 || e->priority != 0 ||
		     e->due != 0;
	if (!e->limited)
		return;
	e->slot = key_of(u->arena, l.slot, LIMIT_SLOT, e->config);
	e->bucket = key_of(u->arena, l.rate, LIMIT_RATE, e->config);
	e->breaker = key_of(u->arena, l.breaker, LIMIT_BREAKER, e->config);
	e->wait_class = wait_class_full(u->arena, e->wait_class, e->priority, e->slot, e->bucket, e->breaker);
	due_note(u, e->due);
}

void
limits_born(Uow *u, ExecNew *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const ActionDef *action = defs_action(u->e->defs, rows[i].action);

		/* what is refused at once waits for nothing */
		if (action != NULL && !exec_terminal(rows[i].status))
			row_born(u, &rows[i], action);
	}
}

/* ---- a class that policies have changed under ---- */

static bool
tag_fits(Arena *a, Str key, const PolicyDef *p, LimitKind kind)
{
	if (p == NULL)
		return str_none(key) || key.n == 0;
	return !str_none(key) && str_starts(key, limit_tag(a, p->id, paths_of(p, kind)));
}

static bool
tags_fit(Arena *a, const Limits *l, Str slot, Str bucket, Str breaker)
{
	return tag_fits(a, slot, l->slot, LIMIT_SLOT) && tag_fits(a, bucket, l->rate, LIMIT_RATE) &&
	       tag_fits(a, breaker, l->breaker, LIMIT_BREAKER);
}

bool
limits_fit(const Uow *u, const ActionDef *action, Str wait_class)
{
	Limits l = limits_of(u, action);

	return tags_fit(
	    u->arena, &l, wait_class_slot(wait_class), wait_class_bucket(wait_class), wait_class_breaker(wait_class));
}

static void
row_reclass(Uow *u, ExecLimited *row, const ActionDef *action)
{
	Limits l = limits_of(u, action);

	row->slot = key_of(u->arena, l.slot, LIMIT_SLOT, &row->config);
	row->bucket = key_of(u->arena, l.rate, LIMIT_RATE, &row->config);
	row->breaker = key_of(u->arena, l.breaker, LIMIT_BREAKER, &row->config);
	row->wait_class =
	    wait_class_full(u->arena, row->wait_class, row->priority, row->slot, row->bucket, row->breaker);
}

static bool
class_follow(Uow *u, const ActionDef *action, Str wait_class, Err *err)
{
	ExecLimited *rows;
	size_t n;

	if (!execution_limited_class(u->db, u->arena, wait_class, RECLASS_MOST, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		row_reclass(u, &rows[i], action);
	return execution_limit_set(u->db, u->arena, rows, n, err);
}

bool
limits_follow(Uow *u, Err *err)
{
	int64_t version = defs_policies_version(u->e->defs);
	ExecLimited *rows;
	size_t n, changed = 0;

	if (u->policies_seen == version)
		return true;
	if (!execution_limited_live(u->db, u->arena, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const ActionDef *action = defs_action(u->e->defs, rows[i].action);
		Limits l = action == NULL ? (Limits){ 0 } : limits_of(u, action);

		if (action == NULL || tags_fit(u->arena, &l, rows[i].slot, rows[i].bucket, rows[i].breaker))
			continue;
		row_reclass(u, &rows[i], action);
		rows[changed++] = rows[i];
	}
	u->policies_seen = version;
	return execution_limit_set(u->db, u->arena, rows, changed, err);
}

/* ---- how many may go ---- */

/* The newest win: as many of the oldest are cancelled as there are too many, running or waiting. */
static bool
oldest_cancel(Uow *u, const PolicyDef *p, Str slot, Err *err)
{
	Str by = str_fmt(u->arena, "policy %.*s", STR_ARG(p->ref));
	int64_t all;
	SlotRow *rows;
	size_t n;

	if (!slot_all(u->db, u->arena, slot, &all, err))
		return false;
	if (all <= p->limit)
		return true;
	all -= p->limit;
	if (!slot_oldest(u->db, u->arena, slot, all > OLDEST_MOST ? OLDEST_MOST : (size_t)all, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ExecState now;
		Err why = { 0 };

		/* it may have moved in this moment: then it is looked at again when it has ended */
		if (!execution_cancel(u, rows[i].id, by, &now, &why) && why.code != ERR_STALE &&
		    why.code != ERR_CONFLICT) {
			*err = why;
			return false;
		}
	}
	return true;
}

/* n: it does not stand there. */
static size_t
place_in_line(const Id *line, size_t n, Id id)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] == id)
			return i;
	return n;
}

/* How far a slot's line is looked at, where so much may be asked for before it is known how many may go; 0: it may not. */
static size_t
line_ahead(const PolicyDef *p)
{
	enum { FEW = 16 };

	/* with cancel_oldest what is there changes before it is looked at */
	return p == NULL || p->limit < 1 || p->limit > FEW || str_is(p->method, "cancel_oldest") ? 0 : (size_t)p->limit;
}

static size_t
line_most(const PolicyDef *p, bool oldest, int64_t room)
{
	return oldest ? (size_t)p->limit : line_ahead(p) > 0 ? line_ahead(p) : (size_t)room;
}

void
limits_ahead(Uow *u, const ActionDef *action, Str wait_class)
{
	const PolicyDef *p = action == NULL ? NULL : limits_of(u, action).slot;
	Str slot = wait_class_slot(wait_class);

	if (line_ahead(p) > 0 && !str_none(slot))
		slot_ahead(u->db, u->arena, slot, line_ahead(p));
}

/* Those of the class that are first in their slot's line, which other classes may stand in too. */
static bool
slot_admit(Uow *u, const PolicyDef *p, Str slot, const ExecWaiting *rows, size_t n, Admission *ad, Err *err)
{
	bool oldest = str_is(p->method, "cancel_oldest");
	int64_t used, room;
	Id *line = NULL;
	size_t line_n = 0;

	if (oldest && !oldest_cancel(u, p, slot, err))
		return false;
	if (!slot_used(u->db, u->arena, slot, &used, err))
		return false;
	room = used >= p->limit ? 0 : p->limit - used;
	/* with cancel_oldest some of the rows may just have been cancelled */
	if ((room > 0 || oldest) && !slot_line(u->db, u->arena, slot, line_most(p, oldest, room), &line, &line_n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t place = place_in_line(line, line_n, rows[i].id);

		if (place < line_n && (int64_t)place < room)
			ad->go[ad->go_n++] = rows[i];
		else if (place < line_n || !oldest)
			ad->held[ad->held_n++] = rows[i];
	}
	if (ad->held_n > 0) {
		ad->by = p;
		ad->why = WAIT_CONCURRENCY;
	}
	return true;
}

static bool
rate_admit(Uow *u, const PolicyDef *p, Str bucket, Admission *ad, Err *err)
{
	int64_t room;
	size_t back;

	if (!bucket_read(u->db, u->arena, bucket, &ad->full, err))
		return false;
	ad->bucket = bucket;
	ad->rate = p;
	room = tokens_room(p, ad->full, u->now);
	if ((int64_t)ad->go_n <= room)
		return true;
	/* those beyond stand before what the slot holds */
	back = ad->go_n - (size_t)room;
	memmove(ad->held + back, ad->held, ad->held_n * sizeof(*ad->held));
	memcpy(ad->held, ad->go + room, back * sizeof(*ad->held));
	ad->held_n = str_is(p->rate_method, "cancel") ? back : ad->held_n + back;
	ad->go_n = (size_t)room;
	ad->by = p;
	ad->why = WAIT_RATE;
	ad->due = tokens_next(p, tokens_take(p, ad->full, room, u->now));
	return true;
}

/* How many of the rows the breaker lets through; the one that it does while it is open comes first in them. */
static bool
breaker_admit(Uow *u, const PolicyDef *p, Str key, ExecWaiting *rows, size_t n, size_t *ret_n, Admission *ad, Err *err)
{
	BreakerSeen seen;
	TimeUs opened;
	Id probe;

	*ret_n = n;
	if (!breaker_read(u->db, u->arena, key, &seen, err))
		return false;
	opened = breaker_opened(p, &seen);
	if (opened == 0)
		return true;
	*ret_n = 0;
	ad->breaker = p;
	ad->opened = opened;
	if (u->now < opened + p->open_for) {
		ad->due = opened + p->open_for;
		return true;
	}
	if (!breaker_probe(u->db, u->arena, key, &probe, err))
		return false;
	for (size_t i = 0; i < n && *ret_n == 0; i++) {
		ExecWaiting first = rows[i];

		if (probe != 0 && first.id != probe)
			continue;
		rows[i] = rows[0];
		rows[0] = first;
		*ret_n = 1;
	}
	return true;
}

/* What the breaker holds stands behind what goes, unless that is held by another policy: then they wait for it together. */
static void
breaker_hold(Admission *ad, const ExecWaiting *rows, size_t n)
{
	if (ad->breaker == NULL || ad->held_n > 0)
		return;
	memcpy(ad->held, rows, n * sizeof(*rows));
	ad->held_n = n;
	ad->by = ad->breaker;
	ad->why = WAIT_BREAKER;
}

bool
limits_admit(
    Uow *u, const ActionDef *action, const ExecWaiting *all, size_t n, Admission *ret, bool *ret_stale, Err *err)
{
	Str wait_class = all[0].wait_class, slot = wait_class_slot(wait_class), bucket = wait_class_bucket(wait_class);
	Str breaker = wait_class_breaker(wait_class);
	ExecWaiting *rows = arena_copy(u->arena, all, n * sizeof(*all));
	Limits l = limits_of(u, action);
	size_t may = n;

	*ret_stale = !limits_fit(u, action, wait_class);
	if (*ret_stale)
		return class_follow(u, action, wait_class, err);
	*ret = (Admission){ .go = arena_array(u->arena, ExecWaiting, n + 1),
		.held = arena_array(u->arena, ExecWaiting, n + 1) };
	if (l.breaker != NULL && !breaker_admit(u, l.breaker, breaker, rows, n, &may, ret, err))
		return false;
	if (l.slot != NULL && may > 0) {
		if (!slot_admit(u, l.slot, slot, rows, may, ret, err))
			return false;
	} else {
		memcpy(ret->go, rows, may * sizeof(*rows));
		ret->go_n = may;
	}
	if (l.rate != NULL && ret->go_n > 0 && !rate_admit(u, l.rate, bucket, ret, err))
		return false;
	breaker_hold(ret, rows + may, n - may);
	return true;
}

/* ---- what becomes of the rest ---- */

/* It says so at once, instead of waiting. */
static bool
held_fail(Uow *u, const Admission *ad, Err *err)
{
	ExecMove *moves = arena_array(u->arena, ExecMove, ad->held_n + 1);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, ad->held_n + 1);
	Json *result = arena_new(u->arena, Json);

	*result = error_result(
	    u->arena, str_fmt(u->arena,
			  "Refused by policy '%.*s': its breaker is open since %.*s, because too many runs have failed",
			  STR_ARG(ad->by->ref), STR_ARG(time_text(u->arena, ad->opened))));
	json_add(u->arena, result, "refused_by", json_str(str_copy(u->arena, ad->by->ref)));
	for (size_t i = 0; i < ad->held_n; i++)
		moves[i] = (ExecMove){ .id = ad->held[i].id,
			.attempt = ad->held[i].attempt,
			.from = EXEC_REQUESTED,
			.result = result,
			.note = str_fmt(u->arena, "policy %.*s", STR_ARG(ad->by->ref)) };
	return move_runs(u, EV_REFUSE, moves, ad->held_n, u->e->process, moved, err) &&
	       moves_ended(u, moves, moved, ad->held_n, err);
}

static bool
held_cancel(Uow *u, const Admission *ad, Err *err)
{
	const char *what = ad->why == WAIT_RATE ? "rate" : "concurrency";
	Str ref = ad->by->ref;
	ExecMove *moves = arena_array(u->arena, ExecMove, ad->held_n + 1);
	ExecMoved *moved = arena_array(u->arena, ExecMoved, ad->held_n + 1);

	for (size_t i = 0; i < ad->held_n; i++) {
		Json *result = arena_new(u->arena, Json);

		*result = error_result(u->arena,
		    str_fmt(u->arena, "Cancelled by policy '%.*s': its %s limit is reached", STR_ARG(ref), what));
		json_add(u->arena, result, "cancelled", json_bool(true));
		json_add(u->arena, result, "action_ref", json_str(ad->held[i].action_ref));
		json_add(u->arena, result, "cancelled_by", json_cstr("execution_scheduler"));
		json_add(u->arena, result, "cancelled_at", json_str(time_text(u->arena, u->now)));
		moves[i] = (ExecMove){ .id = ad->held[i].id,
			.attempt = ad->held[i].attempt,
			.from = EXEC_REQUESTED,
			.result = result,
			.note = str_fmt(u->arena, "policy %.*s", STR_ARG(ref)) };
	}
	return move_runs(u, EV_CANCEL, moves, ad->held_n, u->e->process, moved, err) &&
	       moves_ended(u, moves, moved, ad->held_n, err);
}

bool
limits_settle(Uow *u, const Admission *ad, size_t gone, Err *err)
{
	const ExecWaiting *head = ad->held;
	bool cancels;

	if (ad->breaker != NULL && gone > 0 && !breaker_probe_mark(u->db, u->arena, ad->go[0].id, err))
		return false;
	if (ad->rate != NULL && gone > 0 &&
	    !bucket_write(u->db, u->arena, ad->bucket, tokens_take(ad->rate, ad->full, (int64_t)gone, u->now), err))
		return false;
	if (ad->by == NULL || ad->held_n == 0 || gone < ad->go_n)
		return true; /* those before them wait for a worker */
	if (ad->why == WAIT_BREAKER && str_is(ad->by->breaker_method, "fail"))
		return held_fail(u, ad, err);
	cancels =
	    ad->why != WAIT_BREAKER && str_is(ad->why == WAIT_RATE ? ad->by->rate_method : ad->by->method, "cancel");
	if (cancels)
		return held_cancel(u, ad, err);
	if (head->reason == ad->why && head->due == ad->due && str_eq(head->detail, ad->by->ref))
		return true;
	due_note(u, ad->due);
	return execution_wait_policy(u->db, u->arena, head->id, ad->why, ad->by->ref, ad->due, u->now, err);
}
