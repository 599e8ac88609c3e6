#include "os/thread.h"

#include "test.h"

typedef struct Bell {
	pthread_mutex_t lock;
	pthread_cond_t rung;
	bool rings;
} Bell;

static void
ring(void *self)
{
	Bell *b = self;

	pthread_mutex_lock(&b->lock);
	b->rings = true;
	pthread_cond_signal(&b->rung);
	pthread_mutex_unlock(&b->lock);
}

TEST(a_wait_ends_when_its_time_is_up_and_not_before)
{
	static const TimeUs lengths[] = { -5 * US_PER_S, 0, 1, 20 * US_PER_MS };
	Bell b = { .lock = PTHREAD_MUTEX_INITIALIZER, .rung = PTHREAD_COND_INITIALIZER };

	pthread_mutex_lock(&b.lock);
	for (size_t i = 0; i < countof(lengths); i++) {
		TimeUs from = clock_mono(clock_real());

		while (thread_wait(&b.rung, &b.lock, lengths[i]))
			;
		CHECK(clock_mono(clock_real()) - from >= lengths[i]);
	}
	pthread_mutex_unlock(&b.lock);
}

TEST(whoever_is_woken_does_not_wait_for_the_end_of_its_time)
{
	Bell b = { .lock = PTHREAD_MUTEX_INITIALIZER, .rung = PTHREAD_COND_INITIALIZER };
	Thread t = { 0 };
	Err err = { 0 };

	pthread_mutex_lock(&b.lock);
	CHECK_OK(thread_start(&t, "bell", ring, &b, &err), err);
	while (!b.rings)
		CHECK(thread_wait(&b.rung, &b.lock, INT64_MAX)); /* longer than any clock goes */
	pthread_mutex_unlock(&b.lock);
	thread_join(&t);
}
