#include "os/poll.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64 };

bool
poll_open(Poll *p, Err *err)
{
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd < 0)
		return err_sys(err, errno, "epoll");
	atomic_init(&p->woken, false);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake_fd < 0) {
		int why = errno;

		close(p->fd);
		return err_sys(err, why, "eventfd");
	}
	if (!poll_add(p, p->wake_fd, NULL, err)) {
		poll_close(p);
		return false;
	}
	return true;
}

void
poll_close(Poll *p)
{
	close(p->wake_fd);
	close(p->fd);
	p->fd = p->wake_fd = -1;
}

bool
poll_add(Poll *p, int fd, void *owner, Err *err)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = owner };

	if (epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &e) < 0)
		return err_sys(err, errno, "watch descriptor %d", fd);
	return true;
}

void
poll_want(Poll *p, int fd, void *owner, bool readable, bool writable)
{
	struct epoll_event e = { .events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U), .data.ptr = owner };

	(void)epoll_ctl(p->fd, EPOLL_CTL_MOD, fd, &e);
}

void
poll_remove(Poll *p, int fd)
{
	(void)epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
}

static void
wake_taken(Poll *p)
{
	uint64_t count;

	/* The flag falls last. The other way round, a wake in between would write what is read here and leave the flag up: no later
	 * wake would write again. A wake that finds the flag still up is not lost: its owner looks after this wait. */
	while (read(p->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	atomic_store(&p->woken, false);
}

size_t
poll_wait(Poll *p, TimeUs timeout, void **ret_owners, size_t max, bool *ret_woken)
{
	struct epoll_event events[BATCH];
	struct timespec ts = { .tv_sec = timeout / US_PER_S, .tv_nsec = (timeout % US_PER_S) * 1000 };
	int room = max < BATCH ? (int)max : BATCH;
	size_t n = 0;
	int got;

	*ret_woken = false;
	got = epoll_pwait2(p->fd, events, room, timeout < 0 ? NULL : &ts, NULL);
	for (int i = 0; i < got; i++) {
		if (events[i].data.ptr == NULL) {
			wake_taken(p);
			*ret_woken = true;
		} else {
			ret_owners[n++] = events[i].data.ptr;
		}
	}
	return n;
}

void
poll_wake(Poll *p)
{
	uint64_t one = 1;

	if (atomic_exchange(&p->woken, true))
		return;
	while (write(p->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}
