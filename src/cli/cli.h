/*
 * Commands for people: tables say what each is called, takes and does; parsing, help, completion and docs/cli.md are made from them.
 * A command asks the server over HTTP and prints. Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 the server is not there.
 * Most commands are a row alone: its request, its options and what is said when it is done (ask.c). One thread; all lies in its arenas.
 */
#pragma once

#include "base/clock.h"
#include "http/client.h"

#include <stdio.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_AWAY = 3 };

enum {
	CLI_ARGS = 64,  /* positional ones */
	CLI_GIVEN = 64, /* options of one command line */
	CLI_OPTS = 32,  /* of one command, at most */
};

typedef enum CliFormat { FORMAT_TABLE, FORMAT_WIDE, FORMAT_JSON, FORMAT_YAML, FORMAT_NAME } CliFormat;

/* What an option's value becomes in the body of a request. @FILE and - (standard input) stand for the text of a JSON kind. */
typedef enum CliKind {
	KIND_TEXT,
	KIND_FILE_TEXT, /* text, or @FILE or -: without the line's end */
	KIND_INT,
	KIND_JSON,   /* any JSON, or YAML from a file */
	KIND_OBJECT, /* the same, and an object */
	KIND_VALUE,  /* JSON where it reads as JSON, else the text */
	KIND_WORDS,  /* "a,b" as a list */
	KIND_BOOL,   /* true or false */
	KIND_ON,     /* a flag: true */
	KIND_OFF,    /* a flag: false */
	KIND_PATCH,  /* {"op": "set", "value": text}; an empty text clears */
	KIND_PATCH_INT,
	KIND_PATCH_OBJECT, /* an object, or `none`, which clears */
} CliKind;

typedef struct CliOpt {
	const char *name; /* without dashes */
	char letter;
	const char *value; /* what help calls its value; NULL: a flag */
	const char *key;   /* the query parameter or member of the body it becomes, or NULL */
	const char *help;
	CliKind kind;
	bool needed;
} CliOpt;

typedef struct Cli Cli;
typedef struct Command Command;
typedef struct Thing Thing;

/* ret_code is CLI_DONE unless the handler says otherwise; false: the error is printed. */
typedef bool CliHandler(Cli *c, int *ret_code, Err *err);
typedef bool CliPackTest(Arena *a, const char *dir, Json *ret, Err *err);

struct Command {
	const char *words; /* "execution list" */
	CliHandler *run;
	const char *args;    /* "ID [FILE]" as help shows them: [X] may be left out, X... may be repeated */
	const CliOpt *opts;  /* ends with a row without name; NULL: none */
	const Thing *thing;  /* of lists and shows */
	const char *ask;     /* "POST /api/v1/rules/{0}/enable": {0} is the first argument, {name} an option */
	const char *done;    /* "Rule {0} is enabled.": {0} as above, {ref} from the answer */
	const char *confirm; /* "Delete rule {0}?", asked on a terminal unless --yes is given */
	const char *help, *example;
	int64_t seconds; /* its request may take so long; 0: five minutes */
	bool hidden;     /* from help */
};

typedef struct Family {
	const char *title; /* "Rules" */
	const Command *commands;
	size_t count;
} Family;

typedef struct CliGiven {
	const CliOpt *opt;
	Str value;
} CliGiven;

/* Where a command line comes from and goes to; tests bring their own. */
typedef struct CliIo {
	FILE *in, *out, *err;
	unsigned width, height; /* of the terminal; width 0: none, so no boxes and no colour */
	bool colour;
	bool asks;           /* somebody can answer a question */
	const char *api_url; /* of the environment, or NULL */
	const char *token;
	const char *profile;
	const char *editor;      /* of the person */
	const char *ca_file;     /* vouches for servers, instead of what the machine trusts */
	const char *config_home; /* the directory of the profiles file; NULL: there is none */
	CliPackTest *pack_test;  /* of a folder, with what the server would answer; may be NULL */
} CliIo;

struct Cli {
	const CliIo *io;
	Arena *a, *kept; /* kept: what is renewed in the middle of a command that gives back memory of a */
	const Command *command;
	Str group; /* "rule", when only that was said */
	Str args[CLI_ARGS];
	size_t n_args;
	CliGiven given[CLI_GIVEN];
	size_t n_given;
	CliFormat format;
	bool format_given;
	Str field; /* --field: only this part of the answer */
	Str url;
	Json profiles; /* the profiles file, in kept; null until it was read */
	Str profile;   /* the one in use */
	bool verbose, quiet, help, version;
	bool missing;       /* the answer has no such --field: said already, the exit code follows */
	HttpClient *client; /* opened by the first call */
};

int cli_main(int argc, char **argv, CliPackTest *pack_test);
CliIo cli_io(Arena *a); /* of this process and its environment */
int cli_run(const CliIo *io, int argc, char **argv);
const CliOpt *cli_global_opts(size_t *ret_count);
const Family *const *cli_families(size_t *ret_count);
/* The i-th of all commands, in the order of help; NULL after the last. */
const Command *cli_command_at(size_t i);

/* parse.c; usage errors are ERR_INVALID */
MUST_CHECK bool cli_parse(Cli *c, int argc, char **argv, Err *err);
bool cli_format_named(Str name, CliFormat *ret);
void cli_args_range(const Command *cmd, size_t *ret_min, size_t *ret_max);
bool cli_has(const Cli *c, const char *name);
Str cli_opt(const Cli *c, const char *name); /* the last one; Str{0} when absent */
MUST_CHECK bool cli_opt_int(const Cli *c, const char *name, int64_t fallback, int64_t *ret, Err *err);

/* call.c: one request; a refusal by the server is an error. *ret is its "data" where there is one. */
MUST_CHECK bool cli_call(Cli *c, const char *method, Str path, const Json *body, Json *ret, Err *err);
/* The same with the answer as it came: status, type, bytes. */
MUST_CHECK bool cli_send(Cli *c, const HttpAsk *ask, HttpReply *ret, Err *err);
/* GET /api/v1/executions/{id} until it has ended or the seconds are over (ERR_TIMEOUT). */
MUST_CHECK bool cli_wait(Cli *c, Str id, int64_t seconds, Json *ret, Err *err);
bool status_is_terminal(Str status);

/* ask.c: the request of the command's row, filled from its options, and what is printed of the answer */
CliHandler cli_ask;
MUST_CHECK bool cli_body(Cli *c, Json *ret, Err *err);
/* "{0}" and "{name}" replaced, escaped for a URL if url; row may be NULL. */
Str cli_fill(const Cli *c, const char *text, const Json *row, bool url);
/* Prints one answer in the format asked for; in words, `done` filled in. */
void cli_said(Cli *c, const char *done, const Json *row);

CliHandler cmd_list_run, cmd_show_run;
