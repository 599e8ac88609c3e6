/*
 * Shared by the files of configuration only: the values being laid over each other. A layer is a file, the environment
 * or the options; what is laid later wins.
 */
#pragma once

#include "base/config.h"

typedef struct Value {
	Json value;
	const char *origin;
	bool given; /* by a file, the environment or an option */
} Value;

struct Config {
	Arena *a;
	Value *values; /* parallel to settings */
	const char **warnings;
	size_t warning_count;
};

int config_find(const char *key); /* aborts when it is not in the table */
int config_rest_row(Str key);     /* the ".*" row that takes a key without a row of its own, or -1 */
MUST_CHECK bool config_lay(Config *c, int at, const Json *given, const char *origin, Err *err);
MUST_CHECK bool config_lay_text(Config *c, int at, Str text, const char *origin, Err *err);
void config_lay_rest(Config *c, int at, Str key, const Json *given, const char *origin);

MUST_CHECK bool config_lay_files(Config *c, const ConfigSource *src, Err *err);
MUST_CHECK bool config_lay_environment(Config *c, const ConfigSource *src, Err *err);
/* ATTUNE_WORKER_NAME and its like: those that win over files, or those that only fill gaps. */
MUST_CHECK bool config_lay_plain_names(Config *c, const ConfigSource *src, bool over_files, Err *err);

const char *config_place(const char *origin);                      /* as an error begins: "config.yaml:12" */
const char *config_env(const ConfigSource *src, const char *name); /* NULL: not set */
Str config_variable(Arena *a, Str key);                            /* "ATTUNE__SERVER__PORT" */
