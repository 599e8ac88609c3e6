/*
 * What the measuring programs share: samples and their percentiles, and one line "name value" for each figure, which bench_table
 * puts beside the floors.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

#include <sys/types.h>

typedef struct Samples {
	double *v;
	size_t n, cap;
} Samples;

void samples_add(Samples *s, double v);
double samples_at(Samples *s, double share); /* 0.5: the median; sorts */
void samples_done(Samples *s);

void figure(const char *name, double value);
void figures(const char *name, Samples *s); /* name_p50, name_p99 */

/* A bench that cannot measure ends at once, saying what failed. */
void must(bool ok, const Err *err, const char *what);

double rss_kb(pid_t pid); /* memory that it has now */

static inline TimeUs
mono_us(void)
{
	return clock_mono(clock_real());
}

/* One thing done again and again: warms up, then the time of each. */
void repeat(Samples *s, size_t warm, size_t n, void (*once)(void *self), void *self);
