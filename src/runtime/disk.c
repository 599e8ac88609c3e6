/*
 * What runs write is looked at once a second: in its folders a run may have so much, and a file system that is nearly full belongs to
 * the worker. Counting goes in small steps, whoever has waited longest first, and less often where nothing changes. Not counted: what was deleted and is still open,
 * what lies very deep, what a run without a sandbox writes elsewhere. That is what the reserve of free space is for.
 */
#include "runtime/disk.h"

#include "base/log.h"
#include "runtime/run.h"

#include <sys/statvfs.h>

enum {
	LOOK = US_PER_S,
	LOOK_SELDOM = 8 * US_PER_S,
	SOON = 20 * US_PER_MS,   /* between steps of a count that takes longer */
	NAMES = 2048,            /* of one step: a few milliseconds */
	PATIENCE = 2 * US_PER_S, /* a count that takes longer is cut short, and may take twice as long the next time */
	PATIENCE_MOST = 32 * US_PER_S, /* three million names */
	GROWS = 1 << 20,               /* since the last look: less fills no disk */
	FILES_LEAST = 1000,            /* a file system also ends when it can name no more */
	RESERVE = 256 << 20,
};

/* Where nobody has said it: a small tmpfs is not to be full from the beginning. */
static uint64_t
reserve_of(const Processes *p, const struct statvfs *fs)
{
	uint64_t tenth = (uint64_t)fs->f_blocks * fs->f_frsize / 10;

	if (p->config.disk_reserve_mb >= 0)
		return (uint64_t)p->config.disk_reserve_mb << 20;
	return tenth < RESERVE ? tenth : RESERVE;
}

static bool
is_full(const Processes *p, const char *where, Str *ret)
{
	uint64_t left, least;
	struct statvfs fs;

	if (statvfs(where, &fs) < 0)
		return false;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	least = reserve_of(p, &fs);
	if (left >= least && (fs.f_files < 10 * FILES_LEAST || fs.f_favail >= FILES_LEAST))
		return false;
	if (left >= least)
		*ret = str_fmt(p->disk.a, "only %llu more files can be made where '%s' lies: remove some there",
		    (unsigned long long)fs.f_favail, where);
	else
		*ret = str_fmt(p->disk.a,
		    "only %llu MB are free where '%s' lies, and worker.disk_reserve_mb is %llu: "
		    "make room there, or choose another place",
		    (unsigned long long)left >> 20, where, (unsigned long long)least >> 20);
	return true;
}

/* Both places of runs. Whoever asks keeps no text: the next look frees it. */
static void
look_reserve(Processes *p, TimeUs now)
{
	Disk *d = &p->disk;
	bool was = !str_none(d->full);

	d->looked = now;
	if (d->a == NULL)
		d->a = arena_open();
	arena_reset(d->a);
	d->full = (Str){ 0 };
	if (p->config.disk_reserve_mb != 0 && !is_full(p, p->home_base.p, &d->full))
		(void)is_full(p, p->config.artifacts_dir.p, &d->full);
	if (was != str_none(d->full))
		return;
	p->woken = true; /* the worker takes runs again, or gives them back */
	d->since = now;
	d->round = 0;
}

static bool
counts(const Processes *p, const Run *run)
{
	return run->phase == PHASE_RUNNING && !run->internal && (run->limits.disk_mb > 0 || !str_none(p->disk.full));
}

static TimeUs
last_counted(const Run *run)
{
	return run->disk.counted != 0 ? run->disk.counted : run->started_mono;
}

/* What it wrote long before there was no room is not what fills the disk. */
static uint64_t
grown(const Disk *d, const Run *run, uint64_t bytes, TimeUs now)
{
	TimeUs last = last_counted(run);
	bool lately = now - last <= LOOK + LOOK / 2 || (!str_none(d->full) && last >= d->since);

	return lately && bytes > run->disk.bytes ? bytes - run->disk.bytes : 0;
}

static void
counted(const Disk *d, Run *run, uint64_t bytes, TimeUs now)
{
	bool same = bytes == run->disk.bytes;

	run->disk.grew = grown(d, run, bytes, now);
	run->disk.bytes = bytes;
	run->disk.counted = now;
	run->disk.pause = !same || run->disk.pause == 0   ? LOOK
			  : run->disk.pause < LOOK_SELDOM ? run->disk.pause * 2
							  : LOOK_SELDOM;
	run->disk.due = now + run->disk.pause;
}

