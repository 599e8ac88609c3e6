#include "base/uuid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { POOL = 512, VERSION_7 = 0x70, VARIANT = 0x80 };

/* Eight random bytes. Each thread reads a pool at a time: a system call per value would double its price. */
static void
random_bytes(uint8_t out[8])
{
	static _Thread_local uint8_t pool[POOL];
	static _Thread_local size_t left;

	if (left == 0) {
		ssize_t got;

		do
			got = getrandom(pool, sizeof(pool), 0);
		while (got < 0 && errno == EINTR);
		if (got != (ssize_t)sizeof(pool)) {
			fputs("attune: the system gives no random bytes\n", stderr);
			abort();
		}
		left = sizeof(pool);
	}
	left -= 8;
	memcpy(out, pool + left, 8);
	memset(pool + left, 0, 8);
}

Uuid
uuid_new(TimeUs now)
{
	uint64_t ms = (uint64_t)(now / US_PER_MS);
	/* The twelve bits after the version hold the fraction of the millisecond, so that order is finer than that. */
	uint32_t fraction = (uint32_t)(now % US_PER_MS) * 4096 / US_PER_MS;
	Uuid u;

	for (int i = 0; i < 6; i++)
		u.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	u.b[6] = (uint8_t)(VERSION_7 | (fraction >> 8 & 15));
	u.b[7] = (uint8_t)fraction;
	random_bytes(u.b + 8);
	u.b[8] = (uint8_t)(VARIANT | (u.b[8] & 0x3f));
	return u;
}

bool
uuid_none(Uuid u)
{
	return uuid_eq(u, (Uuid){ 0 });
}

bool
uuid_eq(Uuid a, Uuid b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

static bool
dash_before(int byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void
uuid_write(Uuid u, char text[UUID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *out = text;

	for (int i = 0; i < 16; i++) {
		if (dash_before(i))
			*out++ = '-';
		*out++ = digits[u.b[i] >> 4];
		*out++ = digits[u.b[i] & 15];
	}
}

Str
uuid_text(Arena *a, Uuid u)
{
	char *p = arena_alloc_raw(a, UUID_TEXT + 1);

	uuid_write(u, p);
	p[UUID_TEXT] = '\0';
	return (Str){ p, UUID_TEXT };
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
uuid_parse(Str text, Uuid *ret)
{
	const char *p = text.p;
	Uuid u;

	if (text.n != UUID_TEXT)
		return false;
	for (int i = 0; i < 16; i++) {
		int high, low;

		if (dash_before(i) && *p++ != '-')
			return false;
		high = digit_value(*p++);
		low = digit_value(*p++);
		if (high < 0 || low < 0)
			return false;
		u.b[i] = (uint8_t)(high << 4 | low);
	}
	*ret = u;
	return true;
}
