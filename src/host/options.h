/*
 * The words after `attune up`, `attune worker` and the like, as a table.
 */
#pragma once

#include "base/config.h"

typedef struct HostOptions {
	const char *command; /* "up", "api", ... */
	unsigned roles;      /* bits of Role (bus/topics.h) */
	bool up;             /* all of them, in one process with a data directory */
	const char *config_file, *name, *log_level, *data_dir, *port;
	bool demo, no_migrate, help;
} HostOptions;

/* ERR_INVALID names the word it does not know. */
MUST_CHECK bool host_options(int argc, char **argv, HostOptions *ret, Err *err);
void host_usage(const HostOptions *o, Buf *b);
