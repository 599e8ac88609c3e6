#include "report.h"

#include <stdio.h>
#include <stdlib.h>

void
samples_add(Samples *s, double v)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 512 : s->cap * 2;
		s->v = realloc(s->v, s->cap * sizeof(*s->v));
		if (s->v == NULL)
			abort();
	}
	s->v[s->n++] = v;
}

static int
by_value(const void *x, const void *y)
{
	double l = *(const double *)x, r = *(const double *)y;

	return (l > r) - (l < r);
}

double
samples_at(Samples *s, double share)
{
	size_t at = (size_t)((double)s->n * share);

	if (s->n == 0)
		return 0;
	qsort(s->v, s->n, sizeof(*s->v), by_value);
	return s->v[at < s->n ? at : s->n - 1];
}

void
samples_done(Samples *s)
{
	free(s->v);
	*s = (Samples){ 0 };
}

void
figure(const char *name, double value)
{
	printf("%s %.3f\n", name, value);
	fflush(stdout);
}

void
figures(const char *name, Samples *s)
{
	printf("%s_p50 %.3f\n%s_p99 %.3f\n", name, samples_at(s, 0.5), name, samples_at(s, 0.99));
	fflush(stdout);
}

void
must(bool ok, const Err *err, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, err == NULL ? "failed" : err->text);
	exit(1);
}

void
repeat(Samples *s, size_t warm, size_t n, void (*once)(void *self), void *self)
{
	for (size_t i = 0; i < warm + n; i++) {
		TimeUs began = mono_us();

		once(self);
		if (i >= warm)
			samples_add(s, (double)(mono_us() - began));
	}
}

double
rss_kb(pid_t pid)
{
	char path[64], line[256];
	double kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0)
			kb = atof(line + 6);
	if (f != NULL)
		fclose(f);
	return kb;
}
