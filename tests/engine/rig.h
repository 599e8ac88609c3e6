/* An engine over one of the stores, with a clock of its own, one action, one rule, and workers by hand. */
#pragma once

#include "engine/moves.h"
#include "world.h"

typedef struct Rig {
	World *w;
	Bus *bus;
	Engine engine;
	Uow *u;
	Id worker, rule, action;
	TimeUs now; /* the test's own clock */
} Rig;

void rig_worker_named(Rig *r, const char *name, const char *incarnation, int64_t slots, const char *runtime);
void rig_worker(Rig *r, const char *incarnation, int64_t slots, const char *runtime);
Rig *rig_open(void);
void rig_done(Rig **r);
Id rig_create(Rig *r);
void rig_schedule(Rig *r);
ExecLive rig_look(Rig *r, Id id);
int64_t rig_number(Rig *r, const char *sql); /* the one that a statement finds */
void check_status(Rig *r, Id id, ExecState want);
bool rig_claim(Rig *r, Id id, int attempt, const char *incarnation);
bool rig_finish(Rig *r, Id id, int attempt, ExecEvent event);
SweepReport rig_sweep(Rig *r);
