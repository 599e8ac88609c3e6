#include "admin/doctor.h"

#include "store/migrate.h"

static void
migrations(Doctor *d, Store *s)
{
	MigrationState *list;
	size_t n, open = 0;
	Err err = { 0 };

	if (!migrate_status(s, d->t->arena, &list, &n, &err)) {
		finds(d, HEALTH_BAD, "migrations", "See: attune db status.", "%s", err.text);
		return;
	}
	for (size_t i = 0; i < n; i++)
		open += list[i].applied_at == 0;
	if (open > 0)
		finds(d, HEALTH_WARN, "migrations", "attune db migrate (or start a role, which does it).",
		    "%zu of %zu are not applied", open, n);
	else if (!migrate_check(s, &err))
		finds(d, HEALTH_BAD, "migrations",
		    "Use the attune that the database was last used with, or a newer one.", "%s", err.text);
	else
		finds(d, HEALTH_OK, "migrations", NULL, "all %zu are applied", n);
}

static void
database(Doctor *d)
{
	CLEANUP(tool_store_done) Store *s = NULL;
	Str url = config_str(d->t->config, "database.url");
	Str shown = url.n > 0 ? url_starred(d->t->arena, url) : url;
	Err err = { 0 };

	if (url.n == 0) {
		finds(
		    d, HEALTH_BAD, "database", "Set database.url, or use `attune up`, which needs none.", "is not set");
		return;
	}
	if (tool_store(d->t, false, &s, &err)) {
		finds(d, HEALTH_OK, "database", NULL, "%.*s", STR_ARG(shown));
		migrations(d, s);
	} else if (err.code == ERR_NOT_FOUND && !d->running) {
		finds(d, HEALTH_WARN, "database", "`attune up` makes it at its first start.", "%.*s is not there",
		    STR_ARG(shown));
	} else {
		finds(d, HEALTH_BAD, "database", "Start it, or correct database.url.", "%s", err.text);
	}
}

static void
depths(Doctor *d, Bus *bus)
{
	QueueDepth *queues;
	size_t n;
	Err err = { 0 };

	if (!bus_depths(bus, d->t->arena, &queues, &n, &err)) {
		finds(d, HEALTH_BAD, "queues", "See: attune bus topology.", "%s", err.text);
		return;
	}
	finds(d, HEALTH_OK, "queues", NULL, "all %zu are there and bound", n);
}

static void
broker(Doctor *d)
{
	CLEANUP(tool_bus_done) Bus *bus = NULL;
	BusConfig config = tool_bus_config(d->t);
	Str shown = config.url.n > 0 ? url_starred(d->t->arena, config.url) : config.url;
	Err err = { 0 };

	if (config.url.n == 0) {
		finds(d, HEALTH_BAD, "broker", "Set message_queue.url, or use `attune up`, which needs none.",
		    "is not set");
		return;
	}
	if (tool_bus_local(d->t)) {
		finds(d, HEALTH_OK, "broker", NULL, "inside the process");
		return;
	}
	if (!bus_open(&config, &bus, &err)) {
		finds(d, HEALTH_BAD, "broker",
		    "Start it, or correct message_queue.url; older exchanges: attune bus migrate.", "%s", err.text);
		return;
	}
	finds(d, HEALTH_OK, "broker", NULL, "%.*s", STR_ARG(shown));
	depths(d, bus);
}

void
doctor_services(Doctor *d)
{
	database(d);
	broker(d);
}
