/*
 * Whatever a workflow's definition is: the check ends, and what it says is bounded.
 */
#include "workflow/validate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	WorkflowProblem *problems;
	Err err = { 0 };
	Json v;
	size_t n, fatal = 0;
	bool good;

	if (!json_parse(a, (Str){ (const char *)data, size }, NULL, &v, &err))
		return 0;
	good = workflow_check(a, &v, &problems, &n);
	for (size_t i = 0; i < n && n <= WORKFLOW_PROBLEMS_MOST; i++)
		fatal += !problems[i].warning;
	if (good != (fatal == 0) || n > WORKFLOW_PROBLEMS_MOST)
		abort();
	return 0;
}
