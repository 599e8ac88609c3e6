/*
 * What a flood of logins does to everybody else: other requests at a steady pace, without it and with it in turn, and how soon those
 * logins that are too many are told so.
 *   bench_flood DIR ATTUNE
 */
#include "report.h"
#include "up.h"
#include "wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	ROUNDS = 3, /* each quiet, then flooded */
	ROUND_US = 3000000,
	READERS = 4,
	READ_EVERY_US = READERS * 2000, /* 500 a second together */
	GUESSERS = 24,
	GUESS_EVERY_US = GUESSERS * 5000, /* 200 a second together */
};

typedef struct Asker {
	pthread_t thread;
	int port, number;
	bool guesses;
	TimeUs from, every;
	Samples s, refused;
	size_t asked;
} Asker;

static size_t
request_of(const Asker *k, int turn, char *to, size_t room)
{
	char body[128];

	if (!k->guesses)
		return wire_request(to, room, "GET", "/api/v1/actions/core.echo", NULL);
	/* nobody twice: who has failed would wait for that, not for the hashing */
	snprintf(body, sizeof(body), "{\"login\":\"nobody-%d-%d-%lld\",\"password\":\"not the right one\"}", k->number,
	    turn, (long long)k->from);
	return wire_request(to, room, "POST", "/auth/login", body);
}

static void
until(TimeUs due)
{
	TimeUs wait = due - mono_us();

	if (wait > 0)
		nanosleep(&(struct timespec){ .tv_sec = wait / US_PER_S, .tv_nsec = wait % US_PER_S * 1000 }, NULL);
}

static void *
asker_run(void *self)
{
	Asker *k = self;
	char request[2048], *answer = malloc(WIRE_ANSWER_MAX);
	int fd = wire_open(k->port);

	for (int i = 0; i * k->every < ROUND_US; i++) {
		TimeUs due = k->from + i * k->every, now;
		size_t n = request_of(k, i, request, sizeof(request));
		int status;
		double ms;

		until(due);
		if (k->guesses) /* one that waits for its hash does not make up for it afterwards */
			due = mono_us();
		status = wire_call(fd, request, n, answer);
		now = mono_us();
		ms = (double)(now - due) / US_PER_MS;
		must(status == (k->guesses ? 401 : 200) || (k->guesses && status == 429), NULL, answer);
		samples_add(status == 429 ? &k->refused : &k->s, ms);
		k->asked++;
		while (k->guesses && k->from + (i + 1) * k->every < now)
			i++;
	}
	close(fd);
	free(answer);
	return NULL;
}

static void
add_all(Samples *to, Samples *from)
{
	for (size_t i = 0; i < from->n; i++)
		samples_add(to, from->v[i]);
	samples_done(from);
}

typedef struct Flood {
	int port;
	Samples quiet, flooded, refused, hashed;
	size_t guesses;
} Flood;

static void
round_run(Flood *f, bool flooded)
{
	Asker all[READERS + GUESSERS] = { 0 };
	size_t n = flooded ? READERS + GUESSERS : READERS;
	TimeUs from = mono_us() + 20 * US_PER_MS;

	for (size_t i = 0; i < n; i++) {
		Asker *k = &all[i];

		k->port = f->port;
		k->number = (int)i;
		k->guesses = i >= READERS;
		k->every = k->guesses ? GUESS_EVERY_US : READ_EVERY_US;
		k->from = from + (TimeUs)i * (k->guesses ? GUESS_EVERY_US / GUESSERS : READ_EVERY_US / READERS);
		must(pthread_create(&k->thread, NULL, asker_run, k) == 0, NULL, "thread");
	}
	for (size_t i = 0; i < n; i++) {
		pthread_join(all[i].thread, NULL);
		f->guesses += all[i].guesses ? all[i].asked : 0;
		add_all(&f->refused, &all[i].refused);
		add_all(all[i].guesses ? &f->hashed : flooded ? &f->flooded : &f->quiet, &all[i].s);
	}
}

int
main(int argc, char **argv)
{
	Flood f = { 0 };
	Up u;

	must(argc == 3, NULL, "usage: bench_flood DIR ATTUNE");
	u = up_start(argv[2], argv[1]);
	f.port = u.port;
	for (int i = 0; i < ROUNDS * 2; i++)
		round_run(&f, i % 2 == 1);
	figures("flood_quiet_ms", &f.quiet);
	figures("flood_other_ms", &f.flooded);
	figure("flood_logins_per_s", (double)f.guesses * US_PER_S / (ROUNDS * (double)ROUND_US));
	figures("flood_checked_ms", &f.hashed);
	figures("flood_refused_ms", &f.refused);
	samples_done(&f.quiet);
	samples_done(&f.flooded);
	samples_done(&f.refused);
	samples_done(&f.hashed);
	up_stop(&u);
	return 0;
}
