/* Blows from outside: processes killed, stopped, told to end; the broker away or emptied; the wall clock set. */
#include "sim_proc.h"

static Proc *
any(Sim *s, unsigned roles)
{
	size_t first = sim_below(s, s->procs_n);

	for (size_t i = 0; i < s->procs_n; i++) {
		Proc *p = s->procs[(first + i) % s->procs_n];

		if ((p->roles & roles) != 0 && proc_running(p))
			return p;
	}
	return NULL;
}

static void
strike_kill(Sim *s)
{
	Proc *p = any(s, HAS_EXECUTOR | HAS_WORKER | HAS_SENSOR | HAS_API);

	if (p != NULL)
		proc_die(p, "killed");
}

/* Longer than three heartbeats, or only a little. */
static void
strike_pause(Sim *s)
{
	Proc *p = any(s, sim_chance(s, 700) ? HAS_WORKER : HAS_EXECUTOR | HAS_SENSOR);

	if (p != NULL)
		proc_pause(p, sim_chance(s, 600) ? sim_between(s, 31 * US_PER_S, 60 * US_PER_S)
						 : sim_between(s, 0, 9 * US_PER_S));
}

static void
strike_stop(Sim *s)
{
	Proc *p = any(s, HAS_WORKER);

	if (p != NULL && !s->weather.embedded)
		proc_stop(p);
}

static void
strike_broker(Sim *s)
{
	if (s->weather.embedded)
		return;
	s->away_until = s->now + sim_between(s, US_PER_S, 10 * US_PER_S);
	sim_say(s, "the broker goes away");
}

static void
strike_purge(Sim *s)
{
	if (s->weather.embedded)
		return;
	broker_purge(s->broker);
	sim_say(s, "every queue is emptied");
}

static void
strike_clock(Sim *s)
{
	TimeUs step = (sim_chance(s, 500) ? 3600LL : -3600LL) * US_PER_S;

	/* there and back within one look of the sweeper leaves no trace that anybody could read */
	if (!s->weather.steps_clock || s->now < s->stepped_at + 20 * US_PER_S)
		return;
	s->stepped_at = s->now;
	s->wall_offset += step;
	sim_say(s, "the clock is set by %lld s", (long long)(step / US_PER_S));
}

static const struct {
	uint64_t weight;
	void (*strike)(Sim *s);
} blows[] = {
	{ 20, strike_kill },
	{ 20, strike_pause },
	{ 10, strike_stop },
	{ 10, strike_broker },
	{ 10, strike_purge },
	{ 30, strike_clock },
};

void
sim_strike(Sim *s)
{
	uint64_t dice = sim_below(s, 100);

	s->chaos_at = s->now + sim_between(s, US_PER_S, 9 * US_PER_S);
	for (size_t i = 0; i < countof(blows); i++) {
		if (dice < blows[i].weight) {
			blows[i].strike(s);
			return;
		}
		dice -= blows[i].weight;
	}
}
