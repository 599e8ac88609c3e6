#include "runtime/seed_job.h"

#include "inside/seed.h"

#include <string.h>
#include <sys/resource.h>

static size_t
count(const char *const *list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	return n;
}

static void
put_limits(SeedJob *job, const SpawnLimits *l)
{
	const SeedLimit all[SEED_LIMITS] = { { RLIMIT_CORE, 0 }, { RLIMIT_FSIZE, l->file_size },
		{ RLIMIT_DATA, l->memory }, { RLIMIT_NOFILE, l->files }, { RLIMIT_NPROC, l->processes } };

	for (size_t i = 0; i < SEED_LIMITS; i++) {
		job->limits[i] = all[i];
		if (i > 0 && all[i].most == 0)
			job->limits[i].what = -1;
	}
}

static bool
put_text(char *room, size_t *at, const char *text)
{
	size_t n = strlen(text) + 1;

	if (n > SEED_JOB_MOST - *at)
		return false;
	memcpy(room + *at, text, n);
	*at += n;
	return true;
}

size_t
seed_job_write(char *room, const SpawnSpec *spec)
{
	SeedJob job = { .argc = (uint32_t)count(spec->argv),
		.envc = (uint32_t)count(spec->envp),
		.has_ruleset = spec->confine.on && spec->confine.ruleset >= 0,
		.has_gate = spec->gated,
		.has_group = spec->group_on };
	size_t at = sizeof(job);
	bool ok = put_text(room, &at, spec->cwd);

	put_limits(&job, &spec->limits);
	memcpy(room, &job, sizeof(job));
	for (size_t i = 0; ok && i < job.argc; i++)
		ok = put_text(room, &at, spec->argv[i]);
	for (size_t i = 0; ok && i < job.envc; i++)
		ok = put_text(room, &at, spec->envp[i]);
	return ok ? at : 0;
}
