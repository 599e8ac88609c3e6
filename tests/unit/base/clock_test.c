#include "base/clock.h"

#include "test.h"

#include <time.h>

TEST(times_are_read_and_refused)
{
	static const struct {
		const char *text;
		bool good;
		TimeUs value;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", true, 0 },
		{ "1970-01-01T00:00:00.000001Z", true, 1 },
		{ "1969-12-31T23:59:59.999999Z", true, -1 },
		{ "2026-11-21T01:33:24.5Z", true, 1795224804500000 },
		{ "2026-11-21T01:33:24.5", true, 1795224804500000 },
		{ "2026-11-21 01:33:24.5z", true, 1795224804500000 },
		{ "2026-11-21t03:33:24.500000999+02:00", true, 1795224804500000 },
		{ "2026-11-20T20:03:24.5-05:30", true, 1795224804500000 },
		{ "2000-02-29T00:00:00Z", true, 951782400000000 },
		{ "2016-12-31T23:59:60Z", true, 1483228800000000 },
		{ "2100-02-29T00:00:00Z", false, 0 },
		{ "2026-02-29T00:00:00Z", false, 0 },
		{ "2026-13-01T00:00:00Z", false, 0 },
		{ "2026-00-01T00:00:00Z", false, 0 },
		{ "2026-04-31T00:00:00Z", false, 0 },
		{ "2026-04-00T00:00:00Z", false, 0 },
		{ "2026-01-01T24:00:00Z", false, 0 },
		{ "2026-01-01T00:60:00Z", false, 0 },
		{ "2026-01-01T00:00:61Z", false, 0 },
		{ "2026-01-01T00:00:00.Z", false, 0 },
		{ "2026-01-01T00:00:00+2:00", false, 0 },
		{ "2026-01-01T00:00:00+24:00", false, 0 },
		{ "2026-01-01T00:00:00Zx", false, 0 },
		{ "2026-01-01", false, 0 },
		{ "26-01-01T00:00:00Z", false, 0 },
		{ "", false, 0 },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		TimeUs t = 0;

		CHECK_INT(time_parse(str_of(cases[i].text), &t), cases[i].good);
		CHECK_INT(t, cases[i].value);
	}
}

TEST(times_are_written_with_as_few_digits_as_needed)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(time_text(a, 1795224804000000), str_of("2026-11-21T01:33:24Z"));
	CHECK_STR(time_text(a, 1795224804500000), str_of("2026-11-21T01:33:24.500Z"));
	CHECK_STR(time_text(a, 1795224804500001), str_of("2026-11-21T01:33:24.500001Z"));
	CHECK_STR(time_text(a, -1), str_of("1969-12-31T23:59:59.999999Z"));
}

TEST(every_day_of_eight_centuries_reads_back_and_agrees_with_the_c_library)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	for (int64_t day = -141428; day < 150000; day += 1) { /* from 1582 on */
		TimeUs t = (day * 86400 + 12345) * US_PER_S, again;
		time_t seconds = (time_t)(t / US_PER_S);
		char want[40];
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		CHECK_STR(time_text(a, t), str_of(want));
		CHECK(time_parse(str_of(want), &again) && again == t);
		arena_reset(a);
	}
}

TEST(durations_are_read_and_refused)
{
	static const struct {
		const char *text;
		bool good;
		TimeUs value;
	} cases[] = {
		{ "0", true, 0 },
		{ "5", true, 5000000 },
		{ "300ms", true, 300000 },
		{ "5s", true, 5000000 },
		{ "1.5s", true, 1500000 },
		{ "0.25", true, 250000 },
		{ "10m", true, 600000000 },
		{ "1h", true, 3600000000 },
		{ "2d", true, 172800000000 },
		{ "0.5d", true, 43200000000 },
		{ "0.000001s", true, 1 },
		{ "106751991d", true, 9223372022400000000 },
		{ "106751992d", false, 0 },
		{ "9223372036854775807", false, 0 },
		{ "-1", false, 0 },
		{ "", false, 0 },
		{ "s", false, 0 },
		{ "5 s", false, 0 },
		{ "5.", false, 0 },
		{ "5S", false, 0 },
		{ "1h30m", false, 0 },
		{ "5w", false, 0 },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		TimeUs d = 0;

		CHECK_INT(duration_parse(str_of(cases[i].text), &d), cases[i].good);
		CHECK_INT(d, cases[i].value);
	}
}

TEST(durations_are_readable)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	static const struct {
		TimeUs d;
		const char *text;
	} cases[] = {
		{ 0, "0 us" },
		{ 850, "850 us" },
		{ 1000, "1 ms" },
		{ 1449, "1.4 ms" },
		{ 1450, "1.5 ms" },
		{ 999949, "999.9 ms" },
		{ 999950, "1 s" },
		{ 2300000, "2.3 s" },
		{ 59949999, "59.9 s" },
		{ 59960000, "1 min" },
		{ 250000000, "4 min 10 s" },
		{ 3600000000, "1 h" },
		{ 7500000000, "2 h 5 min" },
		{ 273600000000, "3 d 4 h" },
		{ -850, "-850 us" },
	};

	for (size_t i = 0; i < countof(cases); i++)
		CHECK_STR(duration_text(a, cases[i].d), str_of(cases[i].text));
}

TEST(the_machines_clocks_go_forwards)
{
	const Clock *c = clock_real();
	TimeUs before = clock_mono(c);

	for (int i = 0; i < 1000; i++) {
		TimeUs now = clock_mono(c);

		CHECK(now >= before);
		before = now;
	}
	CHECK(clock_wall(c) > 1700000000 * (TimeUs)US_PER_S);
}
