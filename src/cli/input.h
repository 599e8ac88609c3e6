/*
 * What a person or a script gives a command: values as text, @FILE or - (standard input), answers typed at the terminal.
 */
#pragma once

#include "cli/cli.h"

MUST_CHECK bool cli_text_of(Cli *c, Str given, Str *ret, Err *err);
/* JSON, or YAML when it comes from a file; what: how errors call it ("--payload"). */
MUST_CHECK bool cli_json_of(Cli *c, const char *what, Str given, Json *ret, Err *err);
/* A JSON object given as text; *ret is an empty object when the option is absent. */
MUST_CHECK bool cli_opt_json(Cli *c, const char *name, Json *ret, Err *err);
/* One line typed at the terminal, unseen if secret; ERR_INVALID when nobody can type. */
MUST_CHECK bool cli_prompt(Cli *c, const char *question, bool secret, Str *ret, Err *err);
/* An object that a person changes in an editor; what: how the file calls it. ERR_INVALID when there is no terminal. */
MUST_CHECK bool cli_edit(Cli *c, Str what, Json *value, Err *err);
/* Asks on a terminal; without one, or with --yes, the answer is yes. */
bool cli_sure(Cli *c, Str question);
