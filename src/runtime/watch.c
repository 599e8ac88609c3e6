/*
 * Where the kernel does not count processes and memory for a group, the group is counted now and then: often at first, when a run shows
 * what it is, later once a second. That bounds a bomb to what it can do in that time; where there are no groups either, limits of
 * single processes are all there is.
 */
#include "runtime/run.h"

#include "os/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
	OFTEN = 100 * US_PER_MS,
	SELDOM = US_PER_S,
	YOUNG = 2 * US_PER_S,
};

static bool
counts_processes(const Processes *p, const Run *run)
{
	return run->group != NULL && run->limits.processes > 0 && !groups_count_processes(p->groups);
}

static bool
counts_memory(const Processes *p, const Run *run)
{
	return run->group != NULL && run->limits.memory_mb > 0 && !groups_count_memory(p->groups);
}

/* If the machine runs out of memory, the kernel is to end actions before the worker. */
void
watch_offer(const Run *run)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)run->child.pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!write(fd, "500", 3);
	fd_done(&fd);
}

/* All that are no longer young at the same moments: one wake-up for all of them. */
TimeUs
watch_next(const Processes *p, const Run *run, TimeUs now)
{
	if (!counts_processes(p, run) && !counts_memory(p, run))
		return 0;
	return now < run->started_mono + YOUNG ? now + OFTEN : (now / SELDOM + 1) * SELDOM;
}

bool
watch_over(const Processes *p, Run *run, TimeUs now)
{
	bool memory = counts_memory(p, run), processes = counts_processes(p, run);
	uint64_t bytes = 0;
	size_t n;

	if (now < run->started_mono + OFTEN || (!memory && !processes))
		return false;
	n = group_use(run->group, memory ? &bytes : NULL);
	if (processes && (int64_t)n > run->limits.processes)
		run->over = "processes";
	else if (memory && bytes > (uint64_t)run->limits.memory_mb << 20)
		run->over = "memory";
	return run->over != NULL;
}
