/*
 * What the parts of the host share.
 */
#pragma once

#include "api/app.h"
#include "base/config.h"
#include "engine/engine.h"
#include "executor/executor.h"
#include "host/datadir.h"
#include "host/options.h"
#include "host/presence.h"
#include "live/hub.h"
#include "notifier/notifier.h"
#include "runtime/processes.h"
#include "sensor/sensor.h"
#include "worker/worker.h"

typedef struct Host {
	HostOptions options;
	Arena *arena; /* of the process */
	Config *config;
	DataDir data; /* of `up` */
	int signals;
	TimeUs began; /* monotonic */
	Guardian *guardian;
	Store *store;
	Bus *bus;
	Engine engine;
	Str host_name;
	Uow *uow; /* of the main thread */
	Starter *starter;
	Executor *executor;
	Worker *worker;
	Sensor *sensor;
	Api *api;
	Presence *presence;
	Notifier *notifier;
	Hub *hub; /* of a process that has watchers */
} Host;

MUST_CHECK bool host_config(Host *h, Err *err); /* configuration and log */
MUST_CHECK bool host_engine(Host *h, Err *err); /* store, migrations, bus, engine */
MUST_CHECK bool host_packs(Host *h, Err *err);
MUST_CHECK bool host_roles(Host *h, Err *err); /* starts those asked for */
MUST_CHECK bool host_demo(Host *h, Err *err);  /* switches the demo rule on */
void host_roles_stop(Host *h);
void host_close(Host *h);
