#include "engine/defs.h"

#include "base/log.h"
#include "base/map.h"
#include "engine/defs_keys.h"
#include "model/secrets.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/policy.h"
#include "store/rule.h"
#include "store/runtime.h"
#include "store/trigger.h"
#include "store/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { RELOAD_AFTER = 5000 }; /* changes taken over one by one leave old versions behind in the arena */

struct Defs {
	pthread_rwlock_t lock;
	Arena *arena;
	Map packs, runtimes, actions, actions_ref, triggers, triggers_ref;
	KeyNames keys;
	RuleIndex *rules;
	const WorkerDef **workers;
	size_t worker_count;
	PolicyDef *policies; /* those that are enabled */
	size_t policy_count;
	int64_t policies_version;
	_Atomic Id last; /* change seen */
	_Atomic size_t completion_rules;
	size_t taken;
	bool loaded;
};

Defs *
defs_open(void)
{
	Defs *d = calloc(1, sizeof(Defs));

	if (d == NULL)
		abort();
	pthread_rwlock_init(&d->lock, NULL);
	return d;
}

static void
defs_empty(Defs *d)
{
	if (d->arena != NULL)
		arena_close(d->arena);
	if (d->rules != NULL)
		rule_index_close(d->rules);
	d->arena = arena_open();
	d->rules = rule_index_open();
	d->packs = map_open(d->arena);
	d->runtimes = map_open(d->arena);
	d->actions = map_open(d->arena);
	d->actions_ref = map_open(d->arena);
	d->triggers = map_open(d->arena);
	d->triggers_ref = map_open(d->arena);
	d->workers = NULL;
	d->worker_count = 0;
	d->policies = NULL;
	d->policy_count = 0;
	d->taken = 0;
	atomic_store(&d->completion_rules, 0);
}

void
defs_close(Defs *d)
{
	if (d == NULL)
		return;
	if (d->arena != NULL)
		arena_close(d->arena);
	if (d->rules != NULL)
		rule_index_close(d->rules);
	pthread_rwlock_destroy(&d->lock);
	free(d);
}

/* ---- putting one definition in its place; NULL takes it out ---- */

static void
pack_place(Defs *d, Id id, PackDef *p)
{
	map_put(&d->packs, id, p);
}

static void
runtime_place(Defs *d, Id id, RuntimeDef *r)
{
	map_put(&d->runtimes, id, r);
}

static void
action_place(Defs *d, Id id, ActionDef *x)
{
	const ActionDef *before = map_get(&d->actions, id);

	if (before != NULL)
		map_put_str(&d->actions_ref, before->ref, NULL);
	if (x != NULL)
		x->has_secrets = secrets_in_schema(&x->param_schema);
	map_put(&d->actions, id, x);
	if (x != NULL)
		map_put_str(&d->actions_ref, x->ref, x);
}

static void
trigger_place(Defs *d, Id id, TriggerDef *x)
{
	const TriggerDef *before = map_get(&d->triggers, id);

	if (before != NULL)
		map_put_str(&d->triggers_ref, before->ref, NULL);
	map_put(&d->triggers, id, x);
	if (x != NULL)
		map_put_str(&d->triggers_ref, x->ref, x);
}

static size_t
hears(const RuleDef *r)
{
	const Json *more = r == NULL ? NULL : json_get(&r->extras, "triggers");
	bool found = r != NULL && str_is(r->trigger_ref, "core.execution_completed");

	for (size_t i = 0; json_at(more, i) != NULL; i++)
		found = found || str_is(json_get_text(json_at(more, i), "trigger_ref"), "core.execution_completed");
	return found && r->enabled;
}

static void
rule_place(Defs *d, Id id, const RuleDef *r)
{
	const PackDef *pack;
	Str problem = { 0 };

	atomic_fetch_add(&d->completion_rules, hears(r) - hears(rule_index_get(d->rules, id)));
	if (r == NULL) {
		rule_index_drop(d->rules, id);
		return;
	}
	pack = map_get(&d->packs, r->pack);
	rule_index_put(d->rules, r, pack, &problem);
	if (!str_none(problem))
		log_warn("rule '%.*s' matches nothing: %.*s", STR_ARG(r->ref), STR_ARG(problem));
}

/* ---- loading all ---- */

