/*
 * Commands for people: one table says what each is called, takes and does; parsing, help and suggestions are made from it.
 * A command asks the server over HTTP and prints. Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 the server is not there.
 */
#pragma once

#include "base/clock.h"
#include "http/client.h"

#include <stdio.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_AWAY = 3 };

enum {
	CLI_ARGS = 8,   /* positional ones */
	CLI_GIVEN = 64, /* options of one command line */
	CLI_OPTS = 12,  /* of one command */
};

typedef enum CliFormat { FORMAT_TABLE, FORMAT_JSON, FORMAT_YAML } CliFormat;

typedef struct CliOpt {
	const char *name; /* without dashes */
	char letter;
	const char *value; /* what help calls its value; NULL: a flag */
	const char *query; /* the query parameter it becomes in a list, or NULL */
	const char *help;
} CliOpt;

typedef struct Cli Cli;
typedef struct Command Command;
typedef struct Thing Thing;

/* ret_code is CLI_DONE unless the handler says otherwise; false: the error is printed. */
typedef bool CliHandler(Cli *c, int *ret_code, Err *err);

struct Command {
	const char *words; /* "execution list" */
	CliHandler *run;
	const char *args; /* "ID", as help shows them */
	unsigned args_min, args_max;
	CliOpt opts[CLI_OPTS]; /* ends with a row without name */
	const Thing *thing;    /* of lists and shows */
	const char *help;
};

typedef struct CliGiven {
	const CliOpt *opt;
	Str value;
} CliGiven;

/* Where a command line comes from and goes to; tests bring their own. */
typedef struct CliIo {
	FILE *out, *err;
	unsigned width;      /* of the terminal; 0: none, so no boxes */
	const char *api_url; /* of the environment, or NULL */
	const char *token;
} CliIo;

struct Cli {
	const CliIo *io;
	Arena *a;
	const Command *command;
	Str args[CLI_ARGS];
	size_t n_args;
	CliGiven given[CLI_GIVEN];
	size_t n_given;
	CliFormat format;
	Str url;
	bool verbose, help, version;
	HttpClient *client; /* opened by the first call */
};

int cli_main(int argc, char **argv);
int cli_run(const CliIo *io, int argc, char **argv);
const Command *cli_commands(size_t *ret_count);
const CliOpt *cli_global_opts(size_t *ret_count);

/* parse.c; usage errors are ERR_INVALID */
MUST_CHECK bool cli_parse(Cli *c, int argc, char **argv, Err *err);
bool cli_has(const Cli *c, const char *name);
Str cli_opt(const Cli *c, const char *name); /* the last one; Str{0} when absent */
MUST_CHECK bool cli_opt_int(const Cli *c, const char *name, int64_t fallback, int64_t *ret, Err *err);
/* A JSON object given as text; *ret is an empty object when the option is absent. */
MUST_CHECK bool cli_opt_json(Cli *c, const char *name, Json *ret, Err *err);

/* help.c */
void cli_help(Buf *b, const Command *one); /* NULL: all commands */
const char *cli_nearest(Str words);

/* call.c: one request; a refusal by the server is an error. *ret is its "data" where there is one. */
MUST_CHECK bool cli_call(Cli *c, const char *method, Str path, const Json *body, Json *ret, Err *err);
/* GET /api/v1/executions/{id} until it has ended or the seconds are over (ERR_TIMEOUT). */
MUST_CHECK bool cli_wait(Cli *c, Str id, int64_t seconds, Json *ret, Err *err);
bool status_is_terminal(Str status);

/* The handlers named in the table of commands. */
CliHandler cmd_list_run, cmd_show_run, cmd_action_execute, cmd_execution_show, cmd_execution_result, cmd_execution_logs,
    cmd_execution_watch, cmd_execution_cancel, cmd_rule_create, cmd_rule_enable, cmd_rule_disable, cmd_rule_delete,
    cmd_event_emit, cmd_status_run, cmd_trace_run;
