/*
 * When a certificate ends, and whether a private key belongs to it; for checks only, serving TLS is the HTTP library's.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

/* pem: a chain, of which the first is looked at. */
MUST_CHECK bool cert_ends(Str pem, TimeUs *ret, Err *err);
MUST_CHECK bool cert_has_key(Str pem, Str key_pem, Err *err);
