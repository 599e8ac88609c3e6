/*
 * Whatever a zone's file holds: reading it ends within its bytes, and what can be read has stretches in order, and an instant for every
 * wall time.
 */
#include "base/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Zone z;

	if (!zone_parse(a, str_of("Fuzz/Zone"), (Str){ (const char *)data, size }, &z, NULL))
		return 0;
	for (size_t i = 1; i < z.n; i++)
		if (z.from[i] <= z.from[i - 1])
			abort();
	for (int64_t wall = -4000000000; wall < 8000000000; wall += 86400 * 97)
		(void)zone_instant(&z, wall);
	return 0;
}
