#include "base/address.h"

#include <arpa/inet.h>

enum { TEXT_MAX = 64, V4_AT = 12, V4_BITS = 96, ALL_BITS = 128 };

/* Cuts the port off, and the brackets that IPv6 needs then. */
static Str
without_port(Str text)
{
	size_t at;

	if (text.n == 0)
		return text;
	if (str_starts(text, str_of("[")) && str_find(text, str_of("]"), &at))
		return at + 1 == text.n || text.p[at + 1] == ':' ? str_sub(text, 1, at) : (Str){ 0 };
	if (str_find(text, str_of(":"), &at) && !str_find(str_sub(text, at + 1, text.n), str_of(":"), NULL))
		return str_sub(text, 0, at);
	return text;
}

bool
address_parse(Str text, Address *ret)
{
	char copy[TEXT_MAX];

	if (text.n == 0)
		return false;
	text = without_port(str_trim(text));
	if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	*ret = (Address){ .b = { [V4_AT - 2] = 0xff, [V4_AT - 1] = 0xff } };
	return inet_pton(AF_INET, copy, ret->b + V4_AT) == 1 || inet_pton(AF_INET6, copy, ret->b) == 1;
}

bool
network_parse(Str text, Network *ret)
{
	Str rest = text.n == 0 ? str_of("") : str_trim(text), head = rest;
	int64_t bits = ALL_BITS;
	bool v4;
	size_t at;

	if (str_find(rest, str_of("/"), &at)) {
		head = str_sub(rest, 0, at);
		if (!str_to_int(str_sub(rest, at + 1, rest.n), &bits) || bits < 0)
			return false;
	}
	v4 = !str_find(head, str_of(":"), NULL);
	if (v4 && bits < ALL_BITS)
		bits = bits > 32 ? ALL_BITS + 1 : bits + V4_BITS;
	if (bits > ALL_BITS || !address_parse(head, &ret->base))
		return false;
	ret->bits = (unsigned)bits;
	return true;
}

bool
network_holds(const Network *n, const Address *a)
{
	unsigned whole = n->bits / 8, part = n->bits % 8;
	unsigned char mask = (unsigned char)(0xff00u >> part);

	if (memcmp(n->base.b, a->b, whole) != 0)
		return false;
	return part == 0 || (n->base.b[whole] & mask) == (a->b[whole] & mask);
}

static bool
is_trusted(const Address *a, const Network *trusted, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (network_holds(&trusted[i], a))
			return true;
	return false;
}

/* Cuts the part behind the last comma off *rest. */
static Str
last_cut(Str *rest)
{
	size_t at = rest->n;
	Str last;

	while (at > 0 && rest->p[at - 1] != ',')
		at--;
	last = str_trim(str_sub(*rest, at, rest->n));
	*rest = str_sub(*rest, 0, at == 0 ? 0 : at - 1);
	return last;
}

Str
address_of_client(Arena *a, Str peer, Str forwarded_for, Str real_ip, const Network *trusted, size_t n)
{
	Str rest = forwarded_for, one = { 0 };
	Address at;

	if (!address_parse(peer, &at))
		return (Str){ 0 };
	if (!is_trusted(&at, trusted, n))
		return peer;
	if (str_none(rest) || rest.n == 0) {
		if (str_none(real_ip))
			return peer;
		return address_parse(real_ip, &at) ? str_copy(a, without_port(str_trim(real_ip))) : (Str){ 0 };
	}
	while (rest.n > 0) {
		one = last_cut(&rest);
		if (!address_parse(one, &at))
			return (Str){ 0 };
		if (!is_trusted(&at, trusted, n))
			break;
	}
	return str_copy(a, without_port(one));
}
