#include "worker/environments.h"

#include "base/log.h"
#include "engine/consumer.h"
#include "store/environment.h"

#include <pthread.h>
#include <stdlib.h>

struct Environments {
	EnvironmentsConfig config;
	Consumer *consumer;
	Uow *told; /* of the builders, one at a time */
	pthread_mutex_t lock;
	bool looked; /* the first look is at all packs */
};

/* ---- telling ---- */

static bool
store(Environments *x, const EnvReport *r, Err *err)
{
	static const char *const statuses[ENV_STATES] = {
		[ENV_BUILDING] = "installing", [ENV_READY] = "ready", [ENV_FAILED] = "failed"
	};
	Uow *u = x->told;
	EnvironmentRow row = {
		.pack_ref = r->pack_ref,
		.runtime = r->runtime,
		.host = x->config.host,
		.place = x->config.place,
		.worker = x->config.worker_name,
		.status = statuses[r->state],
		.checksum = r->hash,
		.log = r->log,
		.error = r->problem,
		.built = r->built && r->state == ENV_READY,
	};

	if (!uow_begin(u, err))
		return false;
	row.env_path =
	    str_fmt(u->arena, "%.*s/%.*s/%.*s", STR_ARG(x->config.place), STR_ARG(r->pack_ref), STR_ARG(r->runtime));
	return environment_put(u->db, u->arena, &row, u->now, err) && uow_commit(u, &points_worker, err);
}

static void
told(void *self, const EnvReport *r)
{
	Environments *x = self;
	Err err = { 0 };

	pthread_mutex_lock(&x->lock);
	if (!store(x, r, &err)) {
		uow_abort(x->told);
		log_warn("the state of an environment cannot be told: %s", err.text);
	}
	pthread_mutex_unlock(&x->lock);
}

/* ---- hearing ---- */

/* Of one pack, or (none) of all. */
static bool
ensure(const Environments *x, Uow *u, Arena *a, Str pack_ref, Err *err)
{
	PackRuntime *list;
	size_t n;

	if (!pack_runtimes(u->db, a, pack_ref, &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		EnvWant want = { list[i].pack_ref, list[i].runtime, &list[i].config };
		bool force;

		if (!environment_requested(
			u->db, a, want.pack_ref, want.runtime, x->config.host, x->config.place, &force, err))
			return false;
		envs_ensure(x->config.envs, &want, force);
	}
	return true;
}

static bool
look(const Environments *x, Uow *u, Arena *a, Err *err)
{
	Str *packs;
	size_t n;

	if (!environment_waiting(u->db, a, x->config.host, x->config.place, &packs, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!ensure(x, u, a, packs[i], err))
			return false;
	return true;
}

static bool
on_packs(void *self, Uow *u, const Msg *msgs, size_t n, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Environments *x = self;

	if (n == 0) {
		bool first = !x->looked;

		x->looked = true;
		return first ? ensure(x, u, a, (Str){ 0 }, err) : look(x, u, a, err);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < msgs[i].n; k++) {
			Str pack = msgs[i].items[k].ref;

			if (msgs[i].kind == MSG_PACK_DELETED)
				envs_forget(x->config.envs, pack);
			else if (!ensure(x, u, a, pack, err))
				return false;
		}
	return true;
}

static TimeUs
rest(void *self)
{
	const Environments *x = self;

	return x->looked ? x->config.look : 0;
}

bool
environments_start(Engine *e, const EnvironmentsConfig *config, Environments **ret, Err *err)
{
	Environments *x = calloc(1, sizeof(*x));
	ConsumerConfig consumer = { .role = "worker",
		.turn = on_packs,
		.rest = rest,
		.self = x,
		.sub = { .queue = Q_WORKER_PACKS, .worker = config->worker } };

	if (x == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	x->config = *config;
	pthread_mutex_init(&x->lock, NULL);
	if (uow_open(e, &x->told, err) && envs_start(config->envs, told, x, err) &&
	    consumer_start(e, &consumer, &x->consumer, err)) {
		*ret = x;
		return true;
	}
	environments_stop(x);
	return false;
}

void
environments_stop(Environments *x)
{
	if (x == NULL)
		return;
	consumer_stop(x->consumer);
	envs_stop(x->config.envs);
	uow_close(x->told);
	pthread_mutex_destroy(&x->lock);
	free(x);
}
