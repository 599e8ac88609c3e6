#include "http/http.h"

#include "server.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: h\r\n"

/* Until the handler has been called that often; then it sleeps, or is just about to. */
static void
until_called(TestServer *s, int n)
{
	while (s->calls < n)
		sched_yield();
}

TEST(a_wake_calls_the_handler_again)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	int fd = test_connect(s);

	test_send(fd, str_of("GET /wait/7/60000 HTTP/1.1\r\n" HOST "\r\n"));
	until_called(s, 1);
	s->done = 1;
	http_wake(s->http, 7);
	CHECK_STR(test_reply(s, fd).body, str_of("{\"data\":\"waited 1\"}"));
	/* the connection goes on afterwards */
	test_send(fd, str_of("GET /ping HTTP/1.1\r\n" HOST "\r\n"));
	CHECK_INT(test_reply(s, fd).status, 200);
	close(fd);
}

TEST(a_wake_for_another_key_wakes_nobody)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	int fd = test_connect(s);
	TimeUs begun = clock_mono(clock_real());

	test_send(fd, str_of("GET /wait/7/300 HTTP/1.1\r\n" HOST "\r\n"));
	until_called(s, 1);
	http_wake(s->http, 8);
	CHECK_STR(test_reply(s, fd).body, str_of("{\"data\":\"waited 0\"}"));
	CHECK(clock_mono(clock_real()) - begun >= 300 * US_PER_MS);
	CHECK_INT(s->calls, 2);
	close(fd);
}

TEST(a_sleeping_request_keeps_no_thread)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open_with(0, 0, 1);
	int fds[100];

	for (int i = 0; i < 100; i++) {
		fds[i] = test_connect(s);
		test_send(fds[i], str_of("GET /wait/7/60000 HTTP/1.1\r\n" HOST "\r\n"));
	}
	until_called(s, 100);
	CHECK_INT(test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "\r\n").status, 200);
	s->done = 1;
	http_wake(s->http, 7);
	for (int i = 0; i < 100; i++) {
		CHECK_INT(test_reply(s, fds[i]).status, 200);
		close(fds[i]);
	}
}

TEST(no_wake_is_lost_between_looking_and_sleeping)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	int fd = test_connect(s);

	for (int i = 0; i < 2000; i++) {
		int before = s->calls;

		s->done = 0;
		test_send(fd, str_of("GET /wait/7/600000 HTTP/1.1\r\n" HOST "\r\n"));
		if (i % 3 != 0)
			until_called(s, before + 1);
		s->done = 1;
		http_wake(s->http, 7);
		CHECK_INT(test_reply(s, fd).status, 200);
	}
	close(fd);
}

TEST(a_group_is_woken_at_once_on_all_threads)
{
	enum { ASKERS = 24, ROUNDS = 50 };
	CLEANUP(test_server_done) TestServer *s = test_server_open();
	int64_t keys[ASKERS];
	int fds[ASKERS];

	for (int i = 0; i < ASKERS; i++) {
		keys[i] = 100 + i;
		fds[i] = test_connect(s);
	}
	for (int round = 0; round < ROUNDS; round++) {
		int before = s->calls;

		s->done = 0;
		for (int i = 0; i < ASKERS; i++)
			test_send(fds[i], str_fmt(s->a, "GET /wait/%d/600000 HTTP/1.1\r\n" HOST "\r\n", (int)keys[i]));
		if (round % 3 != 0)
			until_called(s, before + ASKERS);
		s->done = 1;
		http_wake_all(s->http, keys, ASKERS);
		for (int i = 0; i < ASKERS; i++)
			CHECK_INT(test_reply(s, fds[i]).status, 200);
	}
	for (int i = 0; i < ASKERS; i++)
		close(fds[i]);
}

TEST(a_client_that_leaves_while_it_waits_harms_nobody)
{
	CLEANUP(test_server_done) TestServer *s = test_server_open();

	for (int i = 0; i < 50; i++) {
		struct linger hard = { .l_onoff = 1 };
		int fd = test_connect(s);

		test_send(fd, str_of("GET /wait/7/60000 HTTP/1.1\r\n" HOST "\r\n"));
		until_called(s, i + 1);
		if (i % 2 == 0)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)); /* a reset instead of an end */
		close(fd);
	}
	s->done = 1;
	http_wake(s->http, 7);
	CHECK_INT(test_ask(s, "GET /ping HTTP/1.1\r\n" HOST "\r\n").status, 200);
}

TEST(stopping_answers_those_who_sleep)
{
	TestServer *s = test_server_open();
	int fd = test_connect(s), gone = test_connect(s), idle = test_connect(s);
	TimeUs begun = clock_mono(clock_real());
	Reply r;

	test_send(fd, str_of("GET /forever HTTP/1.1\r\n" HOST "\r\n"));
	test_send(gone, str_of("GET /forever HTTP/1.1\r\n" HOST "\r\n"));
	until_called(s, 2);
	close(gone);
	http_stop(s->http, 600 * US_PER_S);
	CHECK(clock_mono(clock_real()) - begun < 60 * US_PER_S);
	r = test_reply(s, fd);
	CHECK_REFUSED(r, 503, "UNAVAILABLE");
	CHECK_STR(test_header(&r, "Connection"), str_of("close"));
	CHECK(test_ended(idle));
	CHECK_INT(s->opened, s->closed);
	close(fd);
	close(idle);
	arena_close(s->a);
	free(s);
}

static void *
stop_main(void *self)
{
	TestServer *s = self;

	http_stop(s->http, 5 * US_PER_S);
	return NULL;
}

TEST(stopping_lets_a_running_request_finish)
{
	TestServer *s = test_server_open();
	int fd = test_connect(s);
	pthread_t stopper;

	test_send(fd, str_of("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
	while (s->held != 2)
		sched_yield();
	CHECK(pthread_create(&stopper, NULL, stop_main, s) == 0);
	s->held = 0;
	CHECK_INT(test_reply(s, fd).status, 204);
	pthread_join(stopper, NULL);
	close(fd);
	arena_close(s->a);
	free(s);
}
