/*
 * Hears execution.completed beside the executor, through a queue of its own: when the world outside learns that a run has ended.
 */
#pragma once

#include "bus/bus.h"

typedef struct Ear Ear;

Ear *ear_open(const char *url);
void ear_close(Ear *e);
/* Waits for the next message; its items in the arena. */
size_t ear_take(Ear *e, Arena *a, MsgItem **ret);
