/* Nothing that was not sealed opens, whatever it looks like. */
#include "base/vault.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Vault *v;
	Str plain;
	Err err = { 0 };

	if (!vault_open(a, str_of("0123456789abcdef0123456789abcdef"), NULL, &v, &err) ||
	    vault_unseal(v, a, str_of("place"), (Str){ (const char *)data, size }, &plain, &err) ||
	    err.code != ERR_CORRUPT)
		abort();
	return 0;
}
