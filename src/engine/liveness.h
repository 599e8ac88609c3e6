/*
 * Which workers are alive, by what this process has heard: one rule and one set of numbers for scheduler, sweeper and API.
 * Thread-safe. Embedded, a worker is alive while its row bears the boot id of the process that holds the data directory.
 */
#pragma once

#include "model/defs.h"

typedef struct Liveness Liveness;

Liveness *liveness_open(Str boot_id, TimeUs heartbeat);
void liveness_close(Liveness *l);
/* ahead: how many runs beyond its slots the worker can be given. */
void liveness_beat(Liveness *l, Id worker, Str incarnation, int64_t ahead, TimeUs now);
/* The same by what stands in the worker's row, for who does not hear it: says nothing about what it can be given. */
void liveness_read(Liveness *l, Id worker, Str incarnation, TimeUs at);
/* Whoever judges workers by their silence calls this at each look, every few seconds. A gap, or a time that stepped, means that nobody
 * could be heard: workers get one stale interval to report before silence counts again. */
void liveness_watch(Liveness *l, TimeUs now);
bool liveness_alive(Liveness *l, const WorkerDef *w, TimeUs now);
int64_t liveness_ahead(Liveness *l, const WorkerDef *w);
