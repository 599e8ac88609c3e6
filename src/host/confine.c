/* What the worker of this process lets actions do: its settings, and what the machine makes of them. */
#include "host/confine.h"

#include "base/log.h"
#include "os/confine.h"

#include <stdlib.h>

static SandboxKind
sandbox_setting(const Config *c, const char *key)
{
	Str name = config_str(c, key);
	int kind = 0;

	while (!str_is(name, sandbox_names[kind]))
		kind++;
	return (SandboxKind)kind;
}

/* What actions must not read although it may lie among programs: our own data and configuration. */
static size_t
hidden_paths(const Host *h, Str *ret)
{
	const char *given = h->options.config_file != NULL ? h->options.config_file : getenv("ATTUNE_CONFIG");
	size_t n = 0;

	if (h->options.up)
		ret[n++] = h->data.path;
	if (given != NULL)
		ret[n++] = str_of(given);
	ret[n++] = str_of("/opt/attune/config.yaml");
	ret[n++] = str_of("/etc/attune");
	return n;
}

bool
confine_settings(Host *h, ProcessesConfig *p, Err *err)
{
	const Config *c = h->config;
	Str *hidden = arena_array(h->arena, Str, 4);
	Str run_dir = config_str(c, "worker.run_dir"), missing = sandbox_strict_missing(h->arena);

	p->sandbox = sandbox_setting(c, "worker.sandbox");
	p->sandbox_least = sandbox_setting(c, "worker.sandbox_minimum");
	p->sandbox_read = config_json(c, "worker.sandbox_read");
	p->hidden_count = hidden_paths(h, hidden);
	p->hidden = hidden;
	p->limits = (RunLimits){ .memory_mb = config_int(c, "worker.max_memory_mb"),
		.processes = config_int(c, "worker.max_processes"),
		.open_files = config_int(c, "worker.max_open_files"),
		.disk_mb = config_int(c, "worker.max_disk_mb") };
	p->disk_reserve_mb = config_has(c, "worker.disk_reserve_mb") ? config_int(c, "worker.disk_reserve_mb") : -1;
	p->cgroup = config_str(c, "worker.cgroup");
	if (!str_none(run_dir))
		p->run_base = run_dir;
	process_hide();
	if ((p->sandbox != SANDBOX_STRICT && p->sandbox_least != SANDBOX_STRICT) || str_none(missing))
		return true;
	return err_set(err, ERR_UNSUPPORTED, "worker.sandbox is strict, which cannot be given here: %s", missing.p);
}

/* For people who ask what an action can do here. */
const Json *
confine_say(Host *h)
{
	Json *told = arena_new(h->arena, Json);

	*told = processes_isolation(h->starter, h->arena);
	log_info("actions: sandbox %.*s; standard is %.*s; strict: %.*s", STR_ARG(json_get_text(told, "sandbox")),
	    STR_ARG(json_get_text(told, "standard")), STR_ARG(json_get_text(told, "strict")));
	log_info("actions: ended %.*s; memory %.*s; processes %.*s", STR_ARG(json_get_text(told, "ended")),
	    STR_ARG(json_get_text(told, "memory")), STR_ARG(json_get_text(told, "processes")));
	return told;
}
