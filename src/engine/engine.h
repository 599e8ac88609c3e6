/*
 * What every move of the system works with. An Engine belongs to the process: clock, store, bus, the cache of definitions. A Uow
 * (unit of work) belongs to a thread: its database handle, its way to publish, an arena, and the messages that the running
 * transaction wants to send, which go out after its commit. If the process dies in between, the row says what is due and
 * the sweeper announces it again.
 */
#pragma once

#include "base/vault.h"
#include "bus/bus.h"
#include "engine/changes.h"
#include "engine/defs.h"
#include "engine/liveness.h"
#include "store/retention.h"

#include <stdatomic.h>

typedef struct Engine {
	const Clock *clock;
	Store *store;
	Bus *bus;
	Defs *defs;
	Liveness *live;
	const Vault *vault;       /* opens and seals secrets; NULL: there are none (tests) */
	Str process;              /* unique name of this process, for leases and the timeline */
	Str boot_id;              /* embedded: this process, which holds the data directory; none when distributed */
	TimeUs heartbeat;         /* workers report this often; three of it without a sign and they are stale */
	TimeUs scheduled_timeout; /* how long an execution may wait without a worker that can run it */
	size_t max_payload;       /* bytes of an event's payload */
	RetainPlan keep; /* what is old, and how often that is looked for, unless clients have stored another */
	Str log_policy;  /* how long logs of runs are kept, where their action says nothing: a policy of artifacts */
	int64_t log_limit;
	/* Told after a commit that had something to say, with what it said, or left something that has its time: arms who looks after
	 * that, wakes who waits. May be NULL. */
	void (*moved)(void *self, const Outbox *out);
	void *moved_self;
	/* Told after a commit that has stored a window of a rule, with the time when it is over. May be NULL. */
	void (*window)(void *self, TimeUs due);
	void *window_self;
	void (*due)(
	    void *self, TimeUs at); /* told after a commit when something has to be looked at again. May be NULL. */
	bool announces;             /* other processes may watch: every change is announced */
	_Atomic unsigned watchers;  /* in this process; without any, and nobody else, changes are not even collected */
} Engine;

struct Uow {
	Engine *e;
	Db *db;
	Port *port;
	Arena *arena; /* of this unit: reset by uow_begin */
	Outbox out;
	TimeUs now;                /* wall time of the unit, the same for all of its rows */
	uint64_t turn;             /* round robin among equal workers */
	int64_t defs_version;      /* of the cache when the transaction began */
	TimeUs due;                /* when something that waits has to be looked at again; 0: never */
	int64_t policies_seen;     /* the version by which runs were counted last */
	Changes changes;           /* of this transaction, for those who watch */
	struct Graphs *graphs;     /* of workflows, compiled; this thread's own */
	bool timed;                /* something in it has a time at which it has to be looked at */
	size_t born;               /* runs made in this transaction that wait to be scheduled */
	bool defs_seen;            /* definitions were brought up to date in it */
	TimeUs window_due;         /* when the next window that it has stored is over; 0: none */
	bool follows;              /* what follows the ends of its runs is made in it too, by runs_follow */
	bool settled;              /* and was, all of it */
	struct WorkflowNews *news; /* what is to be told to workflows, collected until then */
	size_t news_n, news_cap;
	bool idle;                       /* the worker chosen last had nothing to do: of the thread, not of the unit */
	bool placed;                     /* what it made last is all with workers, and nothing else waited */
	const struct CommitPoints *last; /* of uow_last; NULL: not said, or used up */
	bool passed;                     /* its point before the commit */
	void (*committed)(void *self);   /* once it is, before anybody is told; NULL: nobody asks */
	void *committed_self;
};

MUST_CHECK bool uow_open(Engine *e, Uow **ret, Err *err);
void uow_close(Uow *u);

/* Names of the crash points around a commit and its messages. */
typedef struct CommitPoints {
	const char *before, *after, *published;
} CommitPoints;

extern const CommitPoints points_ingest, points_enforce, points_create, points_define, points_presence, points_ward,
    points_access, points_schedule, points_step, points_worker, points_complete, points_cancel, points_sweep,
    points_window;

/* Begins a transaction on a fresh arena. Between uow_begin and uow_commit the caller may uow_defs to read definitions as they are
 * in this very transaction. */
MUST_CHECK bool uow_begin(Uow *u, Err *err);
/* The same but keeps the arena: for callers that have allocated the input of the transaction there. */
MUST_CHECK bool uow_begin_keep(Uow *u, Err *err);
/* A unit that only looks, without a transaction, and changes nothing. uow_looked arms whoever looks after what it has found. */
void uow_look(Uow *u);
void uow_looked(Uow *u);
/* Commits, then publishes. A failure to publish is not an error here: the rows wait for the sweeper. */
MUST_CHECK bool uow_commit(Uow *u, const CommitPoints *p, Err *err);
/* A promise: what is asked of the engine next is all that this transaction writes, and uow_commit follows with these points. So the
 * commit may travel with the last statement of it (db_last), which the moves say by uow_last_now. */
void uow_last(Uow *u, const CommitPoints *p);
void uow_last_now(Uow *u);
void due_note(Uow *u, TimeUs at); /* something that waits has to be looked at then; 0: nothing */
void uow_abort(Uow *u);           /* also after a failed commit; harmless twice */
/* Why a thread cannot go on. That the database is away has been said already, by the store and once for the whole process. */
void uow_say_stuck(const char *what, const Err *err);
