/* The names of classes: rows of one name need the same of a worker, and share the same limits. */
#include "engine/inner.h"

#include <string.h>

enum { PRIORITY_ZERO = 200 };

Str
wait_class_of(Arena *a, Id action, const Json *selector, const Json *tolerations, const Json *affinity)
{
	const Json *own[] = { selector, tolerations, affinity };
	uint64_t h = 0;
	bool any = false;

	for (size_t i = 0; i < countof(own); i++) {
		h = h * 31;
		if (json_is_null(own[i]))
			continue;
		any = true;
		h += str_hash(json_text(a, own[i])) | 1;
	}
	if (!any)
		return str_fmt(a, "%04d:%lld", PRIORITY_ZERO, (long long)action);
	return str_fmt(a, "%04d:%lld:%016llx", PRIORITY_ZERO, (long long)action, (unsigned long long)h);
}

/* PPPP:action[:placement][/slot][~bucket][^breaker] */
static Str
class_part(Str wait_class, char from, char to)
{
	Str head, rest = wait_class;

	if (from != '^' && memchr(rest.p, '^', rest.n) != NULL && str_cut(&rest, '^', &head))
		rest = head;
	if (memchr(rest.p, from, rest.n) == NULL || !str_cut(&rest, from, &head))
		return (Str){ 0 };
	return to != '\0' && memchr(rest.p, to, rest.n) != NULL && str_cut(&rest, to, &head) ? head : rest;
}

/* Without limits and priority: action[:placement] */
static Str
class_core(Str wait_class)
{
	Str core = class_part(wait_class, ':', '~');
	Str head = core, rest = core;

	return memchr(core.p, '/', core.n) != NULL && str_cut(&rest, '/', &head) ? head : core;
}

Id
wait_class_action(Str wait_class)
{
	Str rest = class_core(wait_class), head = rest;
	Id id = 0;

	if (memchr(rest.p, ':', rest.n) != NULL)
		(void)str_cut(&rest, ':', &head);
	return str_to_int(head, &id) ? id : 0;
}

bool
wait_class_own(Str wait_class)
{
	Str core = class_core(wait_class);

	return memchr(core.p, ':', core.n) != NULL;
}

Str
wait_class_full(Arena *a, Str wait_class, int64_t priority, Str slot, Str bucket, Str breaker)
{
	const struct {
		const char *mark;
		Str key;
	} parts[] = { { "/", slot }, { "~", bucket }, { "^", breaker } };
	Buf b = buf_open(a);

	buf_fmt(&b, "%04d:%.*s", (int)(PRIORITY_ZERO - priority), STR_ARG(class_core(wait_class)));
	for (size_t i = 0; i < countof(parts); i++)
		if (!str_none(parts[i].key))
			buf_fmt(&b, "%s%.*s", parts[i].mark, STR_ARG(parts[i].key));
	return buf_str(&b);
}

Str
wait_class_slot(Str wait_class)
{
	return class_part(wait_class, '/', '~');
}

Str
wait_class_bucket(Str wait_class)
{
	return class_part(wait_class, '~', '\0');
}

Str
wait_class_breaker(Str wait_class)
{
	return class_part(wait_class, '^', '\0');
}
