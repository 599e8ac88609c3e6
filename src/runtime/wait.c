/* Runs whose environment is still being built: they wait here, with all they were given. */
#include "runtime/run.h"

static Str
kept_text(Arena *a, Str s)
{
	return str_none(s) ? s : str_copy(a, s);
}

static const Json *
kept_json(Arena *a, const Json *v)
{
	Json copy;

	if (v == NULL)
		return NULL;
	copy = json_clone(a, v);
	return arena_copy(a, &copy, sizeof(copy));
}

/* The caller's values end with its turn. */
static RunSpec *
kept(Arena *a, const RunSpec *s)
{
	RunSpec *k = arena_copy(a, s, sizeof(*s));
	Str *texts[] = { &k->action_ref, &k->pack_ref, &k->entrypoint, &k->runtime, &k->runtime_version,
		&k->parameter_delivery, &k->parameter_format, &k->output_format, &k->rule_ref, &k->trigger_ref,
		&k->api_token, &k->sandbox, &k->keep_policy };
	const Json **values[] = { &k->runtime_config, &k->params, &k->out_schema, &k->secrets, &k->env_vars };

	for (size_t i = 0; i < countof(texts); i++)
		*texts[i] = kept_text(a, *texts[i]);
	for (size_t i = 0; i < countof(values); i++)
		*values[i] = kept_json(a, *values[i]);
	return k;
}

static void
fail(Processes *p, Run *run, Str problem)
{
	run->started_mono = clock_mono(p->config.clock);
	run->started_at = clock_wall(p->config.clock);
	run->unstarted = true;
	run->problem = problem;
	run_ended(p, run);
}

/* Its time limit begins when it starts; the build has its own. */
static void
wait_for_it(Processes *p, Run *run, const RunSpec *spec)
{
	if (run->waits_with != NULL)
		return;
	run->started_mono = clock_mono(p->config.clock);
	run->started_at = clock_wall(p->config.clock);
	run->phase = PHASE_WAITING;
	run->waits_with = kept(run->a, spec);
	p->waiting++;
}

bool
run_env(Processes *p, Run *run, RunSpec *spec)
{
	EnvWant want = { .pack_ref = spec->pack_ref, .runtime = spec->runtime, .config = spec->runtime_config };

	if (spec->runtime_version.n > 0)
		want.runtime = str_fmt(run->a, "%.*s-%.*s", STR_ARG(spec->runtime), STR_ARG(spec->runtime_version));
	if (p->config.envs == NULL || str_is(spec->runtime, "internal"))
		return true;
	switch (envs_use(p->config.envs, run->a, &want, &run->env)) {
	case ENV_BUILDING: wait_for_it(p, run, spec); return false;
	case ENV_FAILED: fail(p, run, run->env.problem); return false;
	case ENV_READY: spec->env_dir = run->env.dir; return true;
	default: return true;
	}
}

void
runs_look(Processes *p)
{
	Run *next;

	for (Run *run = p->live.first; run != NULL; run = next) {
		RunSpec *spec = run->waits_with;

		next = run->next;
		if (spec == NULL || !run_env(p, run, spec))
			continue;
		run->waits_with = NULL;
		run->phase = PHASE_RUNNING;
		p->waiting--;
		run_start_now(p, run, spec);
	}
}
