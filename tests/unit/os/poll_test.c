#include "os/poll.h"
#include "os/signals.h"
#include "os/thread.h"

#include "test.h"

#include <signal.h>
#include <stdatomic.h>
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

typedef struct Feed {
	Poll p;
	atomic_int put, seen;
} Feed;

enum { FED = 100000 };

static void
feed_it(void *self)
{
	Feed *f = self;

	for (int i = 0; i < FED; i++) {
		atomic_fetch_add(&f->put, 1);
		poll_wake(&f->p);
		for (volatile int pause = i * 7919 % 1500; pause > 0; pause--)
			; /* so that wakes fall into every moment of the other's waking up */
		while (i % 64 == 0 && atomic_load(&f->seen) < atomic_load(&f->put))
			;
	}
}

TEST(what_was_put_down_before_a_wake_is_always_found)
{
	enum { LONG_US = 20 * US_PER_S };
	static Feed f;
	void *ready[4];
	Thread t = { 0 };
	Err err = { 0 };
	bool woken;

	CHECK_OK(poll_open(&f.p, &err), err);
	CHECK_OK(thread_start(&t, "feeder", feed_it, &f, &err), err);
	while (atomic_load(&f.seen) < FED) {
		atomic_store(&f.seen, atomic_load(&f.put));
		if (atomic_load(&f.seen) == FED)
			break;
		poll_wait(&f.p, LONG_US, ready, 4, &woken);
		if (!woken)
			test_fail(__FILE__, __LINE__, "a wake was lost: %d put, %d seen", atomic_load(&f.put),
			    atomic_load(&f.seen));
	}
	thread_join(&t);
	poll_close(&f.p);
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
