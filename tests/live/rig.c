#include "rig.h"

#include "engine/moves.h"
#include "store/action.h"
#include "store/migrate.h"
#include "store/pack.h"
#include "store/runtime.h"

#include "test.h"

static void
rig_definitions(Rig *r)
{
	PackDef pack = { .ref = str_of("test"), .label = str_of("Test"), .version = str_of("1.0.0") };
	RuntimeDef runtime = { .ref = str_of("test.shell"), .pack_ref = pack.ref, .name = str_of("shell") };
	ActionDef action = { .ref = str_of("test.do"),
		.pack_ref = pack.ref,
		.label = str_of("Do"),
		.enabled = true,
		.entrypoint = str_of("do.sh"),
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text") };
	DefPut put;
	Err err = { 0 };
	Uow *u;

	CHECK_OK(uow_open(&r->engine, &u, &err), err);
	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(pack_put(u->db, u->arena, &pack, u->now, &put, &err), err);
	runtime.pack = action.pack = put.id;
	CHECK_OK(runtime_put(u->db, u->arena, &runtime, u->now, &put, &err), err);
	action.runtime = put.id;
	CHECK_OK(action_put(u->db, u->arena, &action, u->now, &put, &err), err);
	CHECK_OK(uow_commit(u, &points_create, &err), err);
	uow_close(u);
}

Rig *
rig_open(size_t kept, TimeUs linger)
{
	World *w = world_bare();
	Rig *r = arena_new(w->a, Rig);
	BusConfig bus = { .url = str_of("local:"), .process = str_of("test"), .clock = clock_real() };
	HubConfig hub = { .engine = &r->engine, .queue = Q_NOTIFIER_CHANGES, .kept = kept, .linger = linger };
	Err err = { 0 };
	int applied;

	r->w = w;
	CHECK_OK(migrate(w->store, clock_wall(clock_real()), &applied, &err), err);
	r->engine = (Engine){ .clock = clock_real(),
		.store = w->store,
		.defs = defs_open(),
		.live = liveness_open(str_of("boot"), 10 * US_PER_S),
		.process = str_of("test"),
		.boot_id = str_of("boot"),
		.heartbeat = 10 * US_PER_S,
		.scheduled_timeout = 300 * US_PER_S };
	CHECK_OK(bus_open(&bus, &r->engine.bus, &err), err);
	rig_definitions(r);
	CHECK_OK(hub_open(&hub, &r->hub, &err), err);
	return r;
}

void
rig_done(Rig **r)
{
	World *w = (*r)->w;

	hub_close((*r)->hub);
	defs_close((*r)->engine.defs);
	liveness_close((*r)->engine.live);
	bus_close((*r)->engine.bus);
	world_done(&w);
}

/* ---- who publishes ---- */

static bool
publish(Publisher *p, Uow *u)
{
	ExecutionIn in[PUBLISHED];
	ExecutionOut out[PUBLISHED];
	Err err = { 0 };

	for (size_t i = 0; i < PUBLISHED; i++)
		in[i] = (ExecutionIn){ .action_ref = str_of("test.do"), .by = str_of("tester") };
	if (!uow_begin(u, &err) || !executions_create(u, in, PUBLISHED, out, &err) ||
	    !uow_commit(u, &points_create, &err)) {
		uow_abort(u);
		return false;
	}
	for (size_t i = 0; i < PUBLISHED; i++)
		p->sum += out[i].id;
	return true;
}

static void *
publisher_main(void *self)
{
	Publisher *p = self;
	Err err = { 0 };
	Uow *u;

	p->failed = !uow_open(&p->r->engine, &u, &err);
	if (p->failed)
		return NULL;
	for (size_t i = 0; !p->failed && !atomic_load(&p->stop) && (p->turns == 0 || i < p->turns); i++)
		p->failed = !publish(p, u);
	uow_close(u);
	return NULL;
}

void
publisher_start(Publisher *p, Rig *r, size_t turns)
{
	p->r = r;
	p->turns = turns;
	CHECK_INT(pthread_create(&p->thread, NULL, publisher_main, p), 0);
}

void
publisher_join(Publisher *p)
{
	CHECK_INT(pthread_join(p->thread, NULL), 0);
	CHECK(!p->failed);
}