static bool
over(const Run *run, uint64_t bytes)
{
	return run->limits.disk_mb > 0 && bytes > (uint64_t)run->limits.disk_mb << 20;
}

/* One run is not to keep the count to itself, by names without number or by making them faster than they are counted. */
static bool
is_too_long(const Disk *d, Run *run, TimeUs now)
{
	TimeUs patience = run->disk.patience == 0 ? PATIENCE : run->disk.patience;

	if (now - d->begun < patience)
		return false;
	run->disk.patience = patience < PATIENCE_MOST ? patience * 2 : PATIENCE_MOST;
	return true;
}

/* False: the names of this step are used up. */
static bool
count_one(Processes *p, Run *run, size_t *names, TimeUs now)
{
	Disk *d = &p->disk;
	bool whole;

	if (d->at != run) {
		tally_begin(&d->tally, run->dir.p, run->files.p);
		d->begun = now;
	}
	d->at = run;
	whole = tally_step(&d->tally, names);
	if (!whole && !over(run, d->tally.bytes) && !is_too_long(d, run, now))
		return false;
	tally_end(&d->tally);
	d->at = NULL;
	counted(d, run, whole || d->tally.bytes > run->disk.bytes ? d->tally.bytes : run->disk.bytes, now);
	if (over(run, run->disk.bytes))
		run_over(p, run, "disk");
	return true;
}

static bool
is_due(const Processes *p, const Run *run, TimeUs now)
{
	bool due = str_none(p->disk.full) ? now >= run->disk.due : run->disk.counted < p->disk.round;

	return due && counts(p, run) && now >= run->started_mono + LOOK / 2;
}

/* The one that is being counted goes first, for the count of another would end it; then the one that has waited longest. */
static Run *
next_due(const Processes *p, TimeUs now)
{
	Run *longest = NULL;

	if (p->disk.at != NULL && counts(p, p->disk.at))
		return p->disk.at;
	for (Run *run = p->live.first; run != NULL; run = run->next)
		if (is_due(p, run, now) && (longest == NULL || last_counted(run) < last_counted(longest)))
			longest = run;
	return longest;
}

/* True: all that were due are counted. */
static bool
count_due(Processes *p, TimeUs now)
{
	size_t names = NAMES;
	Run *run;

	while ((run = next_due(p, now)) != NULL)
		if (!count_one(p, run, &names, now))
			return false;
	return true;
}

/* Of those that go on writing while there is no room, the one that wrote most. */
static void
end_filler(Processes *p)
{
	Run *most = NULL;

	for (Run *run = p->live.first; run != NULL; run = run->next)
		if (counts(p, run) && run->disk.grew >= GROWS && (most == NULL || run->disk.grew > most->disk.grew))
			most = run;
	if (most == NULL)
		return;
	most->problem = str_fmt(most->a, "Execution was ended for filling the disk: %s", p->disk.full.p);
	log_warn("execution %lld wrote %llu MB and is ended: %s", (long long)most->execution,
	    (unsigned long long)most->disk.bytes >> 20, p->disk.full.p);
	run_over(p, most, "disk");
}

TimeUs
disk_tick(Processes *p, TimeUs now)
{
	Disk *d = &p->disk;

	if (p->live.n == 0 && str_none(d->full))
		return d->next = 0;
	if (now < d->next)
		return d->next;
	if (now >= d->looked + LOOK / 2)
		look_reserve(p, now);
	if (d->round == 0)
		d->round = now;
	if (!count_due(p, now))
		return d->next = now + SOON;
	d->round = 0;
	if (!str_none(d->full))
		end_filler(p);
	return d->next = (now / LOOK + 1) * LOOK;
}

Str
disk_full(Processes *p)
{
	TimeUs now = clock_mono(p->config.clock);

	if (p->config.disk_reserve_mb != 0 && now >= p->disk.looked + LOOK)
		look_reserve(p, now);
	return p->disk.full;
}

void
disk_forget(Processes *p, const Run *run)
{
	if (p->disk.at != run)
		return;
	tally_end(&p->disk.tally);
	p->disk.at = NULL;
}
