#include "base/codec.h"

static const char base64_standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

static Str
encode64(Arena *a, Str bytes, const char *alphabet, bool pad)
{
	char *out = arena_alloc_raw(a, (bytes.n / 3 + 1) * 4 + 1);
	size_t o = 0;

	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		uint32_t v = (uint32_t)(unsigned char)bytes.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)(unsigned char)bytes.p[i + 1] << 8;
		if (left > 2)
			v |= (unsigned char)bytes.p[i + 2];
		out[o++] = alphabet[v >> 18];
		out[o++] = alphabet[v >> 12 & 63];
		if (left > 1)
			out[o++] = alphabet[v >> 6 & 63];
		else if (pad)
			out[o++] = '=';
		if (left > 2)
			out[o++] = alphabet[v & 63];
		else if (pad)
			out[o++] = '=';
	}
	out[o] = '\0';
	return (Str){ out, o };
}

Str
base64_encode(Arena *a, Str bytes)
{
	return encode64(a, bytes, base64_standard, true);
}

Str
base64url_encode(Arena *a, Str bytes)
{
	return encode64(a, bytes, base64_url, false);
}

static int
value64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* Takes padding off; false when there is some that does not fill up to four. */
static bool
unpad(Str *text)
{
	size_t n = text->n;

	while (n > 0 && text->n - n < 2 && text->p[n - 1] == '=')
		n--;
	if (n != text->n && text->n % 4 != 0)
		return false;
	text->n = n;
	return n % 4 != 1;
}

bool
base64_decode(Arena *a, Str text, Str *ret)
{
	uint32_t bits = 0, held = 0;
	size_t o = 0;
	char *out;

	if (!unpad(&text))
		return false;
	out = arena_alloc_raw(a, text.n / 4 * 3 + 3);
	for (size_t i = 0; i < text.n; i++) {
		int v = value64(text.p[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[o++] = (char)(bits >> held);
			bits &= (1u << held) - 1;
		}
	}
	if (bits != 0) /* left-over bits: not what an encoder makes */
		return false;
	out[o] = '\0';
	*ret = (Str){ out, o };
	return true;
}

Str
hex_encode(Arena *a, Str bytes)
{
	char *out = arena_alloc_raw(a, bytes.n * 2 + 1);

	for (size_t i = 0; i < bytes.n; i++) {
		out[2 * i] = hex_digits[(unsigned char)bytes.p[i] >> 4];
		out[2 * i + 1] = hex_digits[(unsigned char)bytes.p[i] & 15];
	}
	out[bytes.n * 2] = '\0';
	return (Str){ out, bytes.n * 2 };
}

static int
value16(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
hex_decode(Arena *a, Str text, Str *ret)
{
	char *out;

	if (text.n % 2 != 0)
		return false;
	out = arena_alloc_raw(a, text.n / 2 + 1);
	for (size_t i = 0; i < text.n; i += 2) {
		int high = value16(text.p[i]), low = value16(text.p[i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (char)(high << 4 | low);
	}
	out[text.n / 2] = '\0';
	*ret = (Str){ out, text.n / 2 };
	return true;
}

/* Length of the valid character at p, of which `left` bytes may be read; 0 when there is none. */
static size_t
char_length(const unsigned char *p, size_t left)
{
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (left < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

size_t
utf8_char(Str s)
{
	return s.n == 0 ? 0 : char_length((const unsigned char *)s.p, s.n);
}

size_t
utf8_valid_prefix(Str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0, n;
	uint64_t eight;

	while (i < s.n) {
		while (s.n - i >= 8) {
			memcpy(&eight, p + i, 8);
			if ((eight & 0x8080808080808080ull) != 0)
				break;
			i += 8;
		}
		if (i == s.n)
			break;
		n = char_length(p + i, s.n - i);
		if (n == 0)
			return i;
		i += n;
	}
	return s.n;
}

bool
utf8_valid(Str s)
{
	return utf8_valid_prefix(s) == s.n;
}

size_t
utf8_length(Str s)
{
	size_t count = 0;

	for (size_t i = 0; i < s.n; i++)
		count += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return count;
}

Str
utf8_clip(Str s, size_t most)
{
	Str head = str_sub(s, 0, most);

	return str_sub(head, 0, utf8_valid_prefix(head));
}

Str
utf8_clean(Arena *a, Str s)
{
	size_t good = utf8_valid_prefix(s);
	Buf b;

	if (good == s.n)
		return s;
	b = buf_open(a);
	while (good < s.n) {
		buf_add(&b, str_sub(s, 0, good));
		buf_text(&b, "\xef\xbf\xbd");
		s = str_sub(s, good + 1, s.n);
		good = utf8_valid_prefix(s);
	}
	buf_add(&b, s);
	return buf_str(&b);
}
