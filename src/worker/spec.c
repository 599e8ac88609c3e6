#include "worker/spec.h"

#include "model/allowance.h"

static TimeUs
time_limit(const WorkerConfig *config, const RunClaim *c)
{
	if (c->row.timeout_seconds > 0)
		return c->row.timeout_seconds * US_PER_S;
	return c->action.timeout_seconds > 0 ? c->action.timeout_seconds * US_PER_S : config->task_timeout;
}

/* What the action may ask of the API with: only what it was given, and no longer than it runs. */
static Str
run_token(const WorkerConfig *config, Arena *a, const RunClaim *c, TimeUs life)
{
	RunToken token = { .execution = c->execution,
		.identity = c->row.executor,
		.action_ref = c->row.action_ref,
		.pack_ref = c->action.pack_ref,
		.permission_set_refs = &c->row.permission_set_refs,
		.life = life };

	/* one that may do nothing is none, and what runs inside the worker has no use for any */
	if (config->access == NULL || str_is(c->runtime, "internal") || token.permission_set_refs->n == 0)
		return (Str){ 0 };
	return access_run_token(config->access, a, &token);
}

static RunLimits
limits_of(const Json *limits)
{
	return (RunLimits){ .memory_mb = allowance_get(limits, "memory_mb"),
		.processes = allowance_get(limits, "processes"),
		.open_files = allowance_get(limits, "open_files"),
		.output_bytes = allowance_get(limits, "output_bytes"),
		.disk_mb = allowance_get(limits, "disk_mb") };
}

RunSpec
worker_spec(const WorkerConfig *config, Arena *a, const RunClaim *c)
{
	RunSpec spec = {
		.execution = c->execution,
		.attempt = c->attempt,
		.action_ref = c->row.action_ref,
		.pack_ref = c->action.pack_ref,
		.entrypoint = c->action.entrypoint,
		.runtime = c->runtime,
		.runtime_version = c->runtime_version,
		.runtime_config = &c->runtime_config,
		.parameter_delivery = c->action.parameter_delivery,
		.parameter_format = c->action.parameter_format,
		.output_format = c->action.output_format,
		.params = &c->params,
		.out_schema = &c->action.out_schema,
		.secrets = &c->secrets,
		.env_vars = &c->row.env_vars,
		.rule_ref = c->row.rule_ref,
		.trigger_ref = c->row.trigger_ref,
		.correlation = c->row.correlation,
		.timeout = time_limit(config, c),
		.keep_policy = config->keep_policy,
		.keep_limit = config->keep_limit,
		.sandbox = c->action.sandbox,
		.limits = limits_of(&c->action.limits),
		.api_token = run_token(config, a, c, time_limit(config, c)),
	};

	if (c->action.log_retention_limit > 0) {
		spec.keep_policy =
		    str_none(c->action.log_retention_policy) ? str_of("days") : c->action.log_retention_policy;
		spec.keep_limit = c->action.log_retention_limit;
	}
	return spec;
}
