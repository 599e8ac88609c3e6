/*
 * Which part of a cluster's sensors is this worker's.
 */
#pragma once

#include "base/map.h"
#include "sensor/keeper.h"
#include "store/sensor_process.h"

/* What a keeper remembers of it. */
typedef struct Sharing {
	Map left;      /* sensor → when it was left to other workers */
	Map given;     /* sensors that were given to other workers */
	bool keeps;    /* one of them came back */
	TimeUs uneven; /* monotonic: since when another has less than its part, and we have more; 0: it is not so */
} Sharing;

/* How many of the sensors are ours, and how many the worker with the fewest has. */
typedef struct Share {
	size_t most, least;
} Share;

void share_open(Keeper *k);
MUST_CHECK bool share_read(Keeper *k, size_t wanted, const SensorProcess *rows, size_t n, Share *ret, Err *err);
/* May it be claimed? Else it is left to others for now. */
bool share_lets(Keeper *k, const Share *s, size_t held, Id sensor, const SensorProcess *row);
void share_claimed(Keeper *k, Id sensor);
/* Marks one that is to go to another worker, if we have too many. */
void share_give(Keeper *k, const Share *s, size_t held);
