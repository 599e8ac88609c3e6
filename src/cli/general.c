#include "cli/families.h"
#include "cli/handlers.h"

static const Command commands[] = {
	{ .words = "status",
	    .run = cmd_status_run,
	    .help = "roles, workers, queues, and what waits for what",
	    .example = "attune status" },
	{ .words = "trace",
	    .run = cmd_trace_run,
	    .args = "ID",
	    .help = "an execution's whole chain, and how long each hop took",
	    .example = "attune trace 7" },
};

const Family family_general = { "Looking", commands, countof(commands) };
