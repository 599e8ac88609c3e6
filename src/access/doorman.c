#include "access/doorman.h"

#include <pthread.h>
#include <stdlib.h>

struct Doorman {
	pthread_mutex_t lock;
	Access *access;
	Callers *callers;
};

Doorman *
doorman_open(Access *x)
{
	Doorman *d = calloc(1, sizeof(Doorman));

	if (d == NULL)
		abort();
	pthread_mutex_init(&d->lock, NULL);
	d->access = x;
	d->callers = callers_open(x);
	return d;
}

void
doorman_close(Doorman *d)
{
	if (d == NULL)
		return;
	callers_close(d->callers);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* In the words of clients of the live streams. */
static bool
refuse(Doorman *d, Arena *a, Str token, Err *err)
{
	Claims c;
	bool refresh = access_read(d->access, a, token, &c, NULL) && c.type == TOKEN_REFRESH;

	return err_set(
	    err, ERR_UNAUTHORIZED, "%s", refresh ? "refresh_tokens_not_allowed" : "invalid_or_expired_token");
}

bool
doorman_admit(void *self, Db *db, Arena *a, Str token, Caller *ret, Err *err)
{
	Doorman *d = self;
	Caller found;
	bool ok;

	if (str_none(token))
		return err_set(err, ERR_UNAUTHORIZED, "missing_token");
	pthread_mutex_lock(&d->lock);
	ok = callers_find(d->callers, db, a, token, &found, err);
	if (ok)
		*ret = caller_keep(a, &found);
	pthread_mutex_unlock(&d->lock);
	return ok || (err->code == ERR_UNAUTHORIZED && refuse(d, a, token, err));
}
