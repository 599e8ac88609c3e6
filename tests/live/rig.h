/*
 * A real hub with all it needs: a store, a bus within this process, one action whose runs are asked for. What the test asks for is a
 * change that those who watch are told of. CHECK belongs to the test's own thread; the others leave in a flag what went wrong.
 */
#pragma once

#include "live/hub.h"
#include "world.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct Rig {
	World *w;
	Engine engine;
	Hub *hub;
} Rig;

Rig *rig_open(size_t kept, TimeUs linger); /* of its hub */
void rig_done(Rig **r);                    /* for CLEANUP; closes the hub unless it is NULL */

enum { PUBLISHED = 4 }; /* notices of one turn */

/* One that asks for runs, on a thread of its own: so many turns, or until it is told to stop. */
typedef struct Publisher {
	Rig *r;
	pthread_t thread;
	size_t turns; /* 0: until `stop` */
	atomic_bool stop;
	int64_t sum; /* of the ids of the runs */
	bool failed;
} Publisher;

void publisher_start(Publisher *p, Rig *r, size_t turns);
void publisher_join(Publisher *p);
