#include "sim_clock.h"

static TimeUs
sim_wall(void *self)
{
	const SimClock *c = self;

	return c->sim->now + c->sim->wall_offset + c->skew;
}

static TimeUs
sim_mono(void *self)
{
	return ((const SimClock *)self)->sim->now;
}

void
sim_clock_open(SimClock *c, Sim *s, TimeUs skew)
{
	*c = (SimClock){ .face = { sim_wall, sim_mono, c }, .sim = s, .skew = skew };
}
