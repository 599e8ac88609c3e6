#include "model/breaker.h"

TimeUs
breaker_opened(const PolicyDef *p, const BreakerSeen *seen)
{
	size_t need = (size_t)p->failures;

	if (seen->probe_ended != 0 && seen->probe_failed)
		return seen->probe_ended;
	/* the newest so many that lie close enough together: what was under way when it opened may have failed later, and alone */
	for (size_t i = 0; need > 0 && i + need <= seen->n; i++)
		if (seen->failures[i] - seen->failures[i + need - 1] <= p->within)
			return seen->failures[i];
	return 0;
}
