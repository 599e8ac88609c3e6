#include "engine/graphs.h"

#include "base/crash.h"
#include "base/log.h"
#include "engine/completions.h"

#include <stdlib.h>

const CommitPoints points_ingest = { "ingest.before_commit", "ingest.after_commit", "ingest.after_publish" };
const CommitPoints points_enforce = { "enforce.before_commit", "enforce.after_commit", "enforce.after_publish" };
const CommitPoints points_create = { "create.before_commit", "create.after_commit", "create.after_publish" };
const CommitPoints points_define = { "define.before_commit", "define.after_commit", "define.after_publish" };
const CommitPoints points_presence = { "presence.before_commit", "presence.after_commit", NULL };
const CommitPoints points_ward = { "ward.before_commit", "ward.after_commit", "ward.after_publish" };
const CommitPoints points_access = { "access.before_commit", "access.after_commit", NULL }; /* nothing is said of it */
const CommitPoints points_schedule = { "schedule.before_commit", "schedule.after_commit", "schedule.after_publish" };
const CommitPoints points_step = { "step.before_commit", "step.after_commit", "step.after_publish" };
const CommitPoints points_worker = { "worker.before_commit", "worker.after_commit", "worker.after_publish" };
const CommitPoints points_complete = { "complete.before_commit", "complete.after_commit", "complete.after_publish" };
const CommitPoints points_cancel = { "cancel.before_commit", "cancel.after_commit", "cancel.after_publish" };
const CommitPoints points_sweep = { "sweep.before_commit", "sweep.after_commit", "sweep.after_publish" };
const CommitPoints points_window = { "window.before_commit", "window.after_commit", "window.after_publish" };

bool
uow_open(Engine *e, Uow **ret, Err *err)
{
	Uow *u = calloc(1, sizeof(Uow));

	if (u == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	u->e = e;
	u->arena = arena_open();
	if (!db_open(e->store, &u->db, err) || !port_open(e->bus, &u->port, err)) {
		uow_close(u);
		return false;
	}
	*ret = u;
	return true;
}

void
uow_close(Uow *u)
{
	if (u == NULL)
		return;
	if (u->port != NULL)
		port_close(u->port);
	db_close(u->db);
	arena_close(u->arena);
	graphs_close(u->graphs);
	free(u);
}

bool
uow_begin(Uow *u, Err *err)
{
	arena_reset(u->arena);
	return uow_begin_keep(u, err);
}

static void
uow_clean(Uow *u)
{
	u->out = outbox_open(u->arena);
	u->changes = (Changes){ 0 };
	u->born = 0;
	u->timed = false;
	u->window_due = 0;
	u->due = 0;
	u->defs_seen = false;
	u->follows = u->placed = false;
	u->last = NULL;
	u->passed = false;
	u->committed = NULL;
	u->news = NULL;
	u->news_n = u->news_cap = 0;
	u->now = clock_wall(u->e->clock);
	u->defs_version = defs_version(u->e->defs);
}

bool
uow_begin_keep(Uow *u, Err *err)
{
	uow_clean(u);
	return db_begin(u->db, err);
}

void
uow_look(Uow *u)
{
	arena_reset(u->arena);
	uow_clean(u);
}

static void
dues_tell(const Uow *u)
{
	if (u->window_due != 0 && u->e->window != NULL)
		u->e->window(u->e->window_self, u->window_due);
	if (u->due != 0 && u->e->due != NULL)
		u->e->due(u->e->moved_self, u->due);
}

void
uow_looked(Uow *u)
{
	dues_tell(u);
	if (u->timed && u->e->moved != NULL)
		u->e->moved(u->e->moved_self, &u->out);
}

bool
uow_commit(Uow *u, const CommitPoints *p, Err *err)
{
	Err publishing = { 0 };

	if (!completions_tell(u, err))
		return false;
	if (!u->passed)
		crash_point(p->before);
	if (!db_commit(u->db, err))
		return false;
	crash_point(p->after);
	if (u->committed != NULL)
		u->committed(u->committed_self);
	changes_publish(u);
	dues_tell(u);
	if (u->out.n == 0 && !u->timed)
		return true;
	if (u->out.n > 0 && !port_publish(u->port, &u->out, &publishing))
		log_debug("%zu messages wait for the sweeper: %s", u->out.n, publishing.text);
	if (u->e->moved != NULL)
		u->e->moved(u->e->moved_self, &u->out);
	if (u->out.n > 0 && p->published != NULL)
		crash_point(p->published);
	return true;
}

void
uow_last(Uow *u, const CommitPoints *p)
{
	u->last = p;
}

void
uow_last_now(Uow *u)
{
	if (u->last == NULL || db_kind(u->db) == STORE_SQLITE)
		return;
	crash_point(u->last->before);
	u->last = NULL;
	u->passed = true;
	db_last(u->db);
}

void
due_note(Uow *u, TimeUs at)
{
	if (at != 0 && (u->due == 0 || at < u->due))
		u->due = at;
}

void
uow_abort(Uow *u)
{
	db_rollback(u->db);
	/* the cache may have taken over a change that has not happened after all */
	if (u->e->defs != NULL && defs_version(u->e->defs) != u->defs_version)
		defs_forget(u->e->defs);
	u->policies_seen = 0;
}

void
uow_say_stuck(const char *what, const Err *err)
{
	log_line(err->code == ERR_AWAY ? LOG_DEBUG : LOG_WARN, NULL, 0, "%s: %s", what, err->text);
}
