#include "model/retry.h"

#include "base/names.h"
#include "model/duration.h"

enum { COUNT_MOST = 1000, LUCK_STEPS = 1 << 20, ON_MOST = 8 };

static const TimeUs delay_most = 30 * 24 * 3600LL * US_PER_S;
static const TimeUs delay_default = US_PER_S;
static const TimeUs exponential_most = 3600LL * US_PER_S; /* unless max_delay says otherwise */

static const char *const backoffs[BACKOFFS] = { "constant", "linear", "exponential" };
static const char *const reasons[] = { "failed", "timed_out", "worker_lost" };

static bool
bad(Err *err, const char *key, const char *what)
{
	return err_set(err, ERR_VALIDATION, "/retry%s%s: %s", *key == '\0' ? "" : "/", key, what);
}

static bool
read_time(const Json *of, const char *key, TimeUs *to, Err *err)
{
	const Json *v = json_get(of, key);

	if (json_is_null(v))
		return true;
	return (duration_of(v, to) && *to <= delay_most) ||
	       bad(err, key, "must be seconds, or a text like 500ms, 10s or 5m, and at most 30 days");
}

static bool
read_on(const Json *of, unsigned *to, Err *err)
{
	const Json *v = json_get(of, "on");

	*to = RETRY_FAILED | RETRY_TIMED_OUT;
	if (json_is_null(v))
		return true;
	if (v->kind != JSON_ARRAY || v->n > ON_MOST)
		return bad(err, "on", "must be a list of failed, timed_out and worker_lost");
	*to = 0;
	for (size_t i = 0; i < v->n; i++) {
		int k = v->items[i].kind == JSON_STRING
			    ? name_index(reasons, countof(reasons), json_as_str(&v->items[i]))
			    : -1;

		if (k < 0)
			return bad(err, "on", "must be a list of failed, timed_out and worker_lost");
		*to |= 1u << k;
	}
	return true;
}

static bool
read_jitter(const Json *of, double *to, Err *err)
{
	const Json *v = json_get(of, "jitter");

	if (json_is_null(v))
		return true;
	*to = v->kind == JSON_BOOL ? (v->b ? 0.2 : 0) : json_as_real(v, -1);
	return (*to >= 0 && *to <= 1) ||
	       bad(err, "jitter", "must be a part of the delay, from 0 to 1, or true for 0.2");
}

static bool
read_backoff(const Json *of, RetryBackoff *to, Err *err)
{
	const Json *v = json_get(of, "backoff");
	int k;

	if (json_is_null(v))
		return true;
	k = v->kind == JSON_STRING ? name_index(backoffs, BACKOFFS, json_as_str(v)) : -1;
	if (k < 0)
		return bad(err, "backoff", "must be constant, linear or exponential");
	*to = (RetryBackoff)k;
	return true;
}

bool
retry_read(const Json *v, RetryPlan *ret, Err *err)
{
	static const char *const keys[] = { "count", "delay", "backoff", "max_delay", "jitter", "on" };
	const Json *count;

	*ret = (RetryPlan){ .delay = delay_default };
	if (json_is_null(v) || (v->kind == JSON_OBJECT && v->n == 0))
		return true;
	if (v->kind != JSON_OBJECT)
		return bad(err, "", "must be an object with a count");
	for (size_t i = 0; i < v->n; i++)
		if (name_index(keys, countof(keys), v->members[i].key) < 0)
			return err_set(err, ERR_VALIDATION, "/retry/%.*s: is not known", STR_ARG(v->members[i].key));
	count = json_get(v, "count");
	ret->count = json_is(count, JSON_INT) ? json_as_int(count, -1) : -1;
	if (ret->count < 0 || ret->count > COUNT_MOST)
		return bad(err, "count", "must be a whole number from 0 to 1000");
	return read_time(v, "delay", &ret->delay, err) && read_time(v, "max_delay", &ret->max_delay, err) &&
	       read_backoff(v, &ret->backoff, err) && read_jitter(v, &ret->jitter, err) && read_on(v, &ret->on, err);
}

unsigned
retry_reason(ExecState to, const Json *result)
{
	const Json *timed_out = result == NULL ? NULL : json_get(result, "timed_out");

	if (to == EXEC_ABANDONED)
		return RETRY_WORKER_LOST;
	if (to == EXEC_TIMEOUT)
		return RETRY_TIMED_OUT;
	if (to != EXEC_FAILED)
		return 0;
	return json_is(timed_out, JSON_BOOL) && timed_out->b ? RETRY_TIMED_OUT : RETRY_FAILED;
}

const char *
retry_reason_name(unsigned reason)
{
	for (size_t i = 0; i < countof(reasons); i++)
		if (reason == 1u << i)
			return reasons[i];
	return "manual";
}

static TimeUs
times(TimeUs delay, int64_t n, TimeUs most)
{
	return delay > most / n ? most : delay * n;
}

TimeUs
retry_wait(const RetryPlan *p, int64_t n, uint64_t luck)
{
	TimeUs most = p->max_delay > 0                    ? p->max_delay
		      : p->backoff == BACKOFF_EXPONENTIAL ? exponential_most
							  : delay_most;
	TimeUs wait = p->delay;
	double sway;

	if (p->backoff == BACKOFF_LINEAR)
		wait = times(p->delay, n, most);
	for (int64_t i = 1; p->backoff == BACKOFF_EXPONENTIAL && i < n && wait < most; i++)
		wait = times(wait, 2, most);
	if (wait > most)
		wait = most;
	sway = p->jitter * (2.0 * (double)(luck % LUCK_STEPS) / LUCK_STEPS - 1.0);
	return wait + (TimeUs)((double)wait * sway);
}
