#include "engine/broom.h"

#include "base/log.h"
#include "os/thread.h"

#include <stdlib.h>
#include <unistd.h>

struct Broom {
	Uow *u;
	char *dir;
	Sweep *sweep;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stopping;
};

static void
sweep_once(Broom *b)
{
	const RetainPlan *plan = &b->u->e->keep;
	int64_t removed = 0;
	Err err = { 0 };

	if (!plan->enabled || plan->dry_run || access(b->dir, R_OK | W_OK | X_OK) < 0)
		return;
	arena_reset(b->u->arena);
	if (!b->sweep(b->u, b->dir, &removed, &err)) {
		uow_abort(b->u);
		uow_say_stuck("files without rows cannot be removed now", &err);
	}
	if (removed > 0)
		log_info("%lld files and folders removed from %s, whose rows are gone", (long long)removed, b->dir);
}

static void *
broom_run(void *arg)
{
	Broom *b = arg;
	bool stopping = false;

	log_role("retention");
	while (!stopping) {
		TimeUs until = clock_mono(clock_real()) + b->u->e->keep.every * US_PER_S, left;

		sweep_once(b);
		pthread_mutex_lock(&b->lock);
		while (!b->stopping && (left = until - clock_mono(clock_real())) > 0)
			(void)thread_wait(&b->stopped, &b->lock, left);
		stopping = b->stopping;
		pthread_mutex_unlock(&b->lock);
	}
	return NULL;
}

static void
broom_free(Broom *b)
{
	uow_close(b->u);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->stopped);
	free(b->dir);
	free(b);
}

bool
broom_start(Engine *e, Str dir, Sweep *sweep, Broom **ret, Err *err)
{
	Broom *b = calloc(1, sizeof(Broom));

	if (b == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->stopped, NULL);
	b->sweep = sweep;
	b->dir = strndup(dir.p, dir.n);
	if (b->dir == NULL || !uow_open(e, &b->u, err)) {
		broom_free(b);
		return false;
	}
	if (pthread_create(&b->thread, NULL, broom_run, b) != 0) {
		broom_free(b);
		return err_set(err, ERR_SYS, "cannot start a thread");
	}
	*ret = b;
	return true;
}

void
broom_stop(Broom *b)
{
	if (b == NULL)
		return;
	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	pthread_cond_broadcast(&b->stopped);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	broom_free(b);
}
