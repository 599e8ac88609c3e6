/*
 * Workflows: graphs of tasks, each of which an action of the same ref stands for.
 */
#pragma once

#include "model/defs.h"
#include "store/definition.h"

extern const DefTable workflow_table;

MUST_CHECK bool workflow_get(Db *db, Arena *a, Id id, WorkflowDef *ret, Err *err);
MUST_CHECK bool workflow_get_ref(Db *db, Arena *a, Str ref, WorkflowDef *ret, Err *err);
/* By ref. d->id is set. */
MUST_CHECK bool workflow_put(Db *db, Arena *a, WorkflowDef *d, TimeUs now, DefPut *ret, Err *err);
MUST_CHECK bool workflow_delete(Db *db, Arena *a, Id id, TimeUs now, Err *err);
