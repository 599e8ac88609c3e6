#include "rig.h"
#include "seat.h"

#include "store/action.h"
#include "store/pack.h"
#include "store/rule.h"
#include "store/runtime.h"
#include "store/trigger.h"
#include "store/worker.h"

#include "test.h"

static TimeUs
rig_time(void *self)
{
	return ((Rig *)self)->now;
}

static void
rig_definitions(Rig *r)
{
	Uow *u = r->u;
	Err err = { 0 };
	PackDef pack = { .ref = str_of("test"), .label = str_of("Test"), .version = str_of("1.0.0") };
	RuntimeDef runtime = { .ref = str_of("test.shell"), .pack_ref = pack.ref, .name = str_of("shell") };
	TriggerDef trigger = {
		.ref = str_of("test.happened"), .pack_ref = pack.ref, .label = str_of("Happened"), .enabled = true
	};
	ActionDef action = { .ref = str_of("test.do"),
		.pack_ref = pack.ref,
		.label = str_of("Do"),
		.enabled = true,
		.entrypoint = str_of("do.sh"),
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text") };
	RuleDef rule = { .ref = str_of("test.rule"),
		.pack_ref = pack.ref,
		.label = str_of("Rule"),
		.enabled = true,
		.trigger_ref = trigger.ref,
		.action_ref = action.ref };
	DefPut put;

	CHECK_OK(uow_begin(u, &err), err);
	CHECK_OK(pack_put(u->db, u->arena, &pack, u->now, &put, &err), err);
	runtime.pack = trigger.pack = action.pack = rule.pack = put.id;
	runtime.execution_config = json_object();
	json_add(u->arena, &runtime.execution_config, "dependencies", json_object());
	CHECK_OK(runtime_put(u->db, u->arena, &runtime, u->now, &put, &err), err);
	action.runtime = put.id;
	CHECK_OK(trigger_put(u->db, u->arena, &trigger, u->now, &put, &err), err);
	rule.trigger = put.id;
	CHECK_OK(action_put(u->db, u->arena, &action, u->now, &put, &err), err);
	r->action = rule.action = put.id;
	rule.action_params = json_object();
	json_add(u->arena, &rule.action_params, "message", json_cstr("{{ event.payload.text }}"));
	CHECK_OK(rule_put(u->db, u->arena, &rule, u->now, &put, &err), err);
	r->rule = put.id;
	CHECK_OK(uow_commit(u, &points_create, &err), err);
}

void
rig_worker_named(Rig *r, const char *name, const char *incarnation, int64_t slots, const char *runtime)
{
	Uow *u = r->u;
	Err err = { 0 };
	WorkerDef w = { .name = str_of(name),
		.type = str_of("local"),
		.role = str_of("action"),
		.host = str_of(name),
		.incarnation = str_of(incarnation),
		.boot_id = str_of("boot"),
		.slots = slots };
	Json names = json_array();

	CHECK_OK(uow_begin(u, &err), err);
	json_push(u->arena, &names, json_cstr(runtime));
	w.capabilities = json_object();
	w.meta = json_object();
	json_add(u->arena, &w.capabilities, "runtimes", names);
	CHECK_OK(worker_enter(u, &w, &r->worker, &err), err);
	CHECK_OK(uow_commit(u, &points_worker, &err), err);
}

void
rig_worker(Rig *r, const char *incarnation, int64_t slots, const char *runtime)
{
	rig_worker_named(r, "w1", incarnation, slots, runtime);
}

Rig *
rig_open(void)
{
	World *w = world_bare();
	Rig *r = arena_new(w->a, Rig);
	Clock *clock = arena_new(w->a, Clock);

	r->w = w;
	r->now = 1700000000LL * US_PER_S;
	*clock = (Clock){ rig_time, rig_time, r };
	r->bus = seat_bus(w, clock);
	seat_begin(r->w, r->bus, clock, &r->engine, &r->u);
	rig_definitions(r);
	return r;
}

void
rig_done(Rig **r)
{
	World *w = (*r)->w;

	seat_end(&(*r)->engine, (*r)->u);
	bus_close((*r)->bus);
	world_done(&w);
}

Id
rig_create(Rig *r)
{
	ExecutionIn in = { .action_ref = str_of("test.do"), .by = str_of("tester") };
	ExecutionOut out;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_create(r->u, &in, &out, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return out.id;
}

void
rig_schedule(Rig *r)
{
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(schedule(r->u, &err), err);
	CHECK_OK(uow_commit(r->u, &points_schedule, &err), err);
}

ExecLive
rig_look(Rig *r, Id id)
{
	ExecLive e;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(execution_peek(r->u->db, r->u->arena, id, &e, &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	return e;
}

int64_t
rig_number(Rig *r, const char *sql)
{
	Rows rows;
	Err err = { 0 };

	/* not as a Stmt of its own: those are kept by their address, and must last */
	CHECK_OK(db_read_text(r->w->db, r->w->a, str_of(sql), "", NULL, &rows, &err), err);
	return row_int(rows_at(&rows, 0), 0);
}

void
check_status(Rig *r, Id id, ExecState want)
{
	ExecLive e = rig_look(r, id);

	CHECK_STR(str_of(exec_state_name(e.status)), str_of(exec_state_name(want)));
}

bool
rig_claim(Rig *r, Id id, int attempt, const char *incarnation)
{
	RunClaim c = { .execution = id, .attempt = attempt };
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_claim(r->u, r->worker, str_of(incarnation), str_of("w1"), &c, 1, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
	return c.claimed;
}

bool
rig_finish(Rig *r, Id id, int attempt, ExecEvent event)
{
	RunResult result = {
		.execution = id, .attempt = attempt, .event = event, .started = r->now, .finished = r->now + 1000
	};
	Err err = { 0 };

	result.result = json_object();
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(runs_finish(r->u, r->worker, str_of("w1"), &result, 1, &err), err);
	CHECK_OK(uow_commit(r->u, &points_worker, &err), err);
	return result.stored;
}

SweepReport
rig_sweep(Rig *r)
{
	SweepReport report;
	Err err = { 0 };

	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(sweep(r->u, &report, &err), err);
	CHECK_OK(uow_commit(r->u, &points_sweep, &err), err);
	return report;
}
