/* The table of environments that this process knows, and the threads that build them. */
#include "runtime/envs.h"

#include "base/log.h"
#include "base/map.h"
#include "os/thread.h"
#include "runtime/env_inner.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	BUILDERS = 2,
	AGAIN_AFTER = 30 * US_PER_S, /* a build that failed is not tried again for each run */
};

typedef struct Env {
	struct Env *next; /* in the line of those to be built */
	Str key;          /* pack/runtime */
	Arena *a;         /* of all below: reset when it is described anew */
	EnvWant want;
	Json config;
	EnvState state; /* NONE: not looked at yet */
	uint64_t stamp;
	Str dir, problem;
	TimeUs failed_at;
	bool queued, force, tidy;
} Env;

struct Envs {
	EnvsConfig config;
	Arena *a;
	Map table; /* key → Env */
	pthread_mutex_t lock;
	pthread_cond_t work;
	Env *first, **last;
	Thread builders[BUILDERS];
	atomic_bool stopping;
	EnvTold *told;
	void *told_self;
	void (*changed)(void *self);
	void *changed_self;
};

Envs *
envs_open(const EnvsConfig *config)
{
	Envs *e = calloc(1, sizeof(*e));
	Json *variables;

	if (e == NULL)
		abort();
	e->a = arena_open();
	e->config = *config;
	e->config.packs_base_dir = str_copy(e->a, config->packs_base_dir);
	e->config.runtime_envs_dir = str_copy(e->a, config->runtime_envs_dir);
	e->config.marker = str_copy(e->a, config->marker);
	if (config->variables != NULL) {
		variables = arena_new(e->a, Json);
		*variables = json_clone(e->a, config->variables);
		e->config.variables = variables;
	}
	e->table = map_open(e->a);
	e->last = &e->first;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->work, NULL);
	return e;
}

static Env *
env_of(Envs *e, const EnvWant *w)
{
	ArenaMark mark = arena_mark(e->a);
	Str key = str_fmt(e->a, "%.*s/%.*s", STR_ARG(w->pack_ref), STR_ARG(w->runtime));
	Env *env = map_get_str(&e->table, key);

	if (env != NULL) {
		arena_rewind(e->a, mark);
		return env;
	}
	env = arena_new(e->a, Env);
	env->key = key;
	env->a = arena_open();
	map_put_str(&e->table, key, env);
	return env;
}

static void
queue(Envs *e, Env *env)
{
	if (env->queued)
		return;
	env->queued = true;
	env->next = NULL;
	*e->last = env;
	e->last = &env->next;
	pthread_cond_signal(&e->work);
}

/* A copy: the caller's values end with its turn. */
static void
describe(Env *env, const EnvWant *w, const EnvFacts *f)
{
	arena_reset(env->a);
	env->config = w->config == NULL ? json_null() : json_clone(env->a, w->config);
	env->want = (EnvWant){ str_copy(env->a, w->pack_ref), str_copy(env->a, w->runtime), &env->config };
	env->stamp = f->stamp;
	env->dir = env->problem = (Str){ 0 };
	env->state = ENV_NONE;
}

/* ---- for those who use one ---- */

static EnvState
fail(EnvUse *ret, Str problem)
{
	ret->problem = problem;
	return ENV_FAILED;
}

/* Looks at the disk: another process may have built it, or somebody has taken it away. */
static EnvState
look(Envs *e, Env *env, Arena *a, const EnvWant *w, EnvFacts *f, EnvUse *ret)
{
	Err err = { 0 };
	Str dir;

	if (!facts_hash(a, &e->config, w, f, &err))
		return fail(ret, str_copy(a, str_of(err.text)));
	describe(env, w, f);
	if (env_current(a, f, &dir) && (ret->lease = env_lease(a, dir)) >= 0) {
		env->state = ENV_READY;
		env->dir = str_copy(env->a, dir);
		ret->dir = dir;
		return ENV_READY;
	}
	env->state = ENV_BUILDING;
	queue(e, env);
	return ENV_BUILDING;
}

