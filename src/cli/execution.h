/*
 * What `action execute --wait` and the execution commands share.
 */
#pragma once

#include "cli/output.h"

/* Prints what the run gave, for people, or the whole row; the exit code says whether it completed. */
int cmd_execution_report(const Cli *c, const Json *row);
