#include "model/limits.h"

static uint64_t
paths_hash(Arena *a, const Json *paths)
{
	return paths->kind == JSON_ARRAY && paths->n > 0 ? str_hash(json_text(a, paths)) : 0;
}

Str
limit_tag(Arena *a, Id policy, const Json *paths)
{
	return str_fmt(a, "%lld.%llx:", (long long)policy, (unsigned long long)paths_hash(a, paths));
}

/* A path that leads nowhere and a null are the same. */
Str
limit_key(Arena *a, Id policy, const Json *paths, const Json *params)
{
	Json values = json_array();
	Str tag = limit_tag(a, policy, paths);

	if (paths->kind != JSON_ARRAY || paths->n == 0)
		return tag;
	for (size_t i = 0; i < paths->n; i++) {
		const Json *v = params == NULL ? NULL : json_path(params, json_as_str(&paths->items[i]));

		json_push(a, &values, v == NULL ? json_null() : *v);
	}
	return str_fmt(a, "%.*s%016llx", STR_ARG(tag), (unsigned long long)str_hash(json_text(a, &values)));
}

Id
limit_policy(Str key)
{
	Str head;
	Id id;

	return !str_none(key) && str_cut(&key, '.', &head) && str_to_int(head, &id) ? id : 0;
}

static TimeUs
interval(const PolicyDef *d)
{
	TimeUs each = d->rate_seconds * US_PER_S / d->rate_limit;

	return each < 1 ? 1 : each;
}

static int64_t
burst(const PolicyDef *d)
{
	return d->rate_burst > 0 ? d->rate_burst : d->rate_limit;
}

int64_t
tokens_room(const PolicyDef *d, TimeUs full, TimeUs now)
{
	TimeUs most = burst(d) * interval(d), missing = full > now ? full - now : 0;

	return missing >= most ? 0 : (most - missing) / interval(d);
}

TimeUs
tokens_take(const PolicyDef *d, TimeUs full, int64_t n, TimeUs now)
{
	return (full > now ? full : now) + n * interval(d);
}

TimeUs
tokens_next(const PolicyDef *d, TimeUs full)
{
	return full - (burst(d) - 1) * interval(d);
}
