#include "os/poll.h"
#include "os/signals.h"
#include "os/thread.h"

#include "test.h"

#include <signal.h>
#include <unistd.h>

static void
wake_it(void *self)
{
	poll_wake(self);
}

TEST(a_wake_from_another_thread_ends_the_wait_and_is_told_once)
{
	void *ready[4];
	Thread t = { 0 };
	Err err = { 0 };
	bool woken;
	Poll p;

	CHECK_OK(poll_open(&p, &err), err);
	CHECK_OK(thread_start(&t, "waker", wake_it, &p, &err), err);
	CHECK_INT(poll_wait(&p, -1, ready, 4, &woken), 0);
	CHECK(woken);
	thread_join(&t);
	CHECK_INT(poll_wait(&p, 0, ready, 4, &woken), 0);
	CHECK(!woken);
	poll_wake(&p);
	poll_wake(&p);
	CHECK_INT(poll_wait(&p, -1, ready, 4, &woken), 0);
	CHECK(woken);
	poll_close(&p);
}

/* The test is linked with read wrapped, so that another thread's wake can be put into the moment at which poll_wait empties its
 * eventfd: `between` is woken once, before the bytes are taken or after. */
ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);

static Poll *between;
static bool before_taken;

ssize_t
__wrap_read(int fd, void *to, size_t size)
{
	Poll *p = between;
	ssize_t got;

	between = NULL;
	if (p != NULL && before_taken)
		poll_wake(p);
	got = __real_read(fd, to, size);
	if (p != NULL && !before_taken)
		poll_wake(p);
	return got;
}

TEST(a_wake_that_comes_while_another_is_taken_swallows_no_later_one)
{
	void *ready[4];
	Err err = { 0 };
	bool woken;
	Poll p;

	CHECK_OK(poll_open(&p, &err), err);
	for (int after = 0; after < 2; after++) {
		before_taken = after == 0;
		poll_wake(&p);
		between = &p;
		poll_wait(&p, 0, ready, 4, &woken);
		CHECK(woken);
		CHECK(between == NULL);             /* it did come in between */
		poll_wait(&p, 0, ready, 4, &woken); /* that one may be told again, or not */
		poll_wake(&p);
		poll_wait(&p, 0, ready, 4, &woken);
		CHECK(woken);
	}
	poll_close(&p);
}

TEST(a_readable_descriptor_gives_its_owner)
{
	int ends[2], mark = 0;
	void *ready[4];
	Err err = { 0 };
	bool woken;
	Poll p;

	CHECK_OK(poll_open(&p, &err), err);
	CHECK_INT(pipe(ends), 0);
	CHECK_OK(poll_add(&p, ends[0], &mark, &err), err);
	CHECK_INT(poll_wait(&p, 1000, ready, 4, &woken), 0);
	CHECK_INT(write(ends[1], "x", 1), 1);
	CHECK_INT(poll_wait(&p, -1, ready, 4, &woken), 1);
	CHECK(ready[0] == &mark && !woken);
	poll_remove(&p, ends[0]);
	CHECK_INT(poll_wait(&p, 0, ready, 4, &woken), 0);
	close(ends[0]);
	close(ends[1]);
	poll_close(&p);
}

TEST(signals_come_as_events)
{
	Err err = { 0 };
	int fd;

	CHECK_OK(signals_open(&fd, &err), err);
	CHECK_INT(signals_next(fd), 0);
	CHECK_INT(signals_wait(fd, 1000), 0);
	CHECK_INT(kill(getpid(), SIGTERM), 0);
	CHECK_INT(signals_wait(fd, -1), SIGTERM);
	CHECK_INT(signals_next(fd), 0);
	CHECK_STR(str_of(signal_name(SIGKILL)), str_of("SIGKILL"));
	signals_close(fd);
}
