/* An engine with workflows over one of the stores; their runs are ended by hand, as a worker would. */
#pragma once

#include "engine/moves.h"
#include "world.h"

typedef struct Flow {
	World *w;
	Bus *bus;
	Engine engine;
	Uow *u;
	Id worker, pack, runtime;
	TimeUs now;
	Arena *a;
} Flow;

void flow_action(Flow *r, const char *ref, Id workflow_def, const char *params);
void flow_action_retry(Flow *r, const char *ref, const char *retry);
Flow *flow_open(void);
void flow_done(Flow **r);
void flow_workflow(Flow *r, const char *ref, const char *text, const char *params);
Id flow_start(Flow *r, const char *ref, const char *params);
Rows flow_rows(Flow *r, const Stmt *s, Id id);
void flow_step(Flow *r);
size_t flow_work(Flow *r);
void flow_run(Flow *r);
Str flow_state(Flow *r, Id id);
Json flow_result(Flow *r, Id id);
Str flow_trace(Flow *r, Id id);
void flow_check(Flow *r, Id id, const char *state, const char *trace, const char *result);
void flow_due(Flow *r, TimeUs *ret_next);