static EnvState
use(Envs *e, Arena *a, const EnvWant *w, EnvFacts *f, EnvUse *ret)
{
	Env *env = env_of(e, w);

	if (env->state == ENV_BUILDING)
		return ENV_BUILDING;
	if (env->stamp == f->stamp && env->state == ENV_READY && (ret->lease = env_lease(a, env->dir)) >= 0) {
		ret->dir = str_copy(a, env->dir);
		return ENV_READY;
	}
	if (env->stamp == f->stamp && env->state == ENV_FAILED &&
	    clock_mono(e->config.clock) < env->failed_at + AGAIN_AFTER)
		return fail(ret, str_copy(a, env->problem));
	if (env->queued) { /* being tidied: its description must not change under the builder */
		env->state = ENV_BUILDING;
		return ENV_BUILDING;
	}
	return look(e, env, a, w, f, ret);
}

EnvState
envs_use(Envs *e, Arena *a, const EnvWant *w, EnvUse *ret)
{
	EnvFacts f;
	EnvState state;

	*ret = (EnvUse){ .lease = -1 };
	if (!facts_find(a, &e->config, w, &f))
		return ENV_NONE;
	pthread_mutex_lock(&e->lock);
	state = use(e, a, w, &f, ret);
	pthread_mutex_unlock(&e->lock);
	return state;
}

/* {runtime_envs_dir}/{pack}/{runtime}@... -> pack/runtime */
static Env *
env_of_dir(Envs *e, Str dir)
{
	Str key = str_sub(dir, e->config.runtime_envs_dir.n + 1, dir.n);

	for (size_t i = key.n; i > 0; i--)
		if (key.p[i - 1] == '@')
			return map_get_str(&e->table, str_sub(key, 0, i - 1));
	return NULL;
}

void
envs_release(Envs *e, EnvUse *use)
{
	Env *env;

	if (use->lease < 0)
		return;
	close(use->lease);
	use->lease = -1;
	pthread_mutex_lock(&e->lock);
	env = env_of_dir(e, use->dir);
	if (env != NULL && env->state == ENV_READY && !str_eq(env->dir, use->dir)) {
		env->tidy = true;
		queue(e, env);
	}
	pthread_mutex_unlock(&e->lock);
}

void
envs_ensure(Envs *e, const EnvWant *w, bool force)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	EnvUse found = { .lease = -1 };
	EnvFacts f;
	Env *env;

	if (!facts_find(a, &e->config, w, &f))
		return;
	pthread_mutex_lock(&e->lock);
	env = env_of(e, w);
	env->force = env->force || force;
	env->tidy = true;
	if (!env->queued && env->state != ENV_BUILDING) {
		if (force)
			env->state = ENV_NONE; /* what failed a moment ago may be tried again */
		(void)use(e, a, w, &f, &found);
		queue(e, env);
	}
	pthread_mutex_unlock(&e->lock);
	if (found.lease >= 0)
		close(found.lease);
}

void
envs_forget(Envs *e, Str pack_ref)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	if (pack_ref.n == 0 || pack_ref.p[0] == '.' || memchr(pack_ref.p, '/', pack_ref.n) != NULL)
		return;
	env_remove_all(a, str_fmt(a, "%.*s/%.*s", STR_ARG(e->config.runtime_envs_dir), STR_ARG(pack_ref)));
}

/* ---- the builders ---- */

static void
say(const Envs *e, const EnvReport *r)
{
	static const char *const what[ENV_STATES] = { [ENV_BUILDING] = "is being built", [ENV_READY] = "is built" };

	if (r->state == ENV_FAILED)
		log_warn("%.*s", STR_ARG(r->problem));
	else if (r->state == ENV_BUILDING || r->built)
		log_info("The environment of pack '%.*s' for %.*s %s", STR_ARG(r->pack_ref), STR_ARG(r->runtime),
		    what[r->state]);
	if (e->told != NULL)
		e->told(e->told_self, r);
}

