#include "oracle.h"

#include <dlfcn.h>
#include <jansson.h>
#include <string.h>

typedef struct Functions {
	json_t *(*loadb)(const char *, size_t, size_t, json_error_t *);
	char *(*dumps)(const json_t *, size_t);
	int (*equal)(const json_t *, const json_t *);
	void (*destroy)(json_t *);
} Functions;

static Functions jansson;

/* The form POSIX gives for turning what dlsym returns into a function pointer. */
static bool
find(void *library, const char *name, void *ret)
{
	void *found = dlsym(library, name);

	memcpy(ret, &found, sizeof(found));
	return found != NULL;
}

bool
oracle_open(void)
{
	void *library = jansson.loadb != NULL ? NULL : dlopen("libjansson.so.4", RTLD_NOW | RTLD_LOCAL);

	if (jansson.loadb != NULL)
		return true;
	return library != NULL && find(library, "json_dumps", &jansson.dumps) &&
	       find(library, "json_equal", &jansson.equal) && find(library, "json_delete", &jansson.destroy) &&
	       find(library, "json_loadb", &jansson.loadb);
}

void *
oracle_parse(const char *text, size_t n)
{
	return jansson.loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

char *
oracle_print(const void *value)
{
	return jansson.dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

bool
oracle_equal(const void *a, const void *b)
{
	return jansson.equal(a, b) == 1;
}

void
oracle_free(void *value)
{
	json_t *v = value;

	if (v != NULL && v->refcount != (size_t)-1 && --v->refcount == 0)
		jansson.destroy(v);
}
