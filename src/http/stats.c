#include "http/stats.h"

#include "http/steps.h"

const int stat_codes[STAT_CODES] = { 200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 416,
	422, 429, 500, 501, 502, 503, 504, 0 };

const TimeUs stat_steps[STAT_STEPS] = { 250, 500, 1000, 2500, 5000, 10000, 50000, 250000, 1000000, 10000000 };

/* Only the thread's own: no other adds to it. */
static void
add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + n, memory_order_relaxed);
}

void
stats_note(RouteStats *s, int status, TimeUs took)
{
	size_t code = 0, step = 0;

	while (code + 1 < STAT_CODES && stat_codes[code] != status)
		code++;
	while (step < STAT_STEPS && took > stat_steps[step])
		step++;
	add(&s->codes[code], 1);
	add(&s->steps[step], 1);
	add(&s->us, (uint64_t)took);
}

static void
gather(RouteCounts *to, const RouteStats *s)
{
	for (int i = 0; i < STAT_CODES; i++) {
		uint64_t n = atomic_load_explicit(&s->codes[i], memory_order_relaxed);

		to->codes[i] += n;
		to->n += n;
	}
	for (int i = 0; i <= STAT_STEPS; i++)
		to->steps[i] += atomic_load_explicit(&s->steps[i], memory_order_relaxed);
	to->us += atomic_load_explicit(&s->us, memory_order_relaxed);
}

void
req_server_stats(const Req *q, RouteCounts **ret, size_t *ret_n)
{
	HttpServer *s = q->server;
	size_t all = s->config.route_count + 1, n = 0;
	RouteCounts *counts = arena_array(q->arena, RouteCounts, all);

	for (unsigned at = 0; at < s->config.threads; at++)
		for (size_t i = 0; i < all; i++)
			gather(&counts[i], &s->threads[at].stats[i]);
	for (size_t i = 0; i < all; i++) {
		counts[i].route = i + 1 < all ? &s->config.routes[i] : NULL;
		if (counts[i].n > 0)
			counts[n++] = counts[i];
	}
	*ret = counts;
	*ret_n = n;
}
