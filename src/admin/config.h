/*
 * `attune config`: what is in force and where each value came from, and the table of all settings. Secrets and passwords
 * are stars in both.
 */
#pragma once

#include "base/config.h"

#include <stdio.h>

/* key, value and origin of every setting: columns for people, or with as_json an array of objects. An exit code. */
int config_show(const Config *c, bool as_json, FILE *out);
/* The table of docs/configuration.md. */
int config_docs(FILE *out);
