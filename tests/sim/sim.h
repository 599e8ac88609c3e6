/*
 * A whole platform in one thread: the shipped turns of the roles over a database in memory, a clock that is moved, a bus that loses,
 * doubles, delays and reorders, and processes that are numbers in a table. Everything that happens is decided by one seed, so a
 * failing seed can be run again and fails in the same place. A Sim lives for one seed; the judge (judge.h) watches it.
 */
#pragma once

#include "flow.h"
#include "ledger.h"
#include "sim_windows.h"

#include "bus/bus_impl.h"
#include "engine/consumer.h"
#include "engine/moves.h"

#include <setjmp.h>
#include <stdio.h>

/* A guard that is taken out, to show that the judge would notice. */
typedef enum Sabotage {
	SABOTAGE_NONE,
	SABOTAGE_CLAIM,   /* every claim is taken to have succeeded */
	SABOTAGE_FINISH,  /* a result is written whatever the state of its row */
	SABOTAGE_TICK,    /* ticks have no unique key */
	SABOTAGE_SLOTS,   /* workers say that they have more slots than they have */
	SABOTAGE_SWEEP,   /* nobody sweeps */
	SABOTAGE_LIMIT,   /* the policy is not there */
	SABOTAGE_BREAKER, /* nor is the breaker */
	SABOTAGE_PAUSE,   /* what is paused is given to workers all the same */
	SABOTAGE_NEWS,    /* what workflows are told gets lost */
	SABOTAGE_DUE,     /* nobody looks at what is due */
	SABOTAGE_AGAIN,   /* a task that failed is tried once more than it may be */
	SABOTAGE_WINDOW,  /* nobody ends the windows of rules */
	SABOTAGE_COUNT,   /* what passed a throttle is not counted */
	SABOTAGE_PART,    /* half of a pair stays when the pair has acted */
} Sabotage;

typedef struct SimOptions {
	uint64_t seed;
	Sabotage sabotage;
	FILE *log; /* NULL: only the last steps, when the seed fails */
} SimOptions;

enum { WHY_MAX = 400, POINTS_MAX = 64 };

typedef struct SimResult {
	bool failed;
	char why[WHY_MAX];
	uint64_t trace;  /* hash of everything that happened */
	uint64_t points; /* bits of crash_points() that were passed */
	size_t steps, executions, starts, crashes, flows, signals;
} SimResult;

/* Runs one seed. A failure is printed with the line that runs it again, and its last steps. */
SimResult sim_run(const SimOptions *options);

/* ---- inside ---- */

/* A workflow that a client began anew from a task. */
typedef struct Rerun {
	Id id;
	bool exact; /* the one before came to its own end, and was no such run itself */
	bool tasks[FLOW_TASKS];
} Rerun;

/* A tree that a client paused, and how far it was then. */
typedef struct Held {
	Id id, top; /* top: of the whole tree that it is in */
	int64_t runs, attempts;
	bool over;
} Held;

enum { RERUNS_MAX = 64, HELD_MAX = 16 };

typedef struct Sim Sim;
typedef struct Proc Proc;
typedef struct Task Task;
typedef struct Broker Broker;

/* How rough this seed is; in thousandths where it is a chance. */
typedef struct Weather {
	bool embedded, steps_clock;
	bool skewed; /* each process has a clock of its own */
	uint64_t drop, twice, crash, db_fails, unknown;
	TimeUs delay_most;
} Weather;

enum { STEPS_KEPT = 100, STEP_TEXT = 220, PROCS_MAX = 12 };

struct Sim {
	SimOptions options;
	SimResult result;
	uint64_t rng;
	Weather weather;
	TimeUs now, wall_offset; /* monotonic; wall = now + offset */
	TimeUs chaos_ends;
	Store *store;
	Broker *broker;
	Proc *procs[PROCS_MAX];
	size_t procs_n;
	Task *running; /* whose step this is */
	jmp_buf dies;
	Ledger ledger;
	Db *eye; /* the judge's own look at the database */
	Arena *eye_arena;
	char last[STEPS_KEPT][STEP_TEXT];
	size_t lines;
	TimeUs away_until; /* the broker */
	TimeUs chaos_at;   /* the next blow */
	TimeUs stepped_at; /* the wall clock, for the last time */
	bool calmed;       /* clients have stopped and tidied up */
	Id rules[8];       /* that a timer drives */
	size_t rules_n;
	Id remembers[RULES_THAT_REMEMBER];
	Id made;            /* the newest execution that a client made */
	uint64_t published; /* messages but heartbeats */
	size_t idle_looks;  /* in a row that saw work wait beside a free slot */
	Flow flows[FLOWS];
	Rerun reruns[RERUNS_MAX];
	size_t reruns_n;
	Held held[HELD_MAX];
	size_t held_n;
};

uint64_t sim_random(Sim *s);
uint64_t sim_below(Sim *s, uint64_t n);
TimeUs sim_between(Sim *s, TimeUs least, TimeUs most);
bool sim_chance(Sim *s, uint64_t thousandths);
bool sim_chaos(const Sim *s);                                     /* things may still go wrong */
void sim_say(Sim *s, const char *fmt, ...) PRINTF(2, 3);          /* a line of the trace */
void sim_fail(Sim *s, const char *fmt, ...) PRINTF(2, 3);         /* the first one counts */
void sim_must(Sim *s, bool ok, const Err *err, const char *what); /* for what cannot fail here */

/* sim_bus.c: the broker outlives processes; a Bus is a process's way to it. */
Broker *broker_open(Sim *s);
void broker_close(Broker *b);
void broker_purge(Broker *b);
size_t broker_letters(const Broker *b); /* that wait to be taken, heartbeats aside */
size_t broker_dead(const Broker *b);
Bus *sim_bus_open(Sim *s, const char *process, const Clock *clock);
TimeUs sim_sub_due(const Sub *sub); /* when there is something to take; INT64_MAX: nothing */

/* sim_flow.c: workflows and a policy, made when the other definitions are there. */
void flows_define(Sim *s, Id pack);

/* sim_chaos.c: strikes, and says when the next time. */
void sim_strike(Sim *s);

/* sim_wraps.c: whom the wrapped functions of the program belong to. */
void wraps_install(Sim *s); /* NULL: none */
