#include "store/sqlite_impl.h"

#include <sqlite3.h>

/*
 * Group commit. A thread takes the turn, opens a transaction or joins the open one with a savepoint, and at its commit
 * hands the turn to the next in line, if there is one, and waits; whoever finds nobody behind itself commits for all.
 * The first of a group needs no savepoint: until it is done nobody else has a part in the transaction.
 */
static const Stmt begin_sql = { "begin immediate" };
static const Stmt commit_sql = { "commit" };
static const Stmt rollback_sql = { "rollback" };
static const Stmt savepoint_sql = { "savepoint member" };
static const Stmt release_sql = { "release member" };
static const Stmt undo_sql = { "rollback to member" };

static int
log_grew(void *self, sqlite3 *db, const char *name, int pages)
{
	Writer *w = self;

	(void)db;
	(void)name;
	if (pages < w->wal_pages)
		w->checkpoint_at = WAL_PAGES_KEPT; /* it has started anew */
	w->wal_pages = pages;
	return SQLITE_OK;
}

void
writer_open(Writer *w)
{
	pthread_mutex_init(&w->lock, NULL);
	w->end = &w->first;
	w->checkpoint_at = WAL_PAGES_KEPT;
	sqlite3_wal_hook(w->conn.db, log_grew, w);
}

void
writer_close(Writer *w)
{
	pthread_mutex_destroy(&w->lock);
	sqlite_conn_close(&w->conn);
}

static void
wait_here(Writer *w, Wait *me)
{
	while (!me->woken)
		pthread_cond_wait(&me->cond, &w->lock);
}

static void
wake(Wait *other)
{
	other->woken = true;
	pthread_cond_signal(&other->cond);
}

static void
take(Writer *w, Wait *me)
{
	pthread_mutex_lock(&w->lock);
	if (w->taken) {
		me->woken = false;
		me->next = NULL;
		*w->end = me;
		w->end = &me->next;
		wait_here(w, me);
	}
	w->taken = true;
	pthread_mutex_unlock(&w->lock);
}

/* The turn goes straight to the next in line. The lock is held. */
static void
give_locked(Writer *w)
{
	Wait *next = w->first;

	if (next == NULL) {
		w->taken = false;
		return;
	}
	w->first = next->next;
	if (w->first == NULL)
		w->end = &w->first;
	wake(next);
}

void
writer_give(Writer *w)
{
	bool long_log = w->wal_pages >= w->checkpoint_at;

	if (long_log)
		w->checkpoint_at = w->wal_pages + WAL_PAGES_KEPT; /* a reader may hold it back: not at each commit */
	pthread_mutex_lock(&w->lock);
	give_locked(w);
	pthread_mutex_unlock(&w->lock);
	if (long_log && w->long_log != NULL)
		w->long_log(w->long_log_self);
}

void
writer_failed(Writer *w, const Err *err)
{
	if (!w->open || w->lost || !sqlite3_get_autocommit(w->conn.db))
		return;
	w->lost = true;
	w->lost_err = *err;
}

/* Runs a statement that moves the transaction. When that fails, nothing of the transaction can be trusted. */
static bool
move(Writer *w, const Stmt *s, Err *err)
{
	Err why = { 0 };

	if (conn_simple(&w->conn, s, &why))
		return true;
	if (!w->lost) {
		w->lost = true;
		w->lost_err = why;
	}
	if (err != NULL)
		*err = why;
	return false;
}

static bool
finish_transaction(Writer *w, Err *err)
{
	bool ok = !w->lost && move(w, &commit_sql, NULL);

	if (!ok)
		*err = w->lost_err;
	if (!sqlite3_get_autocommit(w->conn.db))
		ok = conn_simple(&w->conn, &rollback_sql, NULL) && ok;
	if (ok)
		store_committed(w->conn.store);
	w->open = false;
	w->lost = false;
	return ok;
}

/* Commits what the members did and tells them. Called with the turn. */
static bool
finish(Writer *w, Err *err)
{
	Err why = { 0 };
	bool ok = finish_transaction(w, &why);
	Wait *m, *next;

	pthread_mutex_lock(&w->lock);
	for (m = w->members; m != NULL; m = next) {
		next = m->next;
		m->ok = ok;
		if (!ok)
			m->err = why;
		wake(m);
	}
	w->members = NULL;
	w->count = 0;
	pthread_mutex_unlock(&w->lock);
	if (!ok && err != NULL)
		*err = why;
	return ok;
}

/* The lock is held. */
static bool
others_follow(const Writer *w)
{
	return w->first != NULL && !w->lost && w->count + 1 < GROUP_MOST &&
	       clock_mono(clock_real()) - w->opened < GROUP_AGE_MOST;
}

bool
writer_begin(Writer *w, Share *share, Err *err)
{
	take(w, &share->wait);
	share->joined = w->open;
	if (w->open) {
		if (move(w, &savepoint_sql, err))
			return true;
		finish(w, NULL);
		writer_give(w);
		return false;
	}
	if (!conn_simple(&w->conn, &begin_sql, err)) {
		writer_give(w);
		return false;
	}
	w->open = true;
	w->opened = clock_mono(clock_real());
	return true;
}

/* A deferred foreign key would fail the commit of everybody: its owner hears of it now. */
static bool
references_hold(Writer *w, Err *err)
{
	int broken = 0, most = 0;

	sqlite3_db_status(w->conn.db, SQLITE_DBSTATUS_DEFERRED_FKS, &broken, &most, 0);
	return broken == 0 || broken_rule(BROKEN_REFERENCE, "", "commit", err);
}

bool
writer_commit(Writer *w, Share *share, Err *err)
{
	Wait *me = &share->wait;
	bool ok;

	if (!references_hold(w, err)) {
		writer_rollback(w, share);
		return false;
	}
	if (share->joined && !w->lost)
		(void)!move(w, &release_sql, NULL); /* finish tells */
	pthread_mutex_lock(&w->lock);
	if (others_follow(w)) {
		me->woken = false;
		me->next = w->members;
		w->members = me;
		w->count++;
		give_locked(w);
		wait_here(w, me);
		pthread_mutex_unlock(&w->lock);
		if (!me->ok && err != NULL)
			*err = me->err;
		return me->ok;
	}
	pthread_mutex_unlock(&w->lock);
	ok = finish(w, err);
	writer_give(w);
	return ok;
}

void
writer_rollback(Writer *w, Share *share)
{
	bool hand_on;

	if (share->joined && !w->lost && move(w, &undo_sql, NULL))
		(void)!move(w, &release_sql, NULL);
	if (!share->joined && !w->lost) { /* all of the transaction is ours */
		(void)!move(w, &rollback_sql, NULL);
		w->lost = true;
	}
	pthread_mutex_lock(&w->lock);
	hand_on = others_follow(w);
	pthread_mutex_unlock(&w->lock);
	if (!hand_on)
		finish(w, NULL);
	writer_give(w);
}

void
writer_take_alone(Writer *w, Wait *wait)
{
	take(w, wait);
	if (w->open)
		finish(w, NULL);
}
