#include "model/policy.h"

#include "base/names.h"
#include "model/duration.h"

enum { LIMIT_MOST = 1000000, SECONDS_MOST = 30 * 24 * 3600, KEYS_MOST = 16, FAILURES_MOST = 500 };

static const char *const methods[] = { "enqueue", "cancel", "cancel_oldest" };
static const char *const rate_methods[] = { "delay", "cancel" };
static const char *const breaker_methods[] = { "wait", "fail" };

static bool
bad(Err *err, const char *part, const char *key, const char *what)
{
	return err_set(err, ERR_VALIDATION, "/%s%s%s: %s", part, *key == '\0' ? "" : "/", key, what);
}

static bool
keys_known(const Json *of, const char *part, const char *const *keys, size_t n, Err *err)
{
	for (size_t i = 0; i < of->n; i++)
		if (name_index(keys, n, of->members[i].key) < 0)
			return err_set(
			    err, ERR_VALIDATION, "/%s/%.*s: is not known", part, STR_ARG(of->members[i].key));
	return true;
}

static bool
read_count(const Json *of, const char *part, const char *key, int64_t most, int64_t *to, Err *err)
{
	const Json *v = json_get(of, key);

	if (json_is_null(v))
		return true;
	*to = json_as_int(v, 0);
	return (*to > 0 && *to <= most) || err_set(err, ERR_VALIDATION, "/%s/%s: must be a whole number from 1 to %lld",
					       part, key, (long long)most);
}

/* Dotted paths into the parameters: runs that agree in all of them share a limit. */
static bool
read_key(const Json *of, const char *part, Json *to, Err *err)
{
	const Json *v = json_get(of, "key");

	*to = json_array();
	if (json_is_null(v))
		return true;
	if (v->kind != JSON_ARRAY || v->n > KEYS_MOST)
		return bad(err, part, "key", "must be a list of at most 16 paths, like [customer.id]");
	for (size_t i = 0; i < v->n; i++)
		if (v->items[i].kind != JSON_STRING || v->items[i].n == 0)
			return bad(err, part, "key", "must hold texts, none of them empty");
	*to = *v;
	return true;
}

static bool
read_method(const Json *of, const char *part, const char *const *names, size_t n, const char *what, Str *to, Err *err)
{
	const Json *v = json_get(of, "method");

	*to = json_is_null(v) ? str_of(names[0]) : json_as_str(v);
	return (!str_none(*to) && name_index(names, n, *to) >= 0) || bad(err, part, "method", what);
}

static bool
read_concurrency(const Json *v, PolicyDef *d, Err *err)
{
	static const char part[] = "concurrency";
	static const char *const keys[] = { "limit", "key", "method" };

	d->limit = 0;
	d->key = json_array();
	d->method = (Str){ 0 };
	if (json_is_null(v))
		return true;
	if (v->kind != JSON_OBJECT)
		return bad(err, part, "", "must be an object with a limit");
	return keys_known(v, part, keys, countof(keys), err) &&
	       read_count(v, part, "limit", LIMIT_MOST, &d->limit, err) &&
	       (d->limit > 0 || bad(err, part, "limit", "is missing")) && read_key(v, part, &d->key, err) &&
	       read_method(
		   v, part, methods, countof(methods), "must be enqueue, cancel or cancel_oldest", &d->method, err);
}

static bool
read_rate(const Json *v, PolicyDef *d, Err *err)
{
	static const char part[] = "rate";
	static const char *const keys[] = { "limit", "per_seconds", "burst", "key", "method" };

	d->rate_limit = d->rate_seconds = d->rate_burst = 0;
	d->rate_key = json_array();
	d->rate_method = (Str){ 0 };
	if (json_is_null(v))
		return true;
	if (v->kind != JSON_OBJECT)
		return bad(err, part, "", "must be an object with limit and per_seconds");
	return keys_known(v, part, keys, countof(keys), err) &&
	       read_count(v, part, "limit", LIMIT_MOST, &d->rate_limit, err) &&
	       read_count(v, part, "per_seconds", SECONDS_MOST, &d->rate_seconds, err) &&
	       read_count(v, part, "burst", LIMIT_MOST, &d->rate_burst, err) &&
	       (d->rate_limit > 0 || bad(err, part, "limit", "is missing")) &&
	       (d->rate_seconds > 0 || bad(err, part, "per_seconds", "is missing")) &&
	       read_key(v, part, &d->rate_key, err) &&
	       read_method(
		   v, part, rate_methods, countof(rate_methods), "must be delay or cancel", &d->rate_method, err);
}

