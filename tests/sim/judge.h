/*
 * Looks at the rows and the ledger, and says through sim_fail which promise was broken (invariants I1 to I7 of the test plan).
 */
#pragma once

#include "sim_proc.h"

void judge_flows(Sim *s);                   /* once it is quiet: workflows went as a plain model says */
void judge_limit(Sim *s, size_t under_way); /* no more runs of sim.few than the policy lets */
void judge_held(Sim *s);                    /* what is paused begins nothing */
void judge_breaker(Sim *s);                 /* once it is quiet: its runs went as it lets them */
void judge_look(Sim *s);                    /* at any moment between two steps */
void judge_room(Sim *s);  /* from time to time in the calm: nothing waits for a worker that has room */
bool judge_quiet(Sim *s); /* nothing waits for anybody */
void judge_stuck(Sim *s); /* it did not become quiet in time: says what waits */
void judge_end(Sim *s);   /* once it is quiet */
