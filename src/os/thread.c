#include "os/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

enum { STACK = 512 * 1024 };

typedef struct Start {
	const char *name;
	void (*run)(void *self);
	void *self;
} Start;

static void *
thread_main(void *arg)
{
	Start s = *(Start *)arg;

	free(arg);
	prctl(PR_SET_NAME, s.name);
	s.run(s.self);
	return NULL;
}

bool
thread_start(Thread *t, const char *name, void (*run)(void *self), void *self, Err *err)
{
	Start *s = malloc(sizeof(*s));
	pthread_attr_t attr;
	int why;

	if (s == NULL)
		return err_set(err, ERR_SYS, "no memory for thread '%s'", name);
	*s = (Start){ name, run, self };
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	why = pthread_create(&t->id, &attr, thread_main, s);
	pthread_attr_destroy(&attr);
	if (why != 0) {
		free(s);
		return err_sys(err, why, "start thread '%s'", name);
	}
	t->started = true;
	return true;
}

void
thread_join(Thread *t)
{
	if (t->started)
		pthread_join(t->id, NULL);
	t->started = false;
}

bool
thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, TimeUs most)
{
	enum { LONGEST_S = 86400 * 365 };
	struct timespec at;
	TimeUs until;

	if (most < 0 || most > LONGEST_S * (TimeUs)US_PER_S)
		most = most < 0 ? 0 : LONGEST_S * (TimeUs)US_PER_S;
	clock_gettime(CLOCK_MONOTONIC, &at);
	until = (TimeUs)at.tv_sec * US_PER_S + at.tv_nsec / 1000 + most;
	at = (struct timespec){ .tv_sec = until / US_PER_S, .tv_nsec = until % US_PER_S * 1000 };
	return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &at) != ETIMEDOUT;
}