static bool
load_packs(Defs *d, Db *db, Err *err)
{
	DefFilter all = { 0 };
	PackDef *rows;
	size_t n;

	if (!pack_list(db, d->arena, &all, &rows, &n, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++)
		pack_place(d, rows[i].id, &rows[i]);
	return true;
}

static bool
load_runtimes(Defs *d, Db *db, Err *err)
{
	DefFilter all = { 0 };
	RuntimeDef *rows;
	size_t n;

	if (!runtime_list(db, d->arena, &all, &rows, &n, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++)
		runtime_place(d, rows[i].id, &rows[i]);
	return true;
}

static bool
load_actions(Defs *d, Db *db, Err *err)
{
	DefFilter all = { 0 };
	ActionDef *rows;
	size_t n;

	if (!action_list(db, d->arena, &all, &rows, &n, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++)
		action_place(d, rows[i].id, &rows[i]);
	return true;
}

static bool
load_triggers(Defs *d, Db *db, Err *err)
{
	DefFilter all = { 0 };
	TriggerDef *rows;
	size_t n;

	if (!trigger_list(db, d->arena, &all, &rows, &n, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++)
		trigger_place(d, rows[i].id, &rows[i]);
	return true;
}

static bool
load_rules(Defs *d, Db *db, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open(); /* the index copies what it keeps */
	DefFilter all = { 0 };
	RuleDef *rows;
	size_t n;

	if (!rule_list(db, a, &all, &rows, &n, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++)
		rule_place(d, rows[i].id, &rows[i]);
	return true;
}

static bool
load_workers(Defs *d, Db *db, Err *err)
{
	WorkerDef *rows;
	size_t n;

	if (!worker_list(db, d->arena, str_of("action"), &rows, &n, err))
		return false;
	d->workers = arena_array(d->arena, const WorkerDef *, n + 1);
	d->worker_count = n;
	for (size_t i = 0; i < n; i++)
		d->workers[i] = &rows[i];
	return true;
}

static bool
load_policies(Defs *d, Db *db, Err *err)
{
	DefFilter all = { 0 };
	PolicyDef *rows;
	size_t n, kept = 0;

	if (!policy_list(db, d->arena, &all, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (rows[i].enabled)
			rows[kept++] = rows[i];
	if (kept > 0 || d->policy_count > 0)
		d->policies_version++;
	d->policies = rows;
	d->policy_count = kept;
	return true;
}

static bool
load_all(Defs *d, Db *db, Err *err)
{
	Id last;

	defs_empty(d);
	d->loaded = false;
	/* the last change first: what is noted after it is read again, which does no harm */
	if (!change_last(db, d->arena, &last, err))
		return false;
	atomic_store(&d->last, last);
	d->loaded = load_packs(d, db, err) && load_runtimes(d, db, err) && load_actions(d, db, err) &&
		    load_triggers(d, db, err) && load_rules(d, db, err) && load_workers(d, db, err) &&
		    load_policies(d, db, err) && key_names_load(&d->keys, db, d->arena, err);
	return d->loaded;
}

/* ---- taking over one change ---- */

/* A definition that is gone is no error here. */
static bool
gone(bool read, Err *err, bool *ret_there)
{
	*ret_there = read;
	if (!read && err->code == ERR_NOT_FOUND) {
		err_clear(err);
		return true;
	}
	return read;
}

static bool
take_pack(Defs *d, Db *db, Id id, Err *err)
{
	PackDef *p = arena_new(d->arena, PackDef);
	bool there;

	if (!gone(pack_get(db, d->arena, id, p, err), err, &there))
		return false;
	pack_place(d, id, there ? p : NULL);
	return load_rules(d, db, err); /* the pack's configuration stands in the templates of its rules */
}

static bool
take_runtime(Defs *d, Db *db, Id id, Err *err)
{
	RuntimeDef *r = arena_new(d->arena, RuntimeDef);
	bool there;

	if (!gone(runtime_get(db, d->arena, id, r, err), err, &there))
		return false;
	runtime_place(d, id, there ? r : NULL);
	return true;
}

static bool
take_action(Defs *d, Db *db, Id id, Err *err)
{
	ActionDef *x = arena_new(d->arena, ActionDef);
	bool there;

	if (!gone(action_get(db, d->arena, id, x, err), err, &there))
		return false;
	action_place(d, id, there ? x : NULL);
	return true;
}

static bool
take_trigger(Defs *d, Db *db, Id id, Err *err)
{
	TriggerDef *x = arena_new(d->arena, TriggerDef);
	bool there;

	if (!gone(trigger_get(db, d->arena, id, x, err), err, &there))
		return false;
	trigger_place(d, id, there ? x : NULL);
	return true;
}

static bool
take_rule(Defs *d, Db *db, Id id, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	RuleDef r;
	bool there;

	if (!gone(rule_get(db, a, id, &r, err), err, &there))
		return false;
	rule_place(d, id, there ? &r : NULL);
	return true;
}

static bool
take_worker(Defs *d, Db *db, Id id, Err *err)
{
	(void)id;
	return load_workers(d, db, err);
}

static bool
take_policy(Defs *d, Db *db, Id id, Err *err)
{
	(void)id;
	return load_policies(d, db, err);
}

static bool
take_key(Defs *d, Db *db, Id id, Err *err)
{
	(void)id;
	return key_names_load(&d->keys, db, d->arena, err);
}

typedef struct Taker {
	const char *kind;
	bool (*take)(Defs *d, Db *db, Id id, Err *err);
} Taker;

static const Taker takers[] = {
	{ "pack", take_pack },
	{ "runtime", take_runtime },
	{ "action", take_action },
	{ "trigger", take_trigger },
	{ "rule", take_rule },
	{ "worker", take_worker },
	{ "key", take_key },
	{ "policy", take_policy },
};

static bool
take_change(Defs *d, Db *db, const Change *c, Err *err)
{
	for (size_t i = 0; i < countof(takers); i++)
		if (str_is(c->kind, takers[i].kind))
			return takers[i].take(d, db, c->entity, err);
	return true; /* a kind nobody caches */
}

static bool
take_changes(Defs *d, Db *db, const Change *changes, size_t n, Err *err)
{
	if (!d->loaded || d->taken + n > RELOAD_AFTER)
		return load_all(d, db, err);
	for (size_t i = 0; i < n; i++) {
		if (changes[i].id <= d->last)
			continue;
		if (!take_change(d, db, &changes[i], err)) {
			d->loaded = false; /* half taken over: all anew the next time */
			return false;
		}
		d->last = changes[i].id;
		d->taken++;
	}
	return true;
}

void
defs_enter_ahead(Defs *d, Db *db, Arena *a)
{
	pthread_rwlock_rdlock(&d->lock);
	if (d->loaded)
		change_since_ahead(db, a, d->last);
	pthread_rwlock_unlock(&d->lock);
}

bool
defs_enter(Defs *d, Db *db, Arena *a, Err *err)
{
	for (;;) {
		Change *changes = NULL;
		size_t n = 0;
		bool loaded, ok;

		pthread_rwlock_rdlock(&d->lock);
		loaded = d->loaded;
		ok = !loaded || change_since(db, a, d->last, &changes, &n, err);
		if (ok && loaded && n == 0)
			return true; /* the lock is held until defs_leave */
		pthread_rwlock_unlock(&d->lock);
		if (!ok)
			return false;
		pthread_rwlock_wrlock(&d->lock);
		ok = take_changes(d, db, changes, n, err);
		pthread_rwlock_unlock(&d->lock);
		if (!ok)
			return false;
	}
}

void
defs_leave(Defs *d)
{
	pthread_rwlock_unlock(&d->lock);
}

bool
defs_peek(Defs *d, Id *ret_last)
{
	bool loaded;

	pthread_rwlock_rdlock(&d->lock);
	*ret_last = d->last;
	loaded = d->loaded; /* another thread may load them as soon as the lock is free */
	if (!loaded)
		pthread_rwlock_unlock(&d->lock);
	return loaded;
}

const ActionDef *
defs_action(const Defs *d, Id id)
{
	return map_get(&d->actions, id);
}

const ActionDef *
defs_action_ref(const Defs *d, Str ref)
{
	return map_get_str(&d->actions_ref, ref);
}

const RuntimeDef *
defs_runtime(const Defs *d, Id id)
{
	return map_get(&d->runtimes, id);
}

const PackDef *
defs_pack(const Defs *d, Id id)
{
	return map_get(&d->packs, id);
}

const TriggerDef *
defs_trigger(const Defs *d, Id id)
{
	return map_get(&d->triggers, id);
}

const TriggerDef *
defs_trigger_ref(const Defs *d, Str ref)
{
	return map_get_str(&d->triggers_ref, ref);
}

const RuleDef *
defs_rule(const Defs *d, Id id)
{
	return rule_index_get(d->rules, id);
}

const RuleIndex *
defs_rules(const Defs *d)
{
	return d->rules;
}

const WorkerDef *const *
defs_workers(const Defs *d, size_t *ret_n)
{
	*ret_n = d->worker_count;
	return d->workers;
}

const KeyName *const *
defs_keys(const Defs *d, Arena *a, const ActionDef *action, size_t *ret_n)
{
	return key_names_of(&d->keys, a, action, ret_n);
}

/* How particular a policy is about this action; 0: it is about others. */
static int
policy_rank(const PolicyDef *p, const ActionDef *action)
{
	if (p->action != 0)
		return p->action == action->id ? 3 : 0;
	if (p->pack != 0)
		return p->pack == action->pack ? 2 : 0;
	return 1;
}

const PolicyDef *
defs_policy_of(const Defs *d, const ActionDef *action, LimitKind kind)
{
	const PolicyDef *best = NULL;
	int rank = 0;

	for (size_t i = 0; i < d->policy_count; i++) {
		const PolicyDef *p = &d->policies[i];
		const int64_t says[LIMIT_KINDS] = { p->limit, p->rate_limit, p->failures };
		int own = says[kind] > 0 ? policy_rank(p, action) : 0;

		if (own == 0 || own < rank || (own == rank && p->id < best->id))
			continue;
		best = p;
		rank = own;
	}
	return best;
}

int64_t
defs_policies_version(const Defs *d)
{
	return d->policies_version;
}

bool
defs_hears_completions(const Defs *d)
{
	return atomic_load(&d->completion_rules) > 0;
}

void
defs_forget(Defs *d)
{
	pthread_rwlock_wrlock(&d->lock);
	d->loaded = false;
	pthread_rwlock_unlock(&d->lock);
}

int64_t
defs_version(const Defs *d)
{
	return atomic_load(&d->last);
}
