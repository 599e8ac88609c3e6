/*
 * Sessions of users: what a login begins, a refresh goes on with, and a logout ends; and the cookies in which a browser keeps it.
 */
#pragma once

#include "access/hasher.h"
#include "api/audit.h"
#include "api/work.h"
#include "store/identity.h"
#include "store/session.h"

/* Begins one and answers with its tokens and cookies; kind as in Session. */
MUST_CHECK bool session_answer(
    App *app, Req *q, Res *s, const IdentityDef *who, const char *kind, Id integration_token, Err *err);
/* Says to the audit how a login ended: a success within its transaction, anything else before the answer. who NULL: nobody known. */
MUST_CHECK bool audit_login(App *app, const IdentityDef *who, AuditOutcome outcome, Str login, Err *err);
/* The pair of tokens of a session, as the API gives it. */
Json session_tokens(App *app, Arena *a, const IdentityDef *who, const Session *session, bool with_user);
void session_cookies(App *app, Req *q, Res *s, const Json *tokens);
void session_cookies_clear(App *app, Req *q, Res *s);
/* The token of the request: its Authorization header, else its cookie. *ret_cookie says which. None: there is none. */
Str bearer_of(Req *q, bool *ret_cookie);
Str cookie_of(Req *q, const char *name);
/* Rights have changed in a transaction that is committed. */
void app_rights_changed(App *app);

/* A password is checked or hashed elsewhere, and the handler called again when it is; *ret_asleep: there is no answer yet. */
MUST_CHECK bool password_work(
    App *app, Req *q, Res *s, const HashJob *job, HashResult *ret, bool *ret_asleep, Err *err);
/* The same for a guess at the password of this login: who guesses wrong has to wait. job->against none: of nobody. */
MUST_CHECK bool password_guess(
    App *app, Req *q, Res *s, Str login, HashJob *job, HashResult *ret, bool *ret_asleep, Err *err);
/* ERR_BUSY with Retry-After */
bool too_many(Req *q, Res *s, TimeUs wait, const char *what, Err *err);
/* ERR_VALIDATION unless it is of 8 to 128 characters. */
MUST_CHECK bool password_fits(Str password, const char *key, Err *err);
/* ERR_VALIDATION unless it is of 3 to 255 characters and is not one of the platform's own ("sensor:x"). */
MUST_CHECK bool login_fits(Str login, Err *err);
