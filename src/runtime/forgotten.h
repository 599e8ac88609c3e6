/*
 * Containers that earlier workers of this name and these folders have left behind, where no guardian reaches. For each engine that is
 * here a shell looks for them and removes them: a child of the worker in a session that its guardian knows, so that it ends, with all
 * that it has called, when the worker does, however that ends.
 */
#pragma once

#include "runtime/run.h"

typedef struct Forgotten Forgotten;

/* Begins to look, and does not wait. NULL: there is no engine. */
Forgotten *forgotten_begin(Processes *p);
void forgotten_end(Processes *p, Forgotten *f); /* NULL is fine */
