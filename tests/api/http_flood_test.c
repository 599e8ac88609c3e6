/*
 * More connections at once than the server takes, or its threads have time for.
 */
#include "server.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PING "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"

enum { MOST = 40, BURST = 200, WAVES = 4, SETTLE_MS = 50, STARVED_MS = 600 };

static struct sockaddr_in
address_of(const TestServer *s)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port), .sin_addr = { htonl(INADDR_LOOPBACK) }
	};
}

static void
burst_open(const TestServer *s, int fds[BURST])
{
	struct sockaddr_in at = address_of(s);

	for (int i = 0; i < BURST; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		CHECK(fds[i] >= 0);
		CHECK(connect(fds[i], (struct sockaddr *)&at, sizeof(at)) == 0 || errno == EINPROGRESS);
	}
}

static void
burst_close(const int fds[BURST])
{
	for (int i = 0; i < BURST; i++)
		close(fds[i]);
}

static int
hold(TestServer *s)
{
	int fd = test_connect(s);

	test_send(fd, str_of("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
	while (s->held != 2)
		sched_yield();
	return fd;
}

static void
let_go(TestServer *s, int fd)
{
	s->held = 1;
	CHECK_INT(test_reply(s, fd).status, 204);
	close(fd);
}

/* The only thread is busy, so that all of them come before it looks at the first. */
TEST(a_burst_beyond_the_limit_waits_in_line_and_the_server_goes_on)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_for(MOST, 1);
	int fds[BURST];

	for (int wave = 0; wave < WAVES; wave++) {
		int fd = hold(s);

		burst_open(s, fds);
		(void)poll(NULL, 0, SETTLE_MS);
		let_go(s, fd);
		burst_close(fds);
		CHECK_INT(test_ask(s, PING).status, 200);
	}
}

TEST(several_threads_stand_bursts_too)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_for(MOST, 3);
	int fds[BURST];

	for (int wave = 0; wave < WAVES; wave++) {
		burst_open(s, fds);
		(void)poll(NULL, 0, SETTLE_MS);
		burst_close(fds);
		CHECK_INT(test_ask(s, PING).status, 200);
	}
}

/* Each asks before the first is listened to. */
static void
all_are_answered(TestServer *s, int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fds[i] = test_connect(s);
		test_send(fds[i], str_of(PING));
	}
	for (size_t i = 0; i < n; i++) {
		CHECK_INT(test_reply(s, fds[i]).status, 200);
		close(fds[i]);
	}
}

/* Those in line are not forgotten: each has its turn when others go. */
TEST(who_stands_in_line_is_answered_in_the_end)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_for(MOST, 2);
	int fds[MOST * 3];

	all_are_answered(s, fds, countof(fds));
}

TEST(a_server_that_is_full_ends_while_more_stand_in_line)
{
	TestServer *s = test_server_open_for(MOST, 2);
	TimeUs begun = clock_mono(clock_real());
	int fds[BURST];

	burst_open(s, fds);
	http_stop(s->http, 600 * US_PER_S); /* which are not waited for */
	CHECK(clock_mono(clock_real()) - begun < 60 * US_PER_S);
	CHECK_INT(s->opened, s->closed);
	burst_close(fds);
	arena_close(s->a);
	free(s);
}

/* All that are connected send while the only thread is busy, and then nothing else happens. */
static void
answers_at_once(int n)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_with(0, 600 * US_PER_S, 1);
	int fds[BURST * 2], held;

	for (int i = 0; i < n; i++) {
		fds[i] = test_connect(s);
		test_send(fds[i], str_of(PING));
		CHECK_INT(test_reply(s, fds[i]).status, 200);
	}
	held = hold(s);
	for (int i = 0; i < n; i++)
		test_send(fds[i], str_of(PING));
	s->held = 1;
	for (int i = 0; i < n; i++) {
		CHECK_INT(test_reply(s, fds[i]).status, 200);
		close(fds[i]);
	}
	close(held);
}

/* libmicrohttpd looks at 128 events at a time, and when it found as many, it waits for more before it serves any. */
TEST(any_number_that_is_ready_at_once_is_answered)
{
	static const int numbers[] = { 127, 128, 129, 255, 256, 257, 384 };

	for (size_t i = 0; i < countof(numbers); i++)
		answers_at_once(numbers[i]);
}

/* Whoever comes while one thread is away in a handler is served by the other, not by turns. */
TEST(nobody_waits_for_a_thread_that_is_busy_while_another_is_idle)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_with(0, 0, 2);
	int held = hold(s), fds[MOST];

	all_are_answered(s, fds, countof(fds));
	let_go(s, held);
}

TEST(a_connection_that_is_handed_over_gives_its_place_back)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_for(MOST, 2);

	for (int i = 0; i < MOST * 3; i++)
		CHECK_INT(
		    test_ask(s, "GET /switch HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
			.status,
		    101);
	CHECK_INT(test_ask(s, PING).status, 200);
}

static TimeUs
cpu_used(void)
{
	struct rusage u = { 0 };

	CHECK(getrusage(RUSAGE_SELF, &u) == 0);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * US_PER_S + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

TEST(without_a_descriptor_they_wait_and_nothing_spins)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	struct sockaddr_in at = address_of(s);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct rlimit was, none;
	TimeUs begun;

	CHECK(fd >= 0 && getrlimit(RLIMIT_NOFILE, &was) == 0);
	none = was;
	none.rlim_cur = (rlim_t)fd;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	begun = cpu_used();
	CHECK(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	test_send(fd, str_of(PING));
	CHECK(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, STARVED_MS) == 0);
	CHECK(cpu_used() - begun < STARVED_MS * US_PER_MS / 4);
	CHECK(setrlimit(RLIMIT_NOFILE, &was) == 0);
	CHECK_INT(test_reply(s, fd).status, 200);
	close(fd);
}
