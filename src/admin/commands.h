/*
 * The commands of this room. Each fills t->out, or says in one sentence what is wrong.
 */
#pragma once

#include "admin/tool.h"

typedef bool ToolRun(Tool *t, Err *err);

ToolRun db_status_run, db_migrate_run;
ToolRun bus_topology_run, bus_docs_run, bus_migrate_run;
ToolRun dlq_list_run, dlq_show_run, dlq_replay_run, dlq_drop_run;
ToolRun config_show_run, config_docs_run;
ToolRun pack_lint_run;
ToolRun doctor_run;
