/*
 * A whole platform for measuring, put together as the program itself does it. Embedded: `attune up` in this process, with the load
 * generator on the calling thread. Distributed: executor and worker are processes, and this one only asks and listens.
 */
#pragma once

#include "host/inner.h"

#include <pthread.h>
#include <sys/types.h>

typedef struct Ear Ear;

typedef struct RigConfig {
	bool embedded;
	const char *dir;    /* fresh, for all files */
	const char *attune; /* the program, for the roles of the distributed world */
	unsigned roles;     /* bits of Role; 0: only store and bus */
	bool listens;       /* distributed: hears of each end, at the price of one more consumer */
} RigConfig;

enum { RIG_SEEN = 100000 };

typedef struct Rig {
	Host h;
	RigConfig config;
	Uow *u;
	pid_t pids[ROLES];
	size_t pid_count;
	Ear *ear;
	/* told by whoever commits */
	void (*moved)(void *self, const Outbox *out);
	void (*also)(void *self, const Outbox *out); /* of a bench that wants to hear of each commit; NULL: none */
	void *also_self;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t ended;         /* runs whose end was heard */
	TimeUs seen[RIG_SEEN]; /* wall time at which the end of execution `id` was heard, by id modulo RIG_SEEN */
	TimeUs last;           /* the latest of them */
} Rig;

Rig *rig_open(const RigConfig *config);
void rig_close(Rig *r);
/* A rule on the trigger core.bench: its events run the action. */
void rig_rule(Rig *r, const char *action_ref);
/* Asks for n runs in one transaction; the last one's id. */
Id rig_execute(Rig *r, const char *action_ref, size_t n);
void rig_events(Rig *r, size_t n, int64_t from); /* payloads count upwards */
/* Until so many ends were heard since rig_open (embedded, or with `listens`). */
void rig_hear(Rig *r, int64_t ended);
/* Until nothing waits or runs, and `completed` more rows than before are there. */
void rig_settle(Rig *r, int64_t completed);
int64_t rig_count(Rig *r, ExecState status);
/* Peak memory of our side: this process, or the roles' together; kB. Resets it. */
double rig_peak_kb(Rig *r);
