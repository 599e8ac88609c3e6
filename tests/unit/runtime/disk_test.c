/* Whose turn it is to be counted, by a clock that the test moves. */
#include "rig.h"

#include "os/fs.h"
#include "runtime/run.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	RUNS = 3,
	NAMES_EACH = 3800,
	TURNS = 30,
	TURN = 600 * US_PER_MS,
	NAMES_LONG = 24000,
	TURNS_SOON = 8,
	TURNS_LONG = 60
};

typedef struct Yard {
	Arena *a;
	Str dir;
	Clock clock;
	TimeUs now;
	Processes p;
	Run runs[RUNS];
	int made;
} Yard;

static TimeUs
time_of(void *self)
{
	return ((const Yard *)self)->now;
}

static void
add_name(Yard *y, const Run *run)
{
	int fd = open(str_fmt(y->a, "%s/%d", run->dir.p, y->made++).p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	close(fd);
}

static Yard *
yard_open(void)
{
	Yard *y = calloc(1, sizeof(*y));
	Err err = { 0 };

	y->a = arena_open();
	y->now = 10 * US_PER_S;
	y->clock = (Clock){ .wall = time_of, .mono = time_of, .self = y };
	CHECK_OK(dir_private(y->a, "/tmp", "attune-yard", &y->dir, &err), err);
	y->p.config = (ProcessesConfig){ .clock = &y->clock, .artifacts_dir = y->dir };
	y->p.home_base = y->dir;
	for (int i = 0; i < RUNS; i++) {
		Run *run = &y->runs[i];

		*run = (Run){ .execution = i + 1, .phase = PHASE_RUNNING, .limits.disk_mb = 1000000 };
		run->dir = str_fmt(y->a, "%s/%d", y->dir.p, i);
		CHECK_OK(dirs_make(run->dir.p, 0700, &err), err);
		runs_push(&y->p.live, run);
	}
	return y;
}

static void
yard_done(Yard **at)
{
	Yard *y = *at;

	tally_end(&y->p.disk.tally);
	arena_close(y->p.disk.a);
	CHECK(tree_remove(y->dir.p));
	arena_close(y->a);
	free(y);
}

/* The last one has few; before it are always some that it is time to count again. */
static void
check_last_is_counted(Yard *y)
{
	const Run *last = &y->runs[RUNS - 1];
	int counts = 0;
	TimeUs was = 0;

	for (int i = 0; i < RUNS - 1; i++)
		for (int name = 0; name < NAMES_EACH; name++)
			add_name(y, &y->runs[i]);
	for (int turn = 0; turn < TURNS; turn++) {
		for (int i = 0; i < RUNS; i++)
			add_name(y, &y->runs[i]);
		y->now += TURN;
		(void)disk_tick(&y->p, y->now);
		counts += last->disk.counted != was;
		was = last->disk.counted;
	}
	CHECK(counts >= TURNS / 2 / RUNS);
}

TEST(whoever_has_waited_longest_is_counted_next)
{
	CLEANUP(yard_done) Yard *y = yard_open();

	check_last_is_counted(y);
}

TEST(while_the_disk_is_full_each_run_is_counted_once_before_any_is_again)
{
	CLEANUP(yard_done) Yard *y = yard_open();

	y->p.config.disk_reserve_mb = 1 << 30;
	for (int i = 0; i < RUNS; i++)
		y->runs[i].limits.disk_mb = 0; /* counted only then */
	check_last_is_counted(y);
}

TEST(a_run_whose_count_takes_long_is_left_for_the_others_and_counted_in_the_end)
{
	CLEANUP(yard_done) Yard *y = yard_open();
	const Run *big = &y->runs[0], *last = &y->runs[RUNS - 1];
	int turn = 0;

	for (int name = 0; name < NAMES_LONG; name++)
		add_name(y, big);
	for (; turn < TURNS_SOON; turn++)
		(void)disk_tick(&y->p, y->now += TURN);
	CHECK(last->disk.counted != 0);
	CHECK(big->disk.bytes > 0);
	for (; turn < TURNS_LONG && big->disk.bytes < NAMES_LONG * (uint64_t)4096; turn++)
		(void)disk_tick(&y->p, y->now += TURN);
	CHECK(turn < TURNS_LONG);
}
