/*
 * What the JSON files and YAML share among themselves; nobody else includes this.
 */
#pragma once

#include "base/json.h"

/*
 * Makes the keys of members[0..*n) unique: the last value wins, at the place of the first. False when a key was there
 * twice; *ret_twice is then the index it had. Linear, whatever keys a peer chooses.
 */
bool json_keys_settle(JsonMember *members, size_t *n, size_t *ret_twice, Str *ret_key);

/*
 * Reads the number that starts at text, which must end with a byte that is none of a number's. Returns where it ends, or NULL
 * when there is none by JSON's grammar.
 */
const char *json_number(Arena *a, const char *text, Json *ret);

/* "line 3, column 7" of the byte at `at`; columns count characters. */
void json_place(Str text, size_t at, unsigned *ret_line, unsigned *ret_column);
