#include "sim_proc.h"

#include <stdlib.h>

enum { HEARTBEAT_US = 10 * US_PER_S, SCHEDULED_TIMEOUT_US = 90 * US_PER_S, PAYLOAD_MOST = 1 << 20 };

Proc *
proc_new(Sim *s, unsigned roles)
{
	Proc *p = calloc(1, sizeof(Proc));

	if (p == NULL || s->procs_n == PROCS_MAX)
		abort();
	p->sim = s;
	p->number = s->procs_n;
	p->roles = roles;
	s->procs[s->procs_n++] = p;
	return p;
}

Task *
task_add(Proc *p, const TaskKind *kind)
{
	Task *t = &p->tasks[p->tasks_n++];
	Err err = { 0 };

	*t = (Task){ .kind = kind, .proc = p, .arena = arena_open(), .at = p->sim->now };
	sim_must(p->sim, uow_open(&p->e, &t->u, &err), &err, "open a unit of work");
	return t;
}

static void
on_moved(void *self, const Outbox *sent)
{
	(void)sent;
	((Proc *)self)->armed = true;
	((Proc *)self)->dues_armed = true;
}

static void
on_due(void *self, TimeUs at)
{
	Proc *p = self;

	if (p->sweep_due == 0 || at < p->sweep_due)
		p->sweep_due = at;
}

static void
on_window(void *self, TimeUs due)
{
	Proc *p = self;

	if (p->window_next == 0 || due < p->window_next)
		p->window_next = due;
}

static void
engine_open(Proc *p)
{
	Sim *s = p->sim;
	Engine *e = &p->e;

	snprintf(p->name, sizeof(p->name), "p%zu.%d", p->number, p->life);
	snprintf(p->worker_name, sizeof(p->worker_name), "worker-%zu", p->number);
	sim_clock_open(&p->clock, s, !s->weather.skewed ? 0 : sim_between(s, -300 * US_PER_MS, 300 * US_PER_MS));
	*e = (Engine){
		.clock = &p->clock.face,
		.store = s->store,
		.bus = sim_bus_open(s, p->name, &p->clock.face),
		.defs = defs_open(),
		.process = str_of(p->name),
		.boot_id = s->weather.embedded ? str_of(p->name) : (Str){ 0 },
		.heartbeat = HEARTBEAT_US,
		.scheduled_timeout = (TimeUs)SCHEDULED_TIMEOUT_US,
		.max_payload = PAYLOAD_MOST,
		.moved = on_moved,
		.moved_self = p,
		.due = on_due,
		.window = on_window,
		.window_self = p,
	};
	e->live = liveness_open(e->boot_id, e->heartbeat);
}

void
proc_start(Proc *p)
{
	static const struct {
		unsigned role;
		void (*tasks)(Proc *p);
	} roles[] = {
		{ HAS_EXECUTOR, executor_tasks },
		{ HAS_SENSOR, sensor_tasks },
		{ HAS_WORKER, worker_tasks },
		{ HAS_API, client_tasks },
	};

	p->life++;
	p->up = true;
	p->paused_until = 0;
	p->arena = arena_open();
	p->armed = p->dues_armed = true;
	p->swept = false;
	p->sweep_due = p->dues_next = p->dues_looked = p->windows_looked = 0;
	engine_open(p);
	sim_say(p->sim, "%s starts", p->name);
	for (size_t i = 0; i < countof(roles); i++)
		if ((p->roles & roles[i].role) != 0)
			roles[i].tasks(p);
	if ((p->roles & (HAS_EXECUTOR | HAS_SENSOR | HAS_API)) != 0)
		windows_tasks(p);
}

static void
proc_close(Proc *p)
{
	for (size_t i = 0; i < p->tasks_n; i++) {
		Task *t = &p->tasks[i];

		sub_close(t->sub);
		uow_close(t->u); /* rolls back, as the database does for a connection that is gone */
		arena_close(t->arena);
	}
	p->tasks_n = 0;
	worker_part_done(p);
	sensor_turn_close(p->sensor.turn);
	p->sensor = (SensorPart){ 0 };
	liveness_close(p->e.live);
	defs_close(p->e.defs);
	bus_close(p->e.bus);
	arena_close(p->arena);
	p->up = false;
}

void
proc_die(Proc *p, const char *why)
{
	Sim *s = p->sim;

	sim_say(s, "%s dies: %s", p->name, why);
	if ((p->roles & HAS_WORKER) != 0)
		ledger_lost(&s->ledger, p->worker.id, s->now, s->now);
	if ((p->roles & HAS_SENSOR) != 0)
		s->ledger.sensors[p->sensor.span].to = s->now;
	proc_close(p);
	if (s->weather.embedded)
		broker_purge(s->broker); /* the bus was in the process */
	p->start_at = s->now + sim_between(s, US_PER_S, 5 * US_PER_S);
	s->result.crashes++;
}

void
proc_free(Proc *p)
{
	if (p->up)
		proc_close(p);
	free(p);
}

void
proc_pause(Proc *p, TimeUs length)
{
	Sim *s = p->sim;

	if (!proc_running(p))
		return;
	sim_say(s, "%s stops for %lld ms", p->name, (long long)(length / US_PER_MS));
	p->paused_until = s->now + length;
	if ((p->roles & HAS_WORKER) != 0)
		ledger_lost(&s->ledger, p->worker.id, s->now, s->now + length);
	if ((p->roles & HAS_SENSOR) != 0) {
		s->ledger.sensors[p->sensor.span].to = s->now;
		p->sensor.span = ledger_sensor(
		    &s->ledger, (Span){ .what = (Id)p->number, .from = s->now + length, .to = INT64_MAX });
	}
}

void
proc_stop(Proc *p)
{
	if (proc_running(p) && !p->worker.stopping)
		sim_say(p->sim, "%s is told to stop", p->name);
	p->worker.stopping = true;
}

bool
proc_running(const Proc *p)
{
	return p->up && p->sim->now >= p->paused_until;
}
