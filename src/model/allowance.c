#include "model/allowance.h"

const char *const sandbox_words[] = { "off", "standard", "strict", NULL };

typedef struct Allowed {
	const char *key;
	int64_t most;
} Allowed;

enum { OUTPUT_MOST = 1 << 30, MEGABYTES_MOST = 1 << 30, MANY = 1000000 };

static const Allowed allowed[] = {
	{ "memory_mb", MEGABYTES_MOST },
	{ "processes", MANY },
	{ "open_files", MANY },
	{ "output_bytes", OUTPUT_MOST },
	{ "disk_mb", MEGABYTES_MOST },
};

static const Allowed *
allowed_find(Str key)
{
	for (size_t i = 0; i < countof(allowed); i++)
		if (str_is(key, allowed[i].key))
			return &allowed[i];
	return NULL;
}

bool
allowance_check(const Json *limits, Err *err)
{
	if (json_is_null(limits))
		return true;
	if (!json_is(limits, JSON_OBJECT))
		return err_set(err, ERR_VALIDATION, "limits must be a mapping");
	for (uint32_t i = 0; i < limits->n; i++) {
		const JsonMember *m = &limits->members[i];
		const Allowed *a = allowed_find(m->key);
		int64_t value = json_as_int(&m->value, 0);

		if (a == NULL)
			return err_set(err, ERR_VALIDATION,
			    "limits: '%.*s' is none (memory_mb, processes, open_files, output_bytes, disk_mb)",
			    STR_ARG(m->key));
		if (value < 1 || value > a->most)
			return err_set(err, ERR_VALIDATION, "limits: '%s' must be a whole number from 1 to %lld",
			    a->key, (long long)a->most);
	}
	return true;
}

int64_t
allowance_get(const Json *limits, const char *key)
{
	return json_is(limits, JSON_OBJECT) ? json_as_int(json_get(limits, key), 0) : 0;
}
