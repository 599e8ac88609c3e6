/*
 * A change asked for by a request: one transaction, then its messages.
 */
#pragma once

#include "api/app.h"

typedef bool Work(App *app, void *self, Err *err);

/* Runs work between begin and commit; when it fails nothing has happened. */
MUST_CHECK bool app_work(App *app, const CommitPoints *points, Work *work, void *self, Err *err);
/* The same for changes of definitions: whoever looks before writing sees what the one before has written. */
MUST_CHECK bool app_define(App *app, Work *work, void *self, Err *err);

static inline Db *
app_db(App *app)
{
	return app->uow->db;
}

static inline TimeUs
app_now(App *app)
{
	return clock_wall(app->engine->clock);
}

/* The trace id of a W3C traceparent header, which becomes our correlation id; none when there is no such header. */
Uuid trace_parent(Str header);
