/*
 * The token that `attune up` leaves on this machine for whoever started it: mode 0600, for one address only, so that it is never sent
 * to another server.
 */
#pragma once

#include "base/str.h"

/* For the server at this URL; none when it is not on this machine, or has left none for us. */
Str credentials_local(Arena *a, Str url);
