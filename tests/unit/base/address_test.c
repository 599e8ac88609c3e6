#include "base/address.h"

#include "test.h"

TEST(a_network_holds_the_addresses_of_its_range_and_no_others)
{
	static const struct {
		const char *network, *address;
		bool holds;
	} table[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.4", false },
		{ "192.168.1.128/25", "192.168.1.200", true },
		{ "192.168.1.128/25", "192.168.1.127", false },
		{ "0.0.0.0/0", "1.2.3.4", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "fd00::/8", "fdff::1", true },
		{ "fd00::/8", "fe00::1", false },
		{ "::1", "::1", true },
		{ "10.0.0.0/8", "::ffff:10.1.1.1", true }, /* the other spelling of the same address */
		{ "::ffff:10.0.0.0/104", "10.1.1.1", true },
		{ "10.0.0.0/8", "10.0.0.1:8080", true },
		{ "::1", "[::1]:8080", true },
	};

	for (size_t i = 0; i < countof(table); i++) {
		Network n;
		Address a;

		CHECK(network_parse(str_of(table[i].network), &n));
		CHECK(address_parse(str_of(table[i].address), &a));
		CHECK_INT(network_holds(&n, &a), table[i].holds);
	}
}

TEST(what_is_no_address_is_none)
{
	static const char *const bad[] = { "", " ", "10.0.0", "10.0.0.256", "010.0.0.1", "0x7f.1", "2130706433", "::g",
		"[::1", "example.org", "10.0.0.1/8", "1.2.3.4 5", "::1%lo", "10.0.0.1,10.0.0.2" };
	static const char *const networks[] = { "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::/129", "/8", "10/8",
		"*" };
	Network n;
	Address a;

	for (size_t i = 0; i < countof(bad); i++)
		CHECK(!address_parse(str_of(bad[i]), &a));
	for (size_t i = 0; i < countof(networks); i++)
		CHECK(!network_parse(str_of(networks[i]), &n));
	CHECK(!address_parse((Str){ 0 }, &a));
}

TEST(only_trusted_proxies_say_who_the_client_is)
{
	static const struct {
		const char *peer, *forwarded, *real, *client;
	} table[] = {
		{ "9.9.9.9", "1.1.1.1", "2.2.2.2", "9.9.9.9" }, /* not a proxy of ours: its word counts for nothing */
		{ "10.0.0.1", NULL, NULL, "10.0.0.1" },
		{ "10.0.0.1", NULL, "2.2.2.2", "2.2.2.2" },
		{ "10.0.0.1", "1.1.1.1", NULL, "1.1.1.1" },
		{ "10.0.0.1", "6.6.6.6, 1.1.1.1", NULL,
		    "1.1.1.1" }, /* what stands before it is the client's own word */
		{ "10.0.0.1", "1.1.1.1, 10.0.0.7", NULL, "1.1.1.1" },
		{ "10.0.0.1", "10.0.0.8, 10.0.0.7", NULL, "10.0.0.8" },
		{ "10.0.0.1", "1.1.1.1, garbage", NULL, NULL },
		{ "10.0.0.1", "1.1.1.1,", NULL, NULL },
		{ "10.0.0.1", NULL, "garbage", NULL },
		{ "garbage", "1.1.1.1", NULL, NULL },
	};
	CLEANUP(arena_done) Arena *a = arena_open();
	Network trusted;

	CHECK(network_parse(str_of("10.0.0.0/8"), &trusted));
	for (size_t i = 0; i < countof(table); i++) {
		Str client = address_of_client(
		    a, str_of(table[i].peer), str_of(table[i].forwarded), str_of(table[i].real), &trusted, 1);

		CHECK(str_eq(client, str_of(table[i].client)));
		CHECK_INT(str_none(client), table[i].client == NULL);
	}
}
