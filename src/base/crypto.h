/*
 * Cryptography, the only door to OpenSSL.
 */
#pragma once

#include "base/str.h"

enum { SHA256_BYTES = 32 };

void sha256(Str bytes, unsigned char ret[SHA256_BYTES]);
Str sha256_hex(Arena *a, Str bytes);
