/*
 * Refs, the names of definitions: "pack.thing", lower case. What they may look like, and names made from them.
 */
#pragma once

#include "base/err.h"

bool ref_is_pack(Str ref);      /* "core": starts with a letter, then letters, digits, - and _; two at least */
bool ref_is_component(Str ref); /* "core.echo": two such halves, one dot */
Str ref_pack(Str ref);          /* the half before the dot, none when there is no dot */
Str ref_name(Str ref);          /* the part behind the last dot */
Str ref_qualify(Arena *a, Str pack, Str ref); /* "echo" -> "core.echo"; with a dot it stays */
Str ref_label(Arena *a, Str ref);             /* "core.download_packs" -> "Download Packs" */
