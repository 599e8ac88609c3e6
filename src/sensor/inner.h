/*
 * What the parts of the keeper share: its wards are the sensors that it looks after.
 */
#pragma once

#include "engine/consumer.h"
#include "os/poll.h"
#include "os/spawn.h"
#include "os/thread.h"
#include "os/timers.h"
#include "sensor/keeper.h"
#include "sensor/lines.h"
#include "sensor/rotate.h"
#include "sensor/share.h"
#include "store/sensor_process.h"

#include <stdatomic.h>

enum {
	TAIL = 16 * 1024,   /* bytes of standard error that are kept for people */
	TAIL_LINES = 80,    /* of them, at most */
	PIECE = 64 * 1024,  /* read at once */
	SAY_MOST = 1 << 20, /* bytes of news that a sensor has not read yet: one that reads nothing is started anew */
};

/* A sensor as it should run, from the definitions. */
typedef struct Want {
	Id sensor, pack;
	Str ref, pack_ref, entrypoint, runtime;
	Json runtime_config, config;
	bool lines;     /* it speaks in lines */
	bool built_in;  /* a part of this program */
	Json triggers;  /* refs of those it feeds */
	Json rules;     /* that are enabled and need it: {id, ref, trigger_ref, config} */
	Str rules_text; /* of them, to compare */
	TimeUs defined; /* when it, or its pack, was last changed */
	Str cannot;     /* why this process cannot run it; none: it can */
} Want;

typedef enum WardPhase {
	WARD_RESTING, /* no process: not wanted, or until its timer */
	WARD_UP,
	WARD_TERMED,
	WARD_KILLED,
	WARD_DRAINING, /* the process has ended; what it wrote is still read */
} WardPhase;

typedef struct Ward Ward;

typedef struct Source {
	Ward *ward;
	void (*ready)(Keeper *k, Ward *w);
} Source;

struct Ward {
	Ward *next;
	Arena *a;     /* of want */
	Arena *run_a; /* of the process: marker, names of its logs */
	Want want;
	SensorProcess row; /* as it is to be written; texts in places that last */
	bool held;         /* the lease is ours */
	bool wanted;       /* else it ends, and its lease is given back */
	bool dirty;        /* row is not written yet */
	bool again;        /* what ends it is us: start it anew, and it is no failure */
	bool lost;         /* the lease went to somebody else: nothing of it counts any more */
	bool alert;        /* to be raised with the next write */
	bool moves;        /* it ends, for another worker to run it */
	WardPhase phase;
	Child child;
	Str marker;
	int in, out, err; /* our ends; -1: closed */
	Source end_source, in_source, out_source, err_source;
	Lines lines;
	char *say; /* what the sensor has not read yet */
	size_t say_n, say_cap;
	bool in_watched;
	Rotated out_log, err_log;
	char tail[TAIL];
	size_t tail_n;
	char error[ERR_TEXT_MAX], reason[ERR_TEXT_MAX];
	Timer timer; /* next step of its phase, monotonic */
	TimeUs started_mono;
	int64_t restart_seen;
	int64_t refused;   /* lines, not counted in the row yet */
	TimeUs said_bad;   /* monotonic: when a bad line was last named */
	int64_t bad_since; /* and how many came since */
};

struct Keeper {
	Engine *e;
	KeeperConfig config;
	Arena *arena;
	Uow *u;
	Str name; /* holder of its leases: unique for each life of the process */
	Poll poll;
	Timers timers;
	Ward *wards;
	int null;
	char *piece;
	Thread thread;
	Consumer *changes; /* hears of sensors; the timers' thread tells of rules */
	atomic_bool changed, stopping;
	bool away;                     /* the database is; pipes are not read */
	TimeUs looked, renewed, retry; /* monotonic */
	int64_t version;
	bool known;
	Arena *wants_a;
	Want *wants;
	size_t want_count;
	Sharing sharing;
	RuntimeDef *runtimes; /* in wants_a */
	size_t runtime_count;
	WorkerDef self; /* what this process offers, as a worker says it */
	enum { PROBE_NONE, PROBE_WANTED, PROBE_DONE } probe;
};

TimeUs keeper_mono(const Keeper *k);

/* wants.c: all sensors that could have a process, inside defs_enter. In wants_a. */
MUST_CHECK bool wants_read(Keeper *k, Err *err);
/* Which interpreters are there: not inside a transaction, for starting them takes a while. */
void keeper_probe(Keeper *k);
void want_copy(Arena *a, const Want *from, Want *ret);

/* look.c: what should be, what others ask, who holds what; then what follows of it. One transaction. */
MUST_CHECK bool keeper_look(Keeper *k, Err *err);

/* launch.c */
MUST_CHECK bool ward_launch(Keeper *k, Ward *w, Str token, Err *err);

/* ward.c */
Ward *ward_find(Keeper *k, Id sensor);
Ward *ward_make(Keeper *k, Id sensor);
void ward_close(Keeper *k, Ward *w);
void ward_start(Keeper *k, Ward *w, TimeUs now); /* now, or when its pause is over */
void ward_stop(Keeper *k, Ward *w);              /* TERM, 5 s, KILL */
void ward_kill(Keeper *k, Ward *w);
void ward_timer(Keeper *k, Ward *w, TimeUs now);
bool ward_alive(const Ward *w);
void ward_running(Ward *w); /* it has given a sign of life */
void ward_tell(Keeper *k, Ward *w, const Json *line);
void ward_tell_start(Keeper *k, Ward *w);
void ward_finish_drain(Keeper *k, Ward *w);
bool ward_token(Keeper *k, Ward *w, Str *ret, Err *err);

/* feed.c: takes in what has come; false when the database did not. *ret_more: there is more at hand. */
MUST_CHECK bool ward_feed(Keeper *k, Ward *w, bool *ret_more, Err *err);
