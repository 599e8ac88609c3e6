/*
 * Somebody must always be left who may give rights: a change after which nobody may is refused.
 */
#pragma once

#include "api/work.h"

/* app_define, undone with ERR_CONFLICT when it takes the last one away who may manage permissions. */
MUST_CHECK bool define_keeping_one(App *app, Work *work, void *self, Err *err);
