#include "api/resource.h"

#include "api/handlers.h"
#include "api/view.h"
#include "store/pack.h"
#include "store/sensor.h"
#include "store/trigger.h"

const Resource sensors = { &sensor_table, sensor_whole, sensor_summary };

bool
sensors_list(App *app, Req *q, Res *s, Err *err)
{
	return resource_list(app, q, s, &sensors, (DefFilter){ .pack_ref = req_query(q, "pack_ref") }, NULL, NULL, err);
}

bool
sensors_enabled(App *app, Req *q, Res *s, Err *err)
{
	return resource_list(app, q, s, &sensors, (DefFilter){ .only_enabled = true }, NULL, NULL, err);
}

bool
sensors_of_pack(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	if (!resource_of_path(app, q, &packs, "pack_ref", &p, err))
		return false;
	return resource_list(app, q, s, &sensors, (DefFilter){ .pack_ref = p.ref }, NULL, NULL, err);
}

static bool
is_sensor_of(const void *def, void *self)
{
	return ((const SensorDef *)def)->id == *(const Id *)self;
}

/* A trigger points to its sensor. */
bool
sensors_of_trigger(App *app, Req *q, Res *s, Err *err)
{
	TriggerDef t;

	if (!resource_of_path(app, q, &triggers, "trigger_ref", &t, err))
		return false;
	return resource_list(app, q, s, &sensors, (DefFilter){ 0 }, is_sensor_of, &t.sensor, err);
}

bool
sensor_show(App *app, Req *q, Res *s, Err *err)
{
	return resource_show(app, q, s, &sensors, err);
}

typedef struct SensorWork {
	Arena *a;
	Str key;
	bool on;
	SensorDef d;
} SensorWork;

static bool
switch_work(App *app, void *self, Err *err)
{
	SensorWork *w = self;
	DefPut put;

	if (!resource_find(app, w->a, &sensors, w->key, &w->d, err))
		return false;
	w->d.enabled = w->on;
	return sensor_put(app_db(app), w->a, &w->d, app->uow->now, &put, err) &&
	       sensor_get(app_db(app), w->a, put.id, &w->d, err);
}

static bool
sensor_switch(App *app, Req *q, Res *s, bool on, Err *err)
{
	SensorWork w = { .a = req_arena(q), .key = req_param(q, "ref"), .on = on };

	if (!app_define(app, switch_work, &w, err))
		return false;
	return res_data(
	    s, 200, sensor_whole(w.a, &w.d), on ? "Sensor enabled successfully" : "Sensor disabled successfully");
}

bool
sensor_enable(App *app, Req *q, Res *s, Err *err)
{
	return sensor_switch(app, q, s, true, err);
}

bool
sensor_disable(App *app, Req *q, Res *s, Err *err)
{
	return sensor_switch(app, q, s, false, err);
}
