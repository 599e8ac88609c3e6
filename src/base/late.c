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

static bool
doors_open(const LateLibrary *l, void *handle, Err *err)
{
	for (size_t i = 0; i < l->doors_n; i++) {
		void *at = dlsym(handle, l->doors[i].name);

		if (at == NULL)
			return err_set(err, ERR_UNSUPPORTED, "%s is too old, it has no %s. Install a newer %s", l->file,
			    l->doors[i].name, l->package);
		memcpy(l->doors[i].to, &at, sizeof(at));
	}
	return true;
}

static bool
load(LateLibrary *l, Err *err)
{
	void *handle = dlopen(l->file, RTLD_LAZY | RTLD_LOCAL);
	const char *why;

	if (handle != NULL)
		return doors_open(l, handle, err);
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
