/*
 * Upper and lower case of the alphabets that have them and map one letter to one: Latin with its extensions, Greek, Cyrillic,
 * Armenian, full-width Latin. The process's locale has no say in it. (The sharp s and its like, which would become two, stay.)
 */
#include "expr/inner.h"

#include "base/codec.h"

/* Capital letters from first to last, every step-th; delta leads to their small ones. */
typedef struct Letters {
	uint16_t first, last, step;
	int16_t delta;
} Letters;

static const Letters letters[] = {
	{ 0x0041, 0x005a, 1, 32 },
	{ 0x00c0, 0x00d6, 1, 32 },
	{ 0x00d8, 0x00de, 1, 32 },
	{ 0x0100, 0x012e, 2, 1 },
	{ 0x0132, 0x0136, 2, 1 },
	{ 0x0139, 0x0147, 2, 1 },
	{ 0x014a, 0x0176, 2, 1 },
	{ 0x0178, 0x0178, 1, -121 },
	{ 0x0179, 0x017d, 2, 1 },
	{ 0x0181, 0x0181, 1, 210 },
	{ 0x0182, 0x0184, 2, 1 },
	{ 0x0186, 0x0186, 1, 206 },
	{ 0x0187, 0x0187, 1, 1 },
	{ 0x0189, 0x018a, 1, 205 },
	{ 0x018b, 0x018b, 1, 1 },
	{ 0x018e, 0x018e, 1, 79 },
	{ 0x018f, 0x018f, 1, 202 },
	{ 0x0190, 0x0190, 1, 203 },
	{ 0x0191, 0x0191, 1, 1 },
	{ 0x0193, 0x0193, 1, 205 },
	{ 0x0194, 0x0194, 1, 207 },
	{ 0x0196, 0x0196, 1, 211 },
	{ 0x0197, 0x0197, 1, 209 },
	{ 0x0198, 0x0198, 1, 1 },
	{ 0x019c, 0x019c, 1, 211 },
	{ 0x019d, 0x019d, 1, 213 },
	{ 0x019f, 0x019f, 1, 214 },
	{ 0x01a0, 0x01a4, 2, 1 },
	{ 0x01a6, 0x01a6, 1, 218 },
	{ 0x01a7, 0x01a7, 1, 1 },
	{ 0x01a9, 0x01a9, 1, 218 },
	{ 0x01ac, 0x01ac, 1, 1 },
	{ 0x01ae, 0x01ae, 1, 218 },
	{ 0x01af, 0x01af, 1, 1 },
	{ 0x01b1, 0x01b2, 1, 217 },
	{ 0x01b3, 0x01b5, 2, 1 },
	{ 0x01b7, 0x01b7, 1, 219 },
	{ 0x01b8, 0x01b8, 1, 1 },
	{ 0x01bc, 0x01bc, 1, 1 },
	{ 0x01c4, 0x01c4, 1, 2 },
	{ 0x01c7, 0x01c7, 1, 2 },
	{ 0x01ca, 0x01ca, 1, 2 },
	{ 0x01cd, 0x01db, 2, 1 },
	{ 0x01de, 0x01ee, 2, 1 },
	{ 0x01f1, 0x01f1, 1, 2 },
	{ 0x01f4, 0x01f4, 1, 1 },
	{ 0x01f6, 0x01f6, 1, -97 },
	{ 0x01f7, 0x01f7, 1, -56 },
	{ 0x01f8, 0x021e, 2, 1 },
	{ 0x0220, 0x0220, 1, -130 },
	{ 0x0222, 0x0232, 2, 1 },
	{ 0x023a, 0x023a, 1, 10795 },
	{ 0x023b, 0x023b, 1, 1 },
	{ 0x023d, 0x023d, 1, -163 },
	{ 0x023e, 0x023e, 1, 10792 },
	{ 0x0241, 0x0241, 1, 1 },
	{ 0x0243, 0x0243, 1, -195 },
	{ 0x0244, 0x0244, 1, 69 },
	{ 0x0245, 0x0245, 1, 71 },
	{ 0x0246, 0x024e, 2, 1 },
	{ 0x0370, 0x0372, 2, 1 },
	{ 0x0376, 0x0376, 1, 1 },
	{ 0x037f, 0x037f, 1, 116 },
	{ 0x0386, 0x0386, 1, 38 },
	{ 0x0388, 0x038a, 1, 37 },
	{ 0x038c, 0x038c, 1, 64 },
	{ 0x038e, 0x038f, 1, 63 },
	{ 0x0391, 0x03a1, 1, 32 },
	{ 0x03a3, 0x03ab, 1, 32 },
	{ 0x03cf, 0x03cf, 1, 8 },
	{ 0x03d8, 0x03ee, 2, 1 },
	{ 0x03f7, 0x03f7, 1, 1 },
	{ 0x03f9, 0x03f9, 1, -7 },
	{ 0x03fa, 0x03fa, 1, 1 },
	{ 0x03fd, 0x03ff, 1, -130 },
	{ 0x0400, 0x040f, 1, 80 },
	{ 0x0410, 0x042f, 1, 32 },
	{ 0x0460, 0x0480, 2, 1 },
	{ 0x048a, 0x04be, 2, 1 },
	{ 0x04c0, 0x04c0, 1, 15 },
	{ 0x04c1, 0x04cd, 2, 1 },
	{ 0x04d0, 0x052e, 2, 1 },
	{ 0x0531, 0x0556, 1, 48 },
	{ 0x1e00, 0x1e94, 2, 1 },
	{ 0x1ea0, 0x1efe, 2, 1 },
	{ 0xff21, 0xff3a, 1, 32 },
};

static int32_t
delta_of(uint32_t c, bool lower)
{
	if (c < 0x80) /* most of what there is */
		return c >= (lower ? 'A' : 'a') && c <= (lower ? 'Z' : 'z') ? (lower ? 32 : -32) : 0;
	for (size_t i = 0; i < countof(letters); i++) {
		const Letters *l = &letters[i];
		int64_t capital = lower ? (int64_t)c : (int64_t)c - l->delta;

		if (capital >= l->first && capital <= l->last && (capital - l->first) % l->step == 0)
			return lower ? l->delta : -l->delta;
	}
	return 0;
}

/* The character at p of n bytes; of four bytes none has cases here. */
static uint32_t
decode(const unsigned char *p, size_t n)
{
	if (n == 1)
		return p[0];
	if (n == 2)
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	return n == 3 ? (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu) : 0;
}

static void
encode(Buf *b, uint32_t c)
{
	if (c >= 0x800)
		buf_char(b, (char)(0xe0 | c >> 12));
	if (c >= 0x800)
		buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
	else if (c >= 0x80)
		buf_char(b, (char)(0xc0 | c >> 6));
	buf_char(b, (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c));
}

static Str
convert(Arena *a, Str s, bool lower)
{
	Buf b = buf_open(a);
	size_t n;
	int32_t delta;

	for (; s.n > 0; s = str_sub(s, n, s.n)) {
		n = utf8_char(s);
		n = n == 0 ? 1 : n;
		delta = delta_of(decode((const unsigned char *)s.p, n), lower);
		if (delta == 0)
			buf_add(&b, str_sub(s, 0, n));
		else
			encode(&b, (uint32_t)((int32_t)decode((const unsigned char *)s.p, n) + delta));
	}
	return buf_str(&b);
}

Str
letters_lower(Arena *a, Str s)
{
	return convert(a, s, true);
}

Str
letters_upper(Arena *a, Str s)
{
	return convert(a, s, false);
}