static bool
read_time(const Json *of, const char *part, const char *key, TimeUs *to, Err *err)
{
	const Json *v = json_get(of, key);

	*to = 0;
	if (json_is_null(v))
		return bad(err, part, key, "is missing");
	return (duration_of(v, to) && *to > 0 && *to <= (TimeUs)SECONDS_MOST * US_PER_S) ||
	       bad(err, part, key, "must be seconds, or a text like 30s or 10m, and at most 30 days");
}

static bool
read_breaker(const Json *v, PolicyDef *d, Err *err)
{
	static const char part[] = "breaker";
	static const char *const keys[] = { "failures", "within", "open_for", "key", "method" };

	d->failures = 0;
	d->within = d->open_for = 0;
	d->breaker_key = json_array();
	d->breaker_method = (Str){ 0 };
	if (json_is_null(v))
		return true;
	if (v->kind != JSON_OBJECT)
		return bad(err, part, "", "must be an object with failures, within and open_for");
	return keys_known(v, part, keys, countof(keys), err) &&
	       read_count(v, part, "failures", FAILURES_MOST, &d->failures, err) &&
	       (d->failures > 0 || bad(err, part, "failures", "is missing")) &&
	       read_time(v, part, "within", &d->within, err) && read_time(v, part, "open_for", &d->open_for, err) &&
	       read_key(v, part, &d->breaker_key, err) &&
	       read_method(
		   v, part, breaker_methods, countof(breaker_methods), "must be wait or fail", &d->breaker_method, err);
}

bool
policy_limits_read(const Json *concurrency, const Json *rate, const Json *breaker, PolicyDef *d, Err *err)
{
	if (json_is_null(concurrency) && json_is_null(rate) && json_is_null(breaker))
		return bad(err, "concurrency", "", "is missing, and so are rate and breaker: a policy has one of them");
	return read_concurrency(concurrency, d, err) && read_rate(rate, d, err) && read_breaker(breaker, d, err);
}

static Json
list_of(const Json *v)
{
	return v->kind == JSON_ARRAY ? *v : json_array();
}

Json
policy_concurrency(Arena *a, const PolicyDef *d)
{
	Json o = json_object();

	if (d->limit == 0)
		return json_null();
	json_add(a, &o, "limit", json_int(d->limit));
	json_add(a, &o, "key", list_of(&d->key));
	json_add(a, &o, "method", json_str(d->method));
	return o;
}

Json
policy_rate(Arena *a, const PolicyDef *d)
{
	Json o = json_object();

	if (d->rate_limit == 0)
		return json_null();
	json_add(a, &o, "limit", json_int(d->rate_limit));
	json_add(a, &o, "per_seconds", json_int(d->rate_seconds));
	if (d->rate_burst > 0)
		json_add(a, &o, "burst", json_int(d->rate_burst));
	json_add(a, &o, "key", list_of(&d->rate_key));
	json_add(a, &o, "method", json_str(d->rate_method));
	return o;
}

static Json
seconds(TimeUs t)
{
	return t % US_PER_S == 0 ? json_int(t / US_PER_S) : json_real((double)t / (double)US_PER_S);
}

Json
policy_breaker(Arena *a, const PolicyDef *d)
{
	Json o = json_object();

	if (d->failures == 0)
		return json_null();
	json_add(a, &o, "failures", json_int(d->failures));
	json_add(a, &o, "within", seconds(d->within));
	json_add(a, &o, "open_for", seconds(d->open_for));
	json_add(a, &o, "key", list_of(&d->breaker_key));
	json_add(a, &o, "method", json_str(d->breaker_method));
	return o;
}
