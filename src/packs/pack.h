/*
 * A pack folder as values. Loading reads every file, checks all of it and gives all problems with file, line and column; a pack
 * loads wholly or not at all. Nothing is stored here.
 */
#pragma once

#include "model/defs.h"
#include "model/pack_tests.h"

typedef struct PackProblem {
	bool fatal; /* else a warning */
	Str file;   /* relative to the pack */
	unsigned line, column;
	Str text;
} PackProblem;

typedef struct Pack {
	PackDef def;
	PackTests tests; /* its own */
	RuntimeDef *runtimes;
	size_t runtime_count;
	TriggerDef *triggers;
	size_t trigger_count;
	ActionDef *actions;
	size_t action_count;
	WorkflowDef *workflows; /* each has an action of the same ref */
	size_t workflow_count;
	Str *workflow_texts; /* of each, the file as it was read */
	RuleDef *rules;
	size_t rule_count;
	PolicyDef *policies;
	size_t policy_count;
	SensorDef *sensors;
	size_t sensor_count;
	PermissionSetDef *permission_sets;
	size_t permission_set_count;
	PackProblem *problems;
	size_t problem_count;
} Pack;

/* One workflow file by itself, called file in its problems, which are put into *ret_problems; false when one of them is fatal. */
bool workflow_text_read(Arena *a, Str file, Str text, WorkflowDef *ret, PackProblem **ret_problems, size_t *ret_n);
/* false when a problem is fatal: err names the first one ("packs/x/actions/a.yaml:3:5: ..."), *ret holds all of them. */
MUST_CHECK bool pack_load(Arena *a, Str dir, Pack *ret, Err *err);
