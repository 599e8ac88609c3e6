/* The clock of a simulated process: it stands still but for the simulation, and may differ from those of others. */
#pragma once

#include "sim.h"

typedef struct SimClock {
	Clock face;
	Sim *sim;
	TimeUs skew; /* of this process's wall clock */
} SimClock;

void sim_clock_open(SimClock *c, Sim *s, TimeUs skew);
