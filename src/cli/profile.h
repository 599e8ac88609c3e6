/*
 * Profiles: which server to ask and as whom, in $XDG_CONFIG_HOME/attune/config.yaml (mode 0600, replaced as a whole). The file is read
 * once per command line, when it is first needed, and is written only by commands that change it and when a token was renewed.
 */
#pragma once

#include "cli/cli.h"

/* Fills in what the command line left open: profile, address, format. A file that cannot be read is an error. */
MUST_CHECK bool profile_apply(Cli *c, Err *err);
Str profile_path(const Cli *c); /* of the file; none without a home */
/* Of the environment, else of the profile, else the one left on this machine; may be none. */
Str profile_token(const Cli *c);
/* Asks for new tokens with the refresh token and keeps them; false when there is none or it is refused. */
bool profile_renew(Cli *c, Err *err);
/* The server's sentence, and what to do about it. */
Str profile_advice(const Cli *c, const char *said);

/* A client of the server in use, with the token if so; owned by the caller. */
MUST_CHECK bool profile_client(const Cli *c, bool token, HttpClient **ret, Err *err);

const Json *profile_get(const Cli *c, Str name); /* NULL when there is none */
/* One setting of a profile, made when it is missing; a null value removes it. */
void profile_set(Cli *c, Str name, const char *key, Json value);
MUST_CHECK bool profile_save(Cli *c, Err *err);
