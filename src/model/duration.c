#include "model/duration.h"

static const int64_t seconds_most = 300LL * 365 * 24 * 3600;

bool
duration_of(const Json *v, TimeUs *ret)
{
	TimeUs d = 0;

	if (json_is(v, JSON_STRING)) {
		if (!duration_parse(json_as_str(v), &d) || d > seconds_most * US_PER_S)
			return false;
	} else if (json_is(v, JSON_INT)) {
		if (v->i < 0 || v->i > seconds_most)
			return false;
		d = v->i * US_PER_S;
	} else {
		double seconds = json_as_real(v, -1);

		if (!json_is_number(v) || !(seconds >= 0 && seconds <= (double)seconds_most))
			return false;
		d = (TimeUs)(seconds * US_PER_S + 0.5);
	}
	*ret = d;
	return true;
}
