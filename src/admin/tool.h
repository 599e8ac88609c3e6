/*
 * What every command of this room starts from: the words after it, the configuration it is meant to work with, and the store and the
 * bus opened by that configuration. Which configuration: with --data-dir, or without anything, that of `attune up` with its data
 * directory; with -c FILE or ATTUNE_CONFIG alone that of roles on their own.
 */
#pragma once

#include "base/config.h"
#include "bus/bus.h"
#include "cli/output.h"
#include "store/db.h"

#include <sys/types.h>

typedef struct Tool {
	Arena *arena;
	const char *command; /* "dlq" */
	const char *word;    /* "show" */
	const char *arg;     /* "ID", where the command has one */
	const char *config_file, *data_dir;
	const char *api_url, *profile; /* of the server, for those that can ask one */
	const char *output, *field;
	bool json, yaml, quiet, help;
	bool wrong_input; /* what went wrong is how it was called */
	Buf out;          /* printed when the command ends well, or has something to show nevertheless */
	CliIo io;         /* what it says goes there in the end */
	Command self;     /* the command, for what is printed as the client prints */
	Cli way;          /* and in which form */
	Config *config;
	Str dir; /* data directory; none with a configuration file alone */
} Tool;

/* True when the answer is for programs, and v was put there as they want it (as out_raw does). */
bool tool_raw(Tool *t, const Json *v);

/* Which servers the command needs. */
typedef enum ToolNeeds { NEEDS_NOTHING = 0, NEEDS_STORE = 1, NEEDS_BUS = 2 } ToolNeeds;

MUST_CHECK bool tool_config(Tool *t, unsigned needs, Err *err);
/* Opens what is there: a database file is not made, except with `make`. */
MUST_CHECK bool tool_store(Tool *t, bool make, Store **ret, Err *err);
void tool_store_done(Store **s); /* for CLEANUP */
BusConfig tool_bus_config(const Tool *t);
void tool_bus_done(Bus **b); /* for CLEANUP */
bool tool_bus_local(const Tool *t);
/* Holds the data directory while the command works in it. *ret_holder: the `attune up` that has it instead (ERR_CONFLICT). Without
 * a data directory there is nothing to hold: *ret_fd is -1. */
MUST_CHECK bool tool_hold(Tool *t, int *ret_fd, pid_t *ret_holder, Err *err);
