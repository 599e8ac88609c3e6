/*
 * The same question as callers_find, for those who ask seldom and from several threads: what it answers lies in the arena of who
 * asks, and stays good.
 */
#pragma once

#include "access/access.h"

typedef struct Doorman Doorman;

Doorman *doorman_open(Access *x);
void doorman_close(Doorman *d);
/* self: the Doorman */
MUST_CHECK bool doorman_admit(void *self, Db *db, Arena *a, Str token, Caller *ret, Err *err);
