#include "workflow/roots.h"

#include "base/attr.h"

bool
wf_word_of(Str s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(s, words[i]))
			return true;
	return false;
}

WfRoot
wf_root(Str name)
{
	static const char *const tasks[] = { "task", "tasks" };
	static const char *const vars[] = { "workflow", "vars", "variables" };
	static const char *const given[] = { "parameters", "config", "keystore", "system" };

	if (wf_word_of(name, tasks, countof(tasks)))
		return WF_ROOT_TASKS;
	if (wf_word_of(name, vars, countof(vars)))
		return WF_ROOT_VARS;
	return wf_word_of(name, given, countof(given)) ? WF_ROOT_GIVEN : WF_ROOT_NONE;
}
