#include "http/reach.h"

#include "test.h"

static bool
reached(const Reach *r, const char *text)
{
	Address a;

	CHECK(address_parse(str_of(text), &a));
	return reach_allows(r, &a);
}

TEST(what_is_not_the_public_internet_is_not_reached)
{
	static const char *const inside[] = { "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200",
		"127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.192", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "203.0.113.9", "224.0.0.1",
		"239.255.255.255", "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001::1", "2001:db8::1",
		"2002:7f00:1::", "2002:c0a8:101::", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1" };
	static const char *const outside[] = { "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"126.255.255.255", "128.0.0.1", "168.63.129.17", "172.15.255.255", "172.32.0.0", "192.167.255.255",
		"192.169.0.0", "223.255.255.255", "2606:4700::1111", "2a00::1", "64:ff9b::101:101", "2002:101:101::" };
	static const Reach nothing;

	for (size_t i = 0; i < countof(inside); i++)
		if (reached(&nothing, inside[i]))
			test_fail(__FILE__, __LINE__, "%s can be reached", inside[i]);
	for (size_t i = 0; i < countof(outside); i++)
		if (!reached(&nothing, outside[i]))
			test_fail(__FILE__, __LINE__, "%s cannot be reached", outside[i]);
}

TEST(what_is_allowed_by_name_is_reached_and_nothing_beside_it)
{
	Network allowed[2];
	Reach r = { allowed, 2 };

	CHECK(network_parse(str_of("10.1.0.0/16"), &allowed[0]) && network_parse(str_of("::1"), &allowed[1]));
	CHECK(reached(&r, "10.1.255.255") && reached(&r, "::1") && reached(&r, "8.8.8.8"));
	CHECK(!reached(&r, "10.2.0.0") && !reached(&r, "127.0.0.1") && !reached(&r, "64:ff9b::a01:1"));
}
