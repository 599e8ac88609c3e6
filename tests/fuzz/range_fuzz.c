/* A range that is taken lies within the content. */
#include "http/range.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t sizes[] = { 0, 1, 10, 4096, UINT64_C(1) << 40 };
	Range r;

	for (size_t i = 0; i < countof(sizes); i++)
		if (range_parse((Str){ (const char *)data, size }, sizes[i], &r) == RANGE_PART &&
		    (r.n == 0 || r.from >= sizes[i] || r.n > sizes[i] - r.from))
			abort();
	return 0;
}
