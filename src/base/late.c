#include "base/late.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

void
late_unloaded(void)
{
	static const char text[] = "attune: a function of a library was called before the library was loaded\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EXIT_FAILURE);
	abort();
}

LateFunction *
late_function(const LateLibrary *l, const char *name)
{
	void *at = dlsym(l->handle, name);
	LateFunction *f;

	memcpy(&f, &at, sizeof(f));
	return f;
}

static bool
doors_open(const LateLibrary *l, Err *err)
{
	for (size_t i = 0; i < l->doors_n; i++) {
		LateFunction *f = late_function(l, l->doors[i].name);

		if (f == NULL)
			return err_set(err, ERR_UNSUPPORTED, "%s is too old, it has no %s. Install a newer %s", l->file,
			    l->doors[i].name, l->package);
		*l->doors[i].to = f;
	}
	return true;
}

static bool
load(LateLibrary *l, Err *err)
{
	const char *why;

	l->handle = dlopen(l->file, RTLD_LAZY | RTLD_LOCAL);
	if (l->handle != NULL)
		return doors_open(l, err);
	why = dlerror();
	return err_set(err, ERR_UNSUPPORTED, "%s cannot be loaded (%s). Install it: apt-get install %s", l->file,
	    why == NULL ? "no reason given" : why, l->package);
}

bool
late_load(LateLibrary *l, Err *err)
{
	bool ok = true;

	if (atomic_load(&l->loaded))
		return true;
	pthread_mutex_lock(&loading);
	if (!atomic_load(&l->loaded) && (ok = load(l, err)))
		atomic_store(&l->loaded, true);
	pthread_mutex_unlock(&loading);
	return ok;
}
