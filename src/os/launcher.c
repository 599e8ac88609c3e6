#include "os/launcher.h"

#include "os/thread.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>

struct Launcher {
	Thread thread;
	sem_t asked, answered;
	const Filter *filter;
	const SpawnSpec *spec; /* NULL: the end */
	Child *child;
	Err *err;
	bool ok;
};

static void
wait_for(sem_t *s)
{
	while (sem_wait(s) < 0 && errno == EINTR)
		;
}

static void
launcher_run(void *self)
{
	Launcher *l = self;
	int why = confine_thread(l->filter);

	l->ok = why == 0 || err_sys(l->err, why, "confine the children to be");
	sem_post(&l->answered);
	for (wait_for(&l->asked); l->spec != NULL; wait_for(&l->asked)) {
		l->ok = spawn(l->spec, l->child, l->err);
		sem_post(&l->answered);
	}
}

bool
launcher_open(const Filter *filter, Launcher **ret, Err *err)
{
	Launcher *l = calloc(1, sizeof(*l));

	if (l == NULL)
		abort();
	l->filter = filter;
	l->err = err;
	sem_init(&l->asked, 0, 0);
	sem_init(&l->answered, 0, 0);
	if (!thread_start(&l->thread, "launcher", launcher_run, l, err)) {
		launcher_close(l);
		return false;
	}
	wait_for(&l->answered);
	if (!l->ok) {
		launcher_close(l);
		return false;
	}
	*ret = l;
	return true;
}

bool
launcher_spawn(Launcher *l, const SpawnSpec *spec, Child *ret, Err *err)
{
	l->spec = spec;
	l->child = ret;
	l->err = err;
	sem_post(&l->asked);
	wait_for(&l->answered);
	return l->ok;
}

void
launcher_close(Launcher *l)
{
	if (l == NULL)
		return;
	l->spec = NULL;
	if (l->thread.started) {
		sem_post(&l->asked);
		thread_join(&l->thread);
	}
	sem_destroy(&l->asked);
	sem_destroy(&l->answered);
	free(l);
}
