/*
 * A process of the simulation: its engine, and one task for each thread that the real one would have. A process dies by losing
 * everything it has in memory, and is started again with a new incarnation.
 */
#pragma once

#include "sim_clock.h"

#include "sensor/sensor.h"
#include "worker/inbox.h"
#include "worker/worker.h"

enum { HAS_EXECUTOR = 1, HAS_WORKER = 2, HAS_SENSOR = 4, HAS_API = 8 };

/* due: the monotonic time at which it has something to do, INT64_MAX: nothing. */
typedef struct TaskKind {
	const char *name;
	TimeUs (*due)(const Task *t);
	void (*step)(Task *t);
} TaskKind;

struct Task {
	const TaskKind *kind;
	Proc *proc;
	Uow *u;
	Sub *sub;     /* consumers, and the sensor's rules */
	Turn *turn;   /* consumers */
	Arena *arena; /* of the messages taken */
	TimeUs at;    /* not before */
};

typedef struct WorkerPart {
	Id id;
	Str incarnation;
	WorkerConfig config;
	WorkerTurn *turn;
	Inbox *inbox;
	Starter *starter;
	int64_t ahead, told, held;
	bool again; /* there is more to do, or something to repeat */
	bool stopping, draining, killed;
	TimeUs kill_at, give_up_at;
} WorkerPart;

typedef struct SensorPart {
	SensorTurn *turn;
	bool changed;
	TimeUs looked;
	size_t span; /* in the ledger */
} SensorPart;

enum { TASKS_MAX = 16, NAME_TEXT = 32 };

struct Proc {
	Sim *sim;
	size_t number;
	unsigned roles;
	int64_t slots;
	bool python; /* this worker offers it */
	int life;
	bool up;
	TimeUs start_at, paused_until;
	SimClock clock;
	char name[NAME_TEXT], worker_name[NAME_TEXT];
	Arena *arena; /* of this life */
	Engine e;
	Task tasks[TASKS_MAX];
	size_t tasks_n;
	WorkerPart worker;
	SensorPart sensor;
	bool swept;       /* it has swept since it began */
	bool armed;       /* embedded: the sweeper has something to look after */
	TimeUs sweep_due; /* wall: when something that waits has its time; 0: nothing does */
	bool dues_armed;  /* something may have a time that had none */
	TimeUs dues_next; /* wall; 0: nothing has a time */
	TimeUs dues_looked;
	TimeUs window_next; /* wall; 0: no window waits */
	TimeUs windows_looked;
};

Proc *proc_new(Sim *s, unsigned roles);
void proc_free(Proc *p);
void proc_start(Proc *p);
/* SIGKILL, or the end of a process that gave up. Starts again after a while. */
void proc_die(Proc *p, const char *why);
void proc_pause(Proc *p, TimeUs length);
void proc_stop(Proc *p); /* SIGTERM; workers only */
bool proc_running(const Proc *p);
Task *task_add(Proc *p, const TaskKind *kind);

/* sim_roles.c: the tasks of a role, made when the process starts. */
void executor_tasks(Proc *p);
void sensor_tasks(Proc *p);
void worker_tasks(Proc *p);
void worker_part_done(Proc *p);

/* sim_windows.c */
void windows_tasks(Proc *p);
MUST_CHECK bool windows_signal(Task *t, Err *err); /* a client reports some */
/* sim_hands.c: what clients do to runs that are there. */
bool hands_pause(Task *t, Err *err);
bool hands_resume(Task *t, Err *err);
bool hands_resume_all(Task *t, Err *err);
bool hands_retry(Task *t, Err *err);
bool hands_cancel_tree(Task *t, Err *err);

/* sim_client.c */
void client_tasks(Proc *p);
void client_define(Sim *s); /* packs, actions, rules: before the first process starts */
