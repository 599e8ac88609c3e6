/*
 * Bytes as text and back: base64 (standard and URL alphabets), hex, and the check for strict UTF-8.
 */
#pragma once

#include "base/err.h"

Str base64_encode(Arena *a, Str bytes);
Str base64url_encode(Arena *a, Str bytes); /* no padding */
/* Accepts both alphabets, padding optional; anything else is refused. */
MUST_CHECK bool base64_decode(Arena *a, Str text, Str *ret);
Str hex_encode(Arena *a, Str bytes);
MUST_CHECK bool hex_decode(Arena *a, Str text, Str *ret);

bool utf8_valid(Str s);            /* no overlong forms, no surrogates, at most U+10FFFF */
size_t utf8_valid_prefix(Str s);   /* bytes up to the first that is not */
size_t utf8_char(Str s);           /* bytes of the character at the start; 0: none that is valid */
size_t utf8_length(Str s);         /* characters of valid text */
Str utf8_clip(Str s, size_t most); /* at most so many bytes of valid text, no half character at its end */
Str utf8_clean(Arena *a, Str s);   /* every bad byte replaced by U+FFFD; s itself when valid */
