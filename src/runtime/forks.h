/*
 * Python without the cost of its start: for each interpreter with its environment one server process that has started already, of
 * which a run is a fork. Private to runtime; the worker's one thread owns it.
 *
 * A server is started once an environment has been used, and answers when it can; until then, and whenever anything is odd, runs are
 * started plainly. The child of a fork is the worker's own. It waits to be told to go on, which it is only once its number is
 * known: so a run whose server has died is started plainly, and never twice.
 */
#pragma once

#include "os/spawn.h"
#include "runtime/run.h"
#include "runtime/sandbox.h"

Forks *forks_open(Processes *p);
void forks_close(Forks *f); /* NULL is fine */

/* Begins the run as a fork. False: it is to be started plainly (nothing has happened). True: it comes to
 * run_begun or run_plain later; what spec points to must last as long as the run. */
bool forks_try(Forks *f, Run *run, const SpawnSpec *spec, SandboxKind kind);
/* After a plain start of what forks could do: the next ones shall find a server. */
void forks_want(Forks *f, const Run *run, const SpawnSpec *spec, SandboxKind kind);
/* The run is not to begin any more. */
void forks_drop(Forks *f, Run *run);
/* It is not begun as a fork after all, but as what that would have been. */
MUST_CHECK bool forks_plain(Processes *p, Run *run, Err *err);
/* A run that did not begin in time is started plainly; its server is not used any more. */
void forks_late(Forks *f, Run *run);
/* Ends servers that nobody has used for a while; when that is next to be looked at, 0: never. */
TimeUs forks_tick(Forks *f, TimeUs now);

/* start.c: the child is known and goes on; it never came to be. */
void run_begun(Processes *p, Run *run);
void run_plain(Processes *p, Run *run);
