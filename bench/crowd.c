#include "crowd.h"

#include "wire.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINES = 16, RUN_US = 2000000 };

typedef struct Asker {
	pthread_t thread;
	int fd;
	const char *request;
	size_t n;
	int status;
	TimeUs until;
	Samples s;
	char *answer;
} Asker;

static void *
asker_run(void *self)
{
	Asker *k = self;
	TimeUs began = mono_us(), now = began;

	for (; now < k->until; began = now) {
		must(wire_call(k->fd, k->request, k->n, k->answer) == k->status, NULL, k->answer);
		now = mono_us();
		samples_add(&k->s, (double)(now - began) / US_PER_MS);
	}
	return NULL;
}

double
crowd_run(int port, const char *request, size_t n, int status, Samples *all)
{
	Asker *askers = calloc(LINES, sizeof(Asker));
	TimeUs began = mono_us();
	double took;

	for (int i = 0; i < LINES; i++) {
		Asker *k = &askers[i];

		*k = (Asker){ .fd = wire_open(port),
			.request = request,
			.n = n,
			.status = status,
			.until = began + RUN_US,
			.answer = malloc(WIRE_ANSWER_MAX) };
		must(pthread_create(&k->thread, NULL, asker_run, k) == 0, NULL, "thread");
	}
	for (int i = 0; i < LINES; i++) {
		pthread_join(askers[i].thread, NULL);
		for (size_t k = 0; k < askers[i].s.n; k++)
			samples_add(all, askers[i].s.v[k]);
		samples_done(&askers[i].s);
		close(askers[i].fd);
		free(askers[i].answer);
	}
	free(askers);
	took = (double)(mono_us() - began) / US_PER_S;
	return (double)all->n / took;
}
