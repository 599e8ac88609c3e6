/*
 * A sensor that prints as fast as it can, against storing the same events without any sensor, in the same process.
 *   bench_lines DIR ATTUNE
 */
#include "report.h"
#include "rig.h"

#include "engine/sensor_messages.h"
#include "store/pack.h"
#include "store/rule.h"
#include "store/runtime.h"
#include "store/sensor.h"
#include "store/sensor_process.h"
#include "store/trigger.h"

#include <stdio.h>
#include <time.h>

enum { BATCH = 1000, FLOOR = 100000, LINES = 200000, PATIENCE_S = 120 };

static TriggerDef
definitions_put(Rig *r, Id *ret_sensor)
{
	Uow *u = r->u;
	Err err = { 0 };
	TriggerDef t = { .ref = str_of("core.bench"), .label = str_of("Bench"), .enabled = true, .is_adhoc = true };
	SensorDef s = { .ref = str_of("core.bench_lines"),
		.label = str_of("Bench"),
		.pack_ref = str_of("core"),
		.runtime_ref = str_of("core.shell"),
		.protocol = str_of("lines"),
		.enabled = true,
		.is_adhoc = true,
		.config = json_object() };
	RuntimeDef shell;
	PackDef pack;
	DefPut put;

	s.placement = (Placement){ json_object(), json_array(), json_object() };
	s.entrypoint = str_fmt(u->arena, "yes '{\"payload\": {\"number\": 1}}' | head -n %d; exec sleep 600", LINES);
	must(uow_begin_keep(u, &err), &err, "begin");
	must(pack_get_ref(u->db, u->arena, str_of("core"), &pack, &err), &err, "core pack");
	must(runtime_get_ref(u->db, u->arena, s.runtime_ref, &shell, &err), &err, "runtime");
	s.pack = t.pack = pack.id;
	t.pack_ref = pack.ref;
	s.runtime = shell.id;
	must(sensor_put(u->db, u->arena, &s, u->now, &put, &err), &err, "sensor");
	*ret_sensor = t.sensor = put.id;
	t.sensor_ref = s.ref;
	must(trigger_put(u->db, u->arena, &t, u->now, &put, &err), &err, "trigger");
	t.id = put.id;
	must(uow_commit(u, &points_create, &err), &err, "commit");
	return t;
}

static void
floor_measure(Rig *r)
{
	Uow *u = r->u;
	TimeUs began = mono_us();

	for (size_t k = 0; k < FLOOR / BATCH; k++) {
		static EventOut out[BATCH];
		EventIn *in;
		Json payload = json_object();
		Err err = { 0 };

		must(uow_begin(u, &err), &err, "begin");
		in = arena_array(u->arena, EventIn, BATCH);
		json_add(u->arena, &payload, "number", json_int(1));
		for (size_t i = 0; i < BATCH; i++)
			in[i] = (EventIn){ .trigger_ref = str_of("core.bench"), .payload = &payload };
		must(ingest(u, in, BATCH, out, &err), &err, "ingest");
		must(uow_commit(u, &points_ingest, &err), &err, "commit");
	}
	figure("ingest_1000_per_s", FLOOR * (double)US_PER_S / (double)(mono_us() - began));
}

/* A rule needs the sensor, and meets none of its events. */
static void
rule_need(Rig *r, const TriggerDef *t, Id sensor)
{
	Uow *u = r->u;
	Err err = { 0 };
	RuleDef rule = { .ref = str_of("core.bench_needs"),
		.pack_ref = str_of("core"),
		.pack = t->pack,
		.label = str_of("Bench"),
		.enabled = true,
		.is_adhoc = true,
		.trigger = t->id,
		.trigger_ref = t->ref,
		.action_ref = str_of("core.noop"),
		.conditions = json_array() };
	Json test = json_object();
	DefPut put;

	must(uow_begin(u, &err), &err, "begin");
	json_add(u->arena, &test, "field", json_cstr("number"));
	json_add(u->arena, &test, "operator", json_cstr("equals"));
	json_add(u->arena, &test, "value", json_int(-1));
	json_push(u->arena, &rule.conditions, test);
	must(rule_put(u->db, u->arena, &rule, u->now, &put, &err), &err, "rule");
	must(rule_resolve(u->db, u->arena, u->now, &err), &err, "rule");
	out_sensor(u, sensor, str_of("core.bench_lines"));
	must(uow_commit(u, &points_create, &err), &err, "commit");
}

static int64_t
events_of(Rig *r, Id sensor)
{
	SensorProcess p;
	Err err = { 0 };

	arena_reset(r->u->arena);
	must(sensor_process_get(r->u->db, r->u->arena, sensor, &p, &err), &err, "sensor");
	return p.events;
}

static void
lines_measure(Rig *r, Id sensor)
{
	TimeUs first = 0, until = mono_us() + PATIENCE_S * (TimeUs)US_PER_S;
	int64_t begin = 0, n = 0;

	while (n < LINES) {
		must(mono_us() < until, NULL, "the sensor's events did not come");
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		n = events_of(r, sensor);
		if (first == 0 && n > 0) {
			first = mono_us();
			begin = n;
		}
	}
	figure("lines_per_s", (double)(n - begin) * US_PER_S / (double)(mono_us() - first));
	figure("lines_peak_mb", rig_peak_kb(r) / 1024);
}

int
main(int argc, char **argv)
{
	RigConfig config = { .embedded = true, .roles = 1u << ROLE_SENSOR };
	TriggerDef t;
	Id sensor;
	Rig *r;

	must(argc >= 3, NULL, "usage: bench_lines DIR ATTUNE");
	config.dir = argv[1];
	config.attune = argv[2];
	r = rig_open(&config);
	t = definitions_put(r, &sensor);
	floor_measure(r);
	rig_peak_kb(r); /* from here */
	rule_need(r, &t, sensor);
	lines_measure(r, sensor);
	rig_close(r);
	return 0;
}
