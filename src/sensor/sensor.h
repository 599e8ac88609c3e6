/*
 * The sensor role: notices that a timer is due and stores the event with its enforcements. One thread: it sleeps until the next tick
 * or until a rule changes. Any number of sensors may run; the tick's key makes each tick one event.
 */
#pragma once

#include "engine/engine.h"

typedef struct Sensor Sensor;

/* rules: called when a rule or a sensor may have changed, from the role's thread; may be NULL. */
typedef struct SensorNews {
	void (*rules)(void *self);
	void *self;
} SensorNews;

MUST_CHECK bool sensor_start(Engine *e, SensorNews news, Sensor **ret, Err *err);
void sensor_stop(Sensor *s);

/* The parts of its thread, for the simulation: reads rules that changed; stores what is due and says when to come again (wall time, 0:
 * when a rule changes). */
typedef struct SensorTurn SensorTurn;

SensorTurn *sensor_turn_open(Uow *u);
void sensor_turn_close(SensorTurn *t);
MUST_CHECK bool sensor_turn_rules(SensorTurn *t, Err *err);
MUST_CHECK bool sensor_turn_fire(SensorTurn *t, TimeUs *ret_next, Err *err);
