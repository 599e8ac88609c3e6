/*
 * Ends windows of rules when their time has come: what was quiet long enough becomes an enforcement, what is over is removed. One thread
 * in each process that takes events in; it sleeps until the next window is over. Any number may run: who finds the row has it.
 */
#pragma once

#include "engine/engine.h"

typedef struct Windows Windows;

MUST_CHECK bool windows_start(Engine *e, Windows **ret, Err *err);
void windows_stop(Windows *w);
/* A window was stored that is over then (wall time); from any thread. */
void windows_arm(Windows *w, TimeUs due);
/* One round, in a transaction of its own; when to come again (wall time), 0: when a window is stored. */
MUST_CHECK bool windows_turn(Uow *u, TimeUs *ret_next, Err *err);
