#include "seat.h"

#include "store/migrate.h"

#include "test.h"

Bus *
seat_bus(World *w, const Clock *clock)
{
	BusConfig config = { .url = str_of("local:"), .process = str_of("test"), .clock = clock };
	Err err = { 0 };
	Bus *bus;
	int applied;

	CHECK_OK(migrate(w->store, clock_wall(clock), &applied, &err), err);
	CHECK_OK(bus_open(&config, &bus, &err), err);
	return bus;
}

void
seat_begin(World *w, Bus *bus, const Clock *clock, Engine *ret, Uow **ret_u)
{
	Err err = { 0 };

	*ret = (Engine){ .clock = clock,
		.store = w->store,
		.bus = bus,
		.defs = defs_open(),
		.live = liveness_open(str_of("boot"), 10 * US_PER_S),
		.process = str_of("test"),
		.boot_id = str_of("boot"),
		.heartbeat = 10 * US_PER_S,
		.scheduled_timeout = 300 * US_PER_S };
	CHECK_OK(uow_open(ret, ret_u, &err), err);
}

void
seat_end(Engine *e, Uow *u)
{
	uow_close(u);
	defs_close(e->defs);
	liveness_close(e->live);
}
