/*
 * What is said to those who run sensors when one changes, or is free to be taken: sent after the commit.
 */
#pragma once

#include "engine/engine.h"

static inline void
out_sensor(Uow *u, Id sensor, Str ref)
{
	Json o = json_object();

	ref = str_copy(u->out.a, ref);
	json_add(u->out.a, &o, "sensor_id", json_int(sensor));
	json_add(u->out.a, &o, "sensor_ref", json_str(ref));
	*outbox_add(&u->out, MSG_SENSOR_CHANGED) =
	    (MsgItem){ .id = sensor, .ref = ref, .at = u->now, .correlation = uuid_new(u->now), .json = o };
}
