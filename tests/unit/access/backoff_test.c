#include "access/backoff.h"

#include "test.h"

static TimeUs clock_now;

static TimeUs
told(void *self)
{
	(void)self;
	return clock_now;
}

static const Clock clock_ours = { told, told, NULL };

static void
later(int seconds)
{
	clock_now += seconds * (TimeUs)US_PER_S;
}

TEST(a_thousand_guesses_at_one_password_take_more_than_an_hour)
{
	Backoff *b = backoff_open(&clock_ours);
	Str login = str_of("ann"), address = str_of("192.0.2.1");
	int tries = 0;

	clock_now = 1000 * (TimeUs)US_PER_S;
	for (int second = 0; second < 3600; second++) {
		for (int i = 0; i < 5; i++) {
			if (backoff_try(b, login, address) > 0)
				continue;
			tries++;
			backoff_end(b, login, address, TRY_BAD);
		}
		later(1);
	}
	CHECK(tries > 5 && tries < 600); /* 10 a minute */
	backoff_close(b);
}

TEST(from_many_addresses_one_login_is_guessed_at_no_faster)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Backoff *b = backoff_open(&clock_ours);
	Str login = str_of("ann");
	int tries = 0;

	clock_now = 1000 * (TimeUs)US_PER_S;
	for (int second = 0; second < 600; second++) {
		for (int i = 0; i < 20; i++) {
			Str address = str_fmt(a, "192.0.2.%d-%d", i, second);

			if (backoff_try(b, login, address) > 0)
				continue;
			tries++;
			backoff_end(b, login, address, TRY_BAD);
		}
		later(1);
	}
	CHECK(tries <= 20 + 100 + 1);
	backoff_close(b);
}

TEST(who_knows_the_password_is_never_held_up)
{
	Backoff *b = backoff_open(&clock_ours);
	Str login = str_of("ann"), address = str_of("192.0.2.1");

	clock_now = 1000 * (TimeUs)US_PER_S;
	for (int i = 0; i < 1000; i++) {
		CHECK(backoff_try(b, login, address) == 0);
		backoff_end(b, login, address, TRY_GOOD);
	}
	for (int i = 0; i < 4; i++) {
		CHECK(backoff_try(b, login, address) == 0);
		backoff_end(b, login, address, TRY_BAD);
	}
	CHECK(backoff_try(b, login, address) == 0);
	backoff_end(b, login, address, TRY_GOOD);
	for (int i = 0; i < 4; i++) {
		CHECK(backoff_try(b, login, address) == 0);
		backoff_end(b, login, address, TRY_BAD);
	}
	backoff_close(b);
}
