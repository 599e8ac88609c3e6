#include "host/presence.h"

#include "base/log.h"
#include "os/thread.h"
#include "store/worker.h"

#include <stdlib.h>
#include <unistd.h>

enum { EVERY_US = 10 * US_PER_S, FORGET_SECONDS = 24 * 3600 };

struct Presence {
	Uow *u;
	unsigned roles;
	Str host;
	TimeUs started;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool running, stopping;
};

static bool
rows_write(Presence *p, TimeUs forget_before, Err *err)
{
	Uow *u = p->u;

	if (!uow_begin(u, err))
		return false;
	if (p->started == 0)
		p->started = u->now;
	if (forget_before != 0 && !role_forget(u->db, u->arena, forget_before, err))
		return false;
	for (Role r = 0; r < ROLES; r++) {
		RoleInstance row = { .process = u->e->process,
			.role = str_of(role_names[r]),
			.host = p->host,
			.pid = getpid(),
			.started = p->started,
			.last_seen = u->now };

		if ((p->roles & 1u << r) != 0 && !role_seen(u->db, u->arena, &row, err))
			return false;
	}
	return uow_commit(u, &points_presence, err);
}

static void *
presence_run(void *arg)
{
	Presence *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->stopping) {
		Err err = { 0 };

		(void)thread_wait(&p->stopped, &p->lock, EVERY_US);
		if (p->stopping)
			break;
		pthread_mutex_unlock(&p->lock);
		if (!rows_write(p, 0, &err)) {
			uow_abort(p->u);
			log_debug("this process cannot say that it is there: %s", err.text);
		}
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

bool
presence_start(Engine *e, unsigned roles, Str host, Presence **ret, Err *err)
{
	Presence *p = calloc(1, sizeof(Presence));
	bool alone = !str_none(e->boot_id);
	TimeUs now = clock_wall(e->clock);

	if (p == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	p->roles = roles;
	p->host = host;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->stopped, NULL);
	*ret = p;
	if (!uow_open(e, &p->u, err) ||
	    !rows_write(p, alone ? now + EVERY_US : now - (TimeUs)FORGET_SECONDS * US_PER_S, err))
		return false;
	if (alone)
		return true; /* nobody else looks */
	if (pthread_create(&p->thread, NULL, presence_run, p) != 0)
		return err_set(err, ERR_SYS, "cannot start a thread");
	p->running = true;
	return true;
}

void
presence_stop(Presence *p)
{
	Err err = { 0 };

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->stopped);
	pthread_mutex_unlock(&p->lock);
	if (p->running)
		pthread_join(p->thread, NULL);
	if (p->u != NULL && (!uow_begin(p->u, &err) || !role_gone(p->u->db, p->u->arena, p->u->e->process, &err) ||
				!uow_commit(p->u, &points_presence, &err)))
		uow_abort(p->u);
	uow_close(p->u);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->stopped);
	free(p);
}
