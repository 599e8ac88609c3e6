/*
 * What the parts of the host share.
 */
#pragma once

#include "access/access.h"
#include "access/doorman.h"
#include "api/app.h"
#include "base/config.h"
#include "engine/broom.h"
#include "engine/engine.h"
#include "engine/windows.h"
#include "executor/executor.h"
#include "host/datadir.h"
#include "host/meter.h"
#include "host/options.h"
#include "host/presence.h"
#include "live/hub.h"
#include "notifier/notifier.h"
#include "runtime/envs.h"
#include "runtime/pack_tests.h"
#include "runtime/processes.h"
#include "sensor/keeper.h"
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
	Access *access; /* NULL when no role of this process asks or tells who somebody is */
	Doorman *doorman;
	Str token_file; /* what the command line on this machine logs in with; none: there is none */
	Str host_name;
	Uow *uow; /* of the main thread */
	Starter *starter;
	Envs *envs;
	PackTestsConfig pack_tests;
	Executor *executor;
	Worker *worker;
	Sensor *sensor;
	Windows *windows;
	Keeper *keeper; /* of sensors with processes */
	Api *api;
	Presence *presence;
	Meter *meter;
	Broom *run_broom, *artifact_broom;
	Notifier *notifier;
	Hub *hub; /* of a process that has watchers */
} Host;

MUST_CHECK bool host_config(Host *h, Err *err); /* configuration and log */
MUST_CHECK bool host_engine(Host *h, Err *err); /* store, migrations, bus, engine */
MUST_CHECK bool host_packs(Host *h, Err *err);
/* The key for tokens; identities that must be there; after host_packs. */
MUST_CHECK bool host_access(Host *h, Err *err);
/* Of `up`: a token for the command line of its own user. */
void host_token_leave(Host *h, int port);
void host_token_take(Host *h);
MUST_CHECK bool host_roles(Host *h, Err *err); /* starts those asked for */
MUST_CHECK bool host_demo(Host *h, Err *err);  /* switches the demo rule on */
void host_roles_stop(Host *h);
ProcessesConfig host_processes_config(
    Host *h);                         /* how processes are run here: those of a worker, and the tests of packs */
EnvsConfig host_envs_config(Host *h); /* environments of packs, as they are configured */
Envs *host_envs(Host *h);
Str host_absolute(Arena *a, Str path); /* from the working directory */
void host_close(Host *h);
