/* Who may ask at all: the key that signs tokens, the first identity, and the token that this machine's command line logs in with. */
#include "host/inner.h"

#include "base/log.h"
#include "os/fs.h"
#include "store/change.h"
#include "store/identity.h"
#include "store/permission_set.h"
#include "store/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PASSWORD_BYTES = 18 };

static const char admin_set[] = "core.admin";

/* ---- the first identity ---- */

typedef struct Admin {
	IdentityDef d;
	Str password; /* to be shown; none: somebody has chosen it */
} Admin;

static Str
from_env(const char *name)
{
	Str value = str_of(getenv(name));

	return value.n == 0 ? (Str){ 0 } : value;
}

static bool
admin_choose(Host *h, Admin *ret, Err *err)
{
	Arena *a = h->arena;
	Str login = from_env("ATTUNE_ADMIN_LOGIN"), password = from_env("ATTUNE_ADMIN_PASSWORD");

	*ret = (Admin){ .d = { .login = str_none(login) ? str_of("admin") : login, .attributes = json_object() } };
	if (str_is(ret->d.login, "system"))
		return err_set(
		    err, ERR_INVALID, "ATTUNE_ADMIN_LOGIN: 'system' is the platform itself: choose another login");
	if (!str_none(password) && password.n < 8)
		return err_set(err, ERR_INVALID, "ATTUNE_ADMIN_PASSWORD must have 8 characters or more");
	if (str_none(password))
		ret->password = password = random_text(a, PASSWORD_BYTES);
	return password_hash(a, password, &ret->d.password_hash, err);
}

/* Two processes may start for the first time together: the second finds what the first has made. */
static bool
admin_make(Host *h, Admin *x, bool *ret_made, Err *err)
{
	Uow *u = h->uow;
	Assignment give = { 0 };
	PermissionSetDef set;
	DefPut put;

	if (!uow_begin(u, err) || !change_lock(u->db, u->arena, err) || !identity_any(u->db, u->arena, ret_made, err))
		return false;
	*ret_made = !*ret_made;
	if (!*ret_made)
		return true;
	if (!permission_set_get_ref(u->db, u->arena, str_of(admin_set), &set, err) ||
	    !identity_put(u->db, u->arena, &x->d, u->now, &put, err))
		return false;
	give.identity = put.id;
	give.set = set.id;
	return assignment_put(u->db, u->arena, ASSIGN_SET, &give, u->now, err);
}

/* On standard output, where a person looks, and never in a log. */
static void
admin_say(const Host *h, const Admin *x)
{
	if (str_none(x->password)) {
		log_info("first start: identity '%.*s' is made, with the password that was given", STR_ARG(x->d.login));
		return;
	}
	printf("First start: log in as %.*s with password %.*s (shown this once; attune auth change-password)\n",
	    STR_ARG(x->d.login), STR_ARG(x->password));
	fflush(stdout);
	(void)h;
}

static bool
first_identity(Host *h, Err *err)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	bool there, made = false;
	Admin x;

	if (!identity_any(h->uow->db, a, &there, err) || there)
		return there;
	if (!admin_choose(h, &x, err))
		return false;
	if (!admin_make(h, &x, &made, err) || !uow_commit(h->uow, &points_access, err)) {
		uow_abort(h->uow);
		return err_wrap(err, "make the first identity");
	}
	if (made)
		admin_say(h, &x);
	return true;
}

bool
host_access(Host *h, Err *err)
{
	AccessConfig config = { .clock = clock_real(),
		.secret = config_str(h->config, "security.jwt_secret"),
		.access_life = config_time(h->config, "security.jwt_access_expiration"),
		.refresh_life = config_time(h->config, "security.jwt_refresh_expiration") };

	if ((h->options.roles & (1u << ROLE_API | 1u << ROLE_WORKER | 1u << ROLE_NOTIFIER | 1u << ROLE_SENSOR)) == 0)
		return true;
	if (!access_open(&config, &h->access, err))
		return false;
	h->doorman = doorman_open(h->access);
	return (h->options.roles & 1u << ROLE_API) == 0 || first_identity(h, err);
}

/* ---- the token for this machine ---- */

/* Whoever may do the most: the first identity with the administrator's permission set. */
static bool
local_identity(Host *h, IdentityDef *ret, bool *ret_found, Err *err)
{
	Uow *u = h->uow;
	Assignment *all;
	size_t n;

	*ret_found = false;
	if (!assignment_list(u->db, u->arena, ASSIGN_SET, 0, &all, &n, err))
		return false;
	for (size_t i = 0; i < n && !*ret_found; i++) {
		if (!str_is(all[i].set_ref, admin_set) || !identity_get(u->db, u->arena, all[i].identity, ret, err))
			continue;
		*ret_found = !ret->frozen;
	}
	err_clear(err);
	return true;
}

/* One session for as long as this process runs; those of earlier starts end. */
static bool
local_token(Host *h, Str *ret, Err *err)
{
	static const TimeUs YEARS_10 = 3650LL * 86400 * US_PER_S;
	Uow *u = h->uow;
	Session s = { .kind = str_of("local") };
	IdentityDef who;
	bool found;

	*ret = (Str){ 0 };
	if (!uow_begin(u, err) || !local_identity(h, &who, &found, err))
		return false;
	if (!found)
		return true;
	s.identity = who.id;
	s.expires = u->now + YEARS_10;
	if (!sessions_end(u->db, u->arena, &(SessionsOf){ .kind = "local" }, "a new start", u->now, err) ||
	    !session_open(u->db, u->arena, &s, u->now, err))
		return false;
	*ret = access_local_token(h->access, h->arena, &who, s.id);
	return uow_commit(u, &points_access, err);
}

static bool
token_write(Host *h, int port, Str token, Err *err)
{
	Str path = token_file_path(h->arena, port);
	Str folder = path;

	if (str_none(token) || str_none(path))
		return true;
	while (folder.n > 0 && folder.p[folder.n - 1] != '/')
		folder.n--;
	if (!dirs_make(str_cstr(h->arena, folder), 0700, err) || !file_replace(path.p, token, 0600, err))
		return false;
	h->token_file = path;
	return true;
}

void
host_token_leave(Host *h, int port)
{
	Err err = { 0 };
	Str token;

	if (!h->options.up)
		return;
	if (!local_token(h, &token, &err) || !token_write(h, port, token, &err)) {
		uow_abort(h->uow);
		log_warn("the command line on this machine is not logged in by itself: %s", err.text);
	}
	uow_abort(h->uow);
}

void
host_token_take(Host *h)
{
	if (!str_none(h->token_file) && unlink(h->token_file.p) < 0 && errno != ENOENT)
		log_warn("'%s' cannot be removed: %s", h->token_file.p, strerror(errno));
}
