/*
 * What running an action and looking at its execution share.
 */
#pragma once

#include "cli/output.h"

enum { EXECUTION_WAIT_S = 300 };

/* Prints what the run gave, for people, or the whole row; the exit code says whether it completed. */
int cmd_execution_report(Cli *c, const Json *row);
/* The exit code, and why it failed. */
int cmd_execution_verdict(Cli *c, const Json *row);
/* --params-json and --param laid over what is in *params. */
MUST_CHECK bool cli_params(Cli *c, Json *params, Err *err);
/* Asks for a run and does what --wait, --watch and --dry-run say. */
MUST_CHECK bool cli_execute(Cli *c, const Json *body, int *ret_code, Err *err);
/* watch.c: its states and its output as they come, until it has ended or the seconds are over. */
MUST_CHECK bool cli_watch(Cli *c, Str id, int64_t seconds, int *ret_code, Err *err);
/* workflow_watch.c: the tree of a workflow's tasks, likewise. */
MUST_CHECK bool cli_watch_tree(Cli *c, Str id, int64_t seconds, int *ret_code, Err *err);
void print_with_end(FILE *f, Str text);
