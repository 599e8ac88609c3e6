/* What every engine of these tests stands on: a store brought up to date, a bus of its own, the test's clock. */
#pragma once

#include "engine/moves.h"
#include "world.h"

Bus *seat_bus(World *w, const Clock *clock);
/* As a process begins: nothing is remembered but rows. Anything else that the engine has is set by the test. */
void seat_begin(World *w, Bus *bus, const Clock *clock, Engine *ret, Uow **ret_u);
void seat_end(Engine *e, Uow *u);
