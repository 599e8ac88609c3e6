#include "model/breaker.h"

#include "test.h"

/* ends of what failed, the newest first */
static TimeUs
opened(TimeUs probe, bool failed, const TimeUs *ends, size_t n)
{
	PolicyDef p = { .failures = 3, .within = 10, .open_for = 60 };
	BreakerSeen seen = { probe, failed, ends, n };

	return breaker_opened(&p, &seen);
}

TEST(a_breaker_is_open_since_the_newest_failures_that_lie_close_together)
{
	static const TimeUs near[] = { 108, 104, 100 }, far[] = { 111, 104, 100 }, more[] = { 104, 102, 100, 98 };
	static const TimeUs late[] = { 300, 108, 104, 100 }; /* one was under way when it opened */

	CHECK_INT(opened(0, false, NULL, 0), 0);
	CHECK_INT(opened(0, false, near, 2), 0);
	CHECK_INT(opened(0, false, near, 3), 108);
	CHECK_INT(opened(0, false, far, 3), 0);
	CHECK_INT(opened(0, false, more, 4), 104);
	CHECK_INT(opened(0, false, late, 4), 108);
}

TEST(the_last_probe_of_a_breaker_decides)
{
	static const TimeUs ends[] = { 208, 204, 200 };

	CHECK_INT(opened(190, true, NULL, 0), 190);
	CHECK_INT(opened(190, false, NULL, 0), 0);
	CHECK_INT(opened(190, false, ends, 3), 208);
	CHECK_INT(opened(190, false, ends, 2), 0);
}

TEST(a_policy_without_a_breaker_is_never_open)
{
	static const TimeUs ends[] = { 208, 204, 200 };
	PolicyDef p = { .limit = 1 };
	BreakerSeen seen = { 0, false, ends, 3 };

	CHECK_INT(breaker_opened(&p, &seen), 0);
}
