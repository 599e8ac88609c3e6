/*
 * Making and changing an action: what the body may say, and the transactions.
 */
#pragma once

#include "api/work.h"

typedef struct ActionWork {
	Arena *a;
	const Json *body;
	Str key; /* ref or id of the one to be changed */
	ActionDef d;
} ActionWork;

MUST_CHECK bool action_create_read(Req *q, ActionWork *w, Json *ret_body, Err *err);
MUST_CHECK bool action_update_read(Req *q, Json *ret_body, Err *err);
/* The same of an object within a body, whose members are called "settings.label". */
MUST_CHECK bool action_settings_check(Req *q, const Json *body, Err *err);
bool action_create_work(App *app, void *self, Err *err);
bool action_update_work(App *app, void *self, Err *err);
bool action_remove_work(App *app, void *self, Err *err);
