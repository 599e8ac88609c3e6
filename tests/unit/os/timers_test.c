#include "os/timers.h"

#include "test.h"

#include <stdlib.h>

enum { MANY = 2000 };

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

TEST(timers_come_in_order_of_their_due_times_however_they_were_moved)
{
	Timer *all = calloc(MANY, sizeof(Timer)), *t;
	Timers heap = { 0 };
	uint32_t seed = 7;
	TimeUs last = 0;
	size_t live = 0, taken = 0;

	for (int round = 0; round < 5 * MANY; round++) {
		Timer *one = &all[next(&seed) % MANY];

		if (next(&seed) % 4 == 0)
			timers_clear(&heap, one);
		else
			timers_set(&heap, one, 1 + next(&seed) % 1000);
	}
	for (size_t i = 0; i < MANY; i++)
		live += all[i].due != 0;
	CHECK_INT(heap.n, live);
	CHECK(timers_take(&heap, 0) == NULL);
	while (timers_next(&heap) != 0) {
		TimeUs due = timers_next(&heap);

		CHECK(due >= last);
		last = due;
		CHECK(timers_take(&heap, due - 1) == NULL);
		t = timers_take(&heap, due);
		CHECK(t != NULL && t->due == 0);
		taken++;
	}
	CHECK_INT(taken, live);
	timers_close(&heap);
	free(all);
}