static Env *
take(Envs *e)
{
	Env *env;

	while (e->first == NULL && !atomic_load(&e->stopping))
		pthread_cond_wait(&e->work, &e->lock);
	env = e->first;
	if (atomic_load(&e->stopping) || env == NULL)
		return NULL;
	e->first = env->next;
	if (e->first == NULL)
		e->last = &e->first;
	return env;
}

/* Without the lock; the description of one that is queued does not change. */
static void
build(Envs *e, Env *env, Arena *a, bool force, EnvReport *r)
{
	EnvFacts f;
	BuildOutcome out = { 0 };
	Err err = { 0 };
	Str there;

	*r = (EnvReport){ .pack_ref = env->want.pack_ref, .runtime = env->want.runtime };
	if (!facts_find(a, &e->config, &env->want, &f)) {
		r->state = ENV_NONE; /* gone meanwhile */
		return;
	}
	r->state = ENV_FAILED;
	if (!facts_hash(a, &e->config, &env->want, &f, &err)) {
		r->problem = str_copy(a, str_of(err.text));
		return;
	}
	r->hash = f.hash;
	if (force || !env_current(a, &f, &there))
		say(e, &(EnvReport){
			   .state = ENV_BUILDING, .pack_ref = r->pack_ref, .runtime = r->runtime, .hash = f.hash });
	if (env_build(a, &e->config, &env->want, &f, force, &e->stopping, &out))
		r->state = ENV_READY;
	r->built = out.built;
	r->dir = out.dir;
	r->log = out.log;
	r->problem = out.problem;
	env_tidy(a, &f, &e->stopping);
}

static void
settled(const Envs *e, Env *env, const EnvReport *r)
{
	env->state = r->state;
	env->queued = false;
	if (r->state == ENV_READY)
		env->dir = str_copy(env->a, r->dir);
	if (r->state == ENV_FAILED) {
		env->problem = str_copy(env->a, r->problem);
		env->failed_at = clock_mono(e->config.clock);
	}
}

static void *
builder_loop(Envs *e, Arena *a)
{
	Env *env;

	pthread_mutex_lock(&e->lock);
	while ((env = take(e)) != NULL) {
		bool force = env->force;
		EnvReport r;

		env->force = env->tidy = false;
		pthread_mutex_unlock(&e->lock);
		build(e, env, a, force, &r);
		if (r.state != ENV_NONE && !atomic_load(&e->stopping))
			say(e, &r);
		pthread_mutex_lock(&e->lock);
		settled(e, env, &r);
		if (env->force || env->tidy) /* asked for meanwhile */
			queue(e, env);
		if (e->changed != NULL)
			e->changed(e->changed_self);
		arena_reset(a);
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

static void
builder_run(void *self)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	log_role("worker");
	(void)builder_loop(self, a);
}

bool
envs_start(Envs *e, EnvTold *told, void *self, Err *err)
{
	e->told = told;
	e->told_self = self;
	for (size_t i = 0; i < BUILDERS; i++)
		if (!thread_start(&e->builders[i], "environments", builder_run, e, err))
			return false;
	return true;
}

void
envs_changed(Envs *e, void (*changed)(void *self), void *self)
{
	pthread_mutex_lock(&e->lock);
	e->changed = changed;
	e->changed_self = self;
	pthread_mutex_unlock(&e->lock);
}

void
envs_stop(Envs *e)
{
	if (e == NULL)
		return;
	pthread_mutex_lock(&e->lock);
	atomic_store(&e->stopping, true);
	pthread_cond_broadcast(&e->work);
	pthread_mutex_unlock(&e->lock);
	for (size_t i = 0; i < BUILDERS; i++)
		thread_join(&e->builders[i]);
}

void
envs_close(Envs *e)
{
	size_t at = 0;
	void *env;

	if (e == NULL)
		return;
	envs_stop(e);
	while (map_next(&e->table, &at, NULL, NULL, &env))
		arena_close(((Env *)env)->a);
	pthread_mutex_destroy(&e->lock);
	pthread_cond_destroy(&e->work);
	arena_close(e->a);
	free(e);
}
