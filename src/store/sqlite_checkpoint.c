#include "store/sqlite_impl.h"

#include <sqlite3.h>

#include <signal.h>

/*
 * Moves the write-ahead log into the database file while others go on committing. What they add meanwhile is left over,
 * and a log that is never empty never starts anew: so a second, short round follows with the writer's turn held.
 */
static void
round_of(Checkpointer *p)
{
	/* What a reader of old pages holds back, and what fails, is left to the next time: the writer calls again. */
	(void)sqlite3_wal_checkpoint_v2(p->conn.db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static void
checkpoint(Checkpointer *p)
{
	round_of(p);
	writer_take_alone(p->writer, &p->wait);
	round_of(p);
	writer_give(p->writer);
}

static void *
checkpointer_main(void *self)
{
	Checkpointer *p = self;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		if (!p->wanted) {
			pthread_cond_wait(&p->cond, &p->lock);
			continue;
		}
		p->wanted = false;
		pthread_mutex_unlock(&p->lock);
		checkpoint(p);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void
checkpoint_soon(void *self)
{
	Checkpointer *p = self;

	pthread_mutex_lock(&p->lock);
	p->wanted = true;
	pthread_cond_signal(&p->cond);
	pthread_mutex_unlock(&p->lock);
}

static void
stop(Checkpointer *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->cond);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
}

/* Signals are other threads' business. */
static int
start(Checkpointer *p)
{
	sigset_t all, before;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&p->thread, NULL, checkpointer_main, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

bool
checkpointer_open(Checkpointer *p, Writer *w, bool no_sync, Err *err)
{
	int code;

	if (!sqlite_conn_open(&p->conn, w->conn.store, w->conn.path, CONN_CHECKPOINTER, no_sync, err))
		return false;
	p->writer = w;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->cond, NULL);
	pthread_cond_init(&p->wait.cond, NULL);
	code = start(p);
	p->running = code == 0;
	if (!p->running)
		return err_sys(err, code, "start the thread that writes checkpoints");
	w->long_log = checkpoint_soon;
	w->long_log_self = p;
	return true;
}

void
checkpointer_close(Checkpointer *p)
{
	if (p->conn.db == NULL)
		return;
	if (p->running)
		stop(p);
	p->writer->long_log = NULL;
	pthread_cond_destroy(&p->wait.cond);
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->lock);
	sqlite_conn_close(&p->conn);
}
