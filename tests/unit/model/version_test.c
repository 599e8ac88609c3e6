#include "model/version.h"

#include "test.h"

TEST(constraints_hold_as_written)
{
	static const struct {
		const char *version, *constraint;
		bool meets;
	} table[] = {
		{ "3.12.1", "", true },
		{ "3.12.1", "*", true },
		{ "3.12.1", "3.12", true }, /* bare: the same minor */
		{ "3.13.0", "3.12", false },
		{ "3.12", "3.12", true },
		{ "3.1.0", "3", false },
		{ "3.0.4", "3", true },
		{ "3.12.1", "=3.12", false },
		{ "3.12.0", "=3.12", true },
		{ "3.12.1", ">=3.11,<4", true },
		{ "3.12.1", ">=3.11, <3.12", false },
		{ "4.0.0", "<4", false },
		{ "3.11.0", ">3.11", false },
		{ "3.11.1", ">3.11", true },
		{ "3.12.1", "<=3.12.1", true },
		{ "3.12.9", "~3.12.1", true },
		{ "3.13.0", "~3.12.1", false },
		{ "3.99.0", "^3.12", true },
		{ "4.0.0", "^3.12", false },
		{ "0.2.9", "^0.2.3", true },
		{ "0.3.0", "^0.2.3", false },
		{ "0.0.4", "^0.0.3", false },
		{ "v20.1.0", ">=v18", true },
		{ "1.0.0-beta", ">=1.0.0", false },
		{ "1.0.0-beta.2", ">1.0.0-beta", true },
		{ "1.0.0+build", "=1.0.0", true },
		{ "not", ">=1", false },
		{ "1.0.0", "nonsense", false },
		{ "1.0.0", ">=", false },
	};

	for (size_t i = 0; i < countof(table); i++)
		if (version_meets(str_of(table[i].version), str_of(table[i].constraint), BARE_SAME_MINOR) !=
		    table[i].meets)
			test_fail(__FILE__, __LINE__, "%s against '%s'", table[i].version, table[i].constraint);
	CHECK(version_meets(str_of("1.2.0"), str_of("1.2"), BARE_EXACT));
	CHECK(!version_meets(str_of("1.2.1"), str_of("1.2"), BARE_EXACT));
}

TEST(only_full_versions_are_semver)
{
	static const char *const good[] = { "1.0.0", "0.1.2-rc.1", "1.0.0+x", "10.20.30-a-b+c" };
	static const char *const bad[] = { "", "1", "1.0", "v1.0.0", "1.0.0.0", "1.0.0-", "01.0.0", "1.0.x", "1.0.0 " };

	for (size_t i = 0; i < countof(good); i++)
		CHECK(version_is_semver(str_of(good[i])));
	for (size_t i = 0; i < countof(bad); i++)
		if (version_is_semver(str_of(bad[i])))
			test_fail(__FILE__, __LINE__, "'%s' was taken", bad[i]);
}

TEST(a_constraint_that_cannot_be_read_is_refused)
{
	Err err = { 0 };

	CHECK_OK(version_constraint_check(str_of(">=3.11,<4"), &err), err);
	CHECK(!version_constraint_check(str_of(">=3.x"), &err));
	CHECK(err.code == ERR_VALIDATION);
	CHECK(!version_constraint_check(str_of("1,,2"), &err));
}

TEST(versions_are_ordered_as_semver_says)
{
	static const char *const order[] = { "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
		"1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.10.0", "2.0.0" };
	Version x, y;

	for (size_t i = 0; i + 1 < countof(order); i++) {
		CHECK(version_parse(str_of(order[i]), &x) && version_parse(str_of(order[i + 1]), &y));
		CHECK(version_cmp(&x, &y) < 0);
		CHECK(version_cmp(&y, &x) > 0);
		CHECK(version_cmp(&x, &x) == 0);
	}
}
