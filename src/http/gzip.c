#include "http/gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum {
	LEVEL = 2,        /* JSON shrinks to a tenth or so at any level; this is the fast end */
	WINDOW = 15 + 16, /* with the gzip header */
	MEMORY = 8,
};

struct Gzip {
	z_stream z;
};

static Gzip *
gzip_open(void)
{
	Gzip *g = calloc(1, sizeof(Gzip));

	if (g == NULL)
		abort();
	if (deflateInit2(&g->z, LEVEL, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK)
		return g;
	free(g);
	return NULL;
}

bool
gzip_bytes(Gzip **g, Arena *a, Str bytes, Str *ret)
{
	unsigned char *out;
	z_stream *z;

	if (*g == NULL)
		*g = gzip_open();
	if (*g == NULL || bytes.n > INT_MAX || deflateReset(&(*g)->z) != Z_OK)
		return false;
	z = &(*g)->z;
	out = arena_alloc_raw(a, bytes.n);
	z->next_in = (unsigned char *)(uintptr_t)bytes.p;
	z->avail_in = (unsigned)bytes.n;
	z->next_out = out;
	z->avail_out = (unsigned)bytes.n;
	if (deflate(z, Z_FINISH) != Z_STREAM_END)
		return false;
	*ret = (Str){ (const char *)out, bytes.n - z->avail_out };
	return true;
}

void
gzip_close(Gzip *g)
{
	if (g == NULL)
		return;
	deflateEnd(&g->z);
	free(g);
}
