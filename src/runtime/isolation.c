/* What of walls, groups and limits this machine has, opened for the worker and told to people. */
#include "runtime/run.h"

#include "os/guardian.h"
#include "os/walls.h"
#include "runtime/homes.h"

static void
open_groups(Processes *p)
{
	const ProcessesConfig *c = &p->config;
	Str name = homes_file_name(p->a, c->worker_name);
	bool choose = str_is(c->cgroup, "auto");
	Err err = { 0 };

	if (c->cgroup.n == 0 || str_is(c->cgroup, "off")) {
		p->groups_missing = str_of("worker.cgroup is off");
		return;
	}
	if (!groups_open(choose ? NULL : c->cgroup.p, name.p, c->guardian == NULL ? 0 : guardian_pid(c->guardian),
		&p->groups, &err))
		p->groups_missing = str_copy(p->a, str_of(err.text));
}

void
isolation_open(Processes *p)
{
	const ProcessesConfig *c = &p->config;
	Str *hidden = arena_array(p->a, Str, c->hidden_count + 4);
	SandboxConfig config = { .usual = c->sandbox,
		.least = c->sandbox_least,
		.read = c->sandbox_read,
		.programs = c->interpreters.named,
		.api_url = c->api_url,
		.run_base = p->home_base,
		.hidden = hidden };

	for (size_t i = 0; i < c->hidden_count; i++)
		hidden[config.hidden_count++] = c->hidden[i];
	hidden[config.hidden_count++] = c->packs_base_dir;
	hidden[config.hidden_count++] = c->runtime_envs_dir;
	hidden[config.hidden_count++] = c->artifacts_dir;
	hidden[config.hidden_count++] = p->home_base;
	p->sandbox = sandbox_open(&config);
	open_groups(p);
	if (c->guardian != NULL)
		guardian_sweeps(c->guardian, p->groups == NULL ? NULL : groups_path(p->groups), p->home_base.p);
}

void
isolation_close(Processes *p)
{
	groups_close(p->groups);
	p->groups = NULL;
	sandbox_close(p->sandbox);
	p->sandbox = NULL;
}

static Str
told_sandbox(const Processes *p, Arena *a)
{
	Str missing = sandbox_missing(a);

	(void)p;
	if (str_none(missing))
		return str_fmt(a, "whole (Landlock version %d, seccomp)", walls_version());
	return str_fmt(a, "in part: %s", missing.p);
}

static Str
told_strict(Arena *a)
{
	Str missing = sandbox_strict_missing(a);

	return str_none(missing) ? str_of("yes") : str_fmt(a, "no: %s", missing.p);
}

static Str
told_ends(const Processes *p, Arena *a)
{
	return p->groups == NULL ? str_fmt(a, "by session and a mark in the environment: %s", p->groups_missing.p)
				 : str_of("by cgroup: exactly");
}

static Str
told_memory(const Processes *p)
{
	if (p->groups == NULL)
		return str_of("of each process (RLIMIT_DATA)");
	return str_of(groups_count_memory(p->groups)
			  ? "of all processes of a run (cgroup)"
			  : "of each process (RLIMIT_DATA), all of a run looked at each second");
}

static Str
told_processes(const Processes *p)
{
	if (p->groups == NULL)
		return str_of("of all that the user has (RLIMIT_NPROC); none for root");
	return str_of(groups_count_processes(p->groups) ? "of a run (cgroup)" : "of a run, looked at each second");
}

Json
processes_isolation(const Starter *s, Arena *a)
{
	const Processes *p = (const Processes *)s;
	Json o = json_object();

	json_add(a, &o, "sandbox", json_cstr(sandbox_names[p->config.sandbox]));
	json_add(a, &o, "sandbox_minimum", json_cstr(sandbox_names[p->config.sandbox_least]));
	json_add(a, &o, "standard", json_str(told_sandbox(p, a)));
	json_add(a, &o, "strict", json_str(told_strict(a)));
	json_add(a, &o, "ended", json_str(told_ends(p, a)));
	json_add(a, &o, "memory", json_str(told_memory(p)));
	json_add(a, &o, "processes", json_str(told_processes(p)));
	return o;
}
