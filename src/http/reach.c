#include "http/reach.h"

enum { NAT64_AT = 12, SIX_TO_FOUR_AT = 2, V4_AT = 12, V4_BYTES = 4 };

/* What is not the public internet: RFC 6890 and its successors, and where clouds keep their metadata. */
static const char *const closed[] = {
	"0.0.0.0/8",
	"10.0.0.0/8",
	"100.64.0.0/10", /* also Alibaba's metadata */
	"127.0.0.0/8",
	"168.63.129.16/32", /* Azure's */
	"169.254.0.0/16",   /* most others' */
	"172.16.0.0/12",
	"192.0.0.0/24", /* also Oracle's */
	"192.0.2.0/24",
	"192.88.99.0/24",
	"192.168.0.0/16",
	"198.18.0.0/15",
	"198.51.100.0/24",
	"203.0.113.0/24",
	"224.0.0.0/4",
	"240.0.0.0/4",
	"::/96", /* unspecified, loopback, and IPv4 as it was once embedded */
	"64:ff9b:1::/48",
	"100::/64",
	"2001::/23", /* with Teredo, which carries any IPv4 address */
	"2001:db8::/32",
	"3fff::/20",
	"5f00::/16",
	"fc00::/7", /* also Amazon's metadata */
	"fe80::/10",
	"fec0::/10",
	"ff00::/8",
};

static bool
starts_with(const Address *a, const unsigned char *bytes, size_t n)
{
	return memcmp(a->b, bytes, n) == 0;
}

/* An IPv6 address that is a way to an IPv4 one is judged as that one. */
static Address
meant_by(const Address *a)
{
	static const unsigned char nat64[NAT64_AT] = { 0x00, 0x64, 0xff, 0x9b };
	static const unsigned char six_to_four[SIX_TO_FOUR_AT] = { 0x20, 0x02 };
	Address v4 = { .b = { [V4_AT - 2] = 0xff, [V4_AT - 1] = 0xff } };

	if (starts_with(a, nat64, sizeof(nat64)))
		memcpy(v4.b + V4_AT, a->b + NAT64_AT, V4_BYTES);
	else if (starts_with(a, six_to_four, sizeof(six_to_four)))
		memcpy(v4.b + V4_AT, a->b + SIX_TO_FOUR_AT, V4_BYTES);
	else
		return *a;
	return v4;
}

static bool
is_closed(const Address *a)
{
	Network net;

	for (size_t i = 0; i < countof(closed); i++)
		if (network_parse(str_of(closed[i]), &net) && network_holds(&net, a))
			return true;
	return false;
}

bool
reach_allows(const Reach *r, const Address *to)
{
	Address meant = meant_by(to);

	for (size_t i = 0; i < r->n; i++)
		if (network_holds(&r->allowed[i], to))
			return true;
	return !is_closed(&meant);
}
