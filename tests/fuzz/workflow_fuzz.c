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
	size_t n;

	if (!json_parse(a, (Str){ (const char *)data, size }, NULL, &v, &err))
		return 0;
	if (workflow_check(a, &v, &problems, &n) != (n == 0) || n > WORKFLOW_PROBLEMS_MOST)
		abort();
	return 0;
}
