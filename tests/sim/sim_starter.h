/*
 * A Starter whose processes are times in the ledger: random lengths, failures, cancels that are ignored until the KILL. When its
 * worker dies its processes are killed a moment later, as the guardian does it.
 */
#pragma once

#include "sim.h"

typedef struct SimStarter SimStarter;

/* worker: number of its process; slots: how many may run at once, which is checked at each start. */
Starter *sim_starter_open(Sim *s, const Clock *clock, size_t worker, int64_t slots);
void sim_starter_die(Starter *face);         /* with its worker; then close */
TimeUs sim_starter_due(const Starter *face); /* when something has ended that was not taken yet; INT64_MAX: nothing */
